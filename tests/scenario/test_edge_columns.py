"""Edge lists as other products write them: columns by name, files without a header, what isn't used."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import scenario_file, write
from support.scenarios import DRAWN

from sim.errors import InputError
from sim.scenario import from_resolved, load, read_edges, resolved
from sim.scenario.read.edge_columns import PAIRS, edge_columns
from sim.scenario.resolve.graph_notes import graph_notes

FOLLOWS = [("ann", "amy"), ("ann", "bo"), ("cat", "amy"), ("dan", "cheng")]
PAIRS_OF_NAMES = [(fan, influencer) for fans, influencers in PAIRS for fan in fans for influencer in influencers]


def lines(header: str, separator: str = ",") -> str:
    return "\n".join([header, *(separator.join(follow) for follow in FOLLOWS)]) + "\n"


@pytest.mark.parametrize(
    ("header", "fan_first"),
    [
        ("Source,Target", True),
        ("target,source", False),
        ("follower_id,followee_id", True),
        ("followee_id,follower_id", False),
        ("influencer,fan", False),
        ("Fan ID,Follower ID", True),
        ("followerId,followeeId", True),
        (" from , to ", True),
    ],
)
def test_both_orders_of_known_columns_give_the_same_graph(tmp_path: Path, header: str, fan_first: bool) -> None:
    rows = [follow if fan_first else follow[::-1] for follow in FOLLOWS]
    path = write(tmp_path / "e.csv", "\n".join([header, *map(",".join, rows)]))
    assert read_edges(path) == read_edges(write(tmp_path / "ours.csv", lines("fan,influencer")))


@settings(**DRAWN)
@given(
    st.sampled_from(PAIRS_OF_NAMES),
    st.booleans(),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.lists(st.sampled_from(["weight", "Id", "crawl_time", "label"]), unique=True, max_size=3),
)
def test_a_known_pair_is_found_by_name_wherever_it_stands(pair, is_reversed, spelled, others) -> None:  # type: ignore[no-untyped-def]
    columns = [*others, *(spelled(name) for name in (pair[::-1] if is_reversed else pair))]
    found = edge_columns(columns, "e.csv")
    assert (columns[found.fan].lower(), columns[found.influencer].lower()) == pair
    assert found.by_name


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + lines("Source;Target", ";").encode(),
        lines("Source\tTarget", "\t").encode(),
        lines("Source, Target", ", ").encode(),
        lines("Source,Target").encode("utf-16"),
    ],
    ids=["semicolons and a mark", "tabs", "spaces after commas", "utf-16"],
)
def test_what_spreadsheets_make_of_an_edge_list_is_read(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(raw)
    assert read_edges(path).follows() == FOLLOWS


@settings(**DRAWN)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=9), st.sampled_from(",;\t"))
def test_numbers_without_a_header_are_always_refused(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[int, int]], separator: str
) -> None:
    path = tmp_path_factory.mktemp("e") / "e.csv"
    write(path, "".join(f"{u}{separator}{v}\n" for u, v in edges))
    for dirty_rows in ("refuse", "skip"):
        with pytest.raises(InputError, match=r"but the first line looks like a follow; add a line `fan,influencer`"):
            read_edges(path, dirty_rows=dirty_rows)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ann,amy\nben,amy\n", "holds an id of line 2"),
        ("ann,amy\nben,bo\ncat,bo\ndan,ann\n", "holds an id of line 4"),
        ("fan7,star1\nfan8,star1\n", "looks like a follow"),
        ("https://a.example/u1,https://a.example/u2\nx,y\n", "looks like a follow"),
        ("@ann,@amy\n@ben,@bo\n", "looks like a follow"),
        ("550e8400-e29b-41d4-a716-446655440000,b\nx,y\n", "looks like a follow"),
        ("user_0123,user_0456\nx,y\n", "looks like a follow"),
        (",0,1\n0,ann,amy\n1,ben,bo\n", "looks like a follow"),
    ],
)
def test_a_first_line_of_ids_is_refused_also_when_skipping(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_edges(write(tmp_path / "e.csv", text), dirty_rows="skip")


@pytest.mark.parametrize("header", ["id_1,id_2", "node1,node2", "u,v", "who,whom"])
def test_names_with_a_digit_are_a_header_unless_the_ids_have_their_form(tmp_path: Path, header: str) -> None:
    graph = read_edges(write(tmp_path / "e.csv", f"{header}\n17,3\n18,3\n"))
    assert graph.follows() == [("17", "3"), ("18", "3")]
    assert graph.columns == tuple(header.split(","))


@pytest.mark.parametrize(
    "header",
    [
        "user_id,followed_by",
        "account,followedBy",
        "Followed By,user",
        "by,who",
        "user,followers",
        "fans,star",
        "用户,粉丝",
    ],
)
def test_a_name_that_may_turn_the_follows_round_is_refused_unless_the_scenario_says_what_it_is(
    tmp_path: Path, header: str
) -> None:
    path = write(tmp_path / "e.csv", f"{header}\namy,ann\n")
    for dirty_rows in ("refuse", "skip"):
        with pytest.raises(
            InputError, match=r"1: .* leaves open who follows whom; .* influencers.follow_graph_columns"
        ):
            read_edges(path, dirty_rows=dirty_rows)  # type: ignore[arg-type]
    fan, influencer = reversed(header.split(","))
    assert read_edges(path, columns=(fan, influencer)).follows() == [("ann", "amy")]


@pytest.mark.parametrize("header", ["user,follows", "hobby,ruby", "baby_id,star"])
def test_other_unknown_names_are_read_in_their_order_and_a_note_says_so(tmp_path: Path, header: str) -> None:
    first, second = header.split(",")
    loaded = load(scenario_file(tmp_path, f"{header}\nann,amy\n"))
    assert loaded.graph is not None
    assert loaded.graph.follows() == [("ann", "amy")]
    assert graph_notes(loaded) == [
        f'follow graph: of the columns, "{first}" is who follows, "{second}" who is followed'
    ]


@pytest.mark.parametrize("header", ["user,weight", "type,user"])
def test_a_weight_or_a_type_is_no_account(header: str) -> None:
    with pytest.raises(InputError, match="must have two columns that say who follows whom"):
        edge_columns(header.split(","), "e.csv")


def test_an_account_may_have_the_name_of_a_known_column(tmp_path: Path) -> None:
    text = "fan,influencer\nfan,star\nx,influencer\n"
    assert read_edges(write(tmp_path / "e.csv", text)).follows() == [("fan", "star"), ("x", "influencer")]


def test_a_header_within_a_file_is_a_bad_row(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "Source,Target\nx,a\nSource,Target\ny,a\n")
    with pytest.raises(InputError, match='3: repeats the header, got "Source", "Target"'):
        read_edges(path)
    graph = read_edges(path, dirty_rows="skip")
    assert (graph.follows(), graph.n_skipped) == ([("x", "a"), ("y", "a")], 1)


@pytest.mark.parametrize("pair", ["Source,Target", "fan,influencer"])
@pytest.mark.parametrize(
    ("kinds", "directed", "message"),
    [
        (["Directed", "directed"], True, None),
        (["Undirected", "UNDIRECTED"], False, None),
        (["", " "], True, None),
        (["", ""], False, None),
        (["Undirected", ""], False, r'3: Type: must be Directed or Undirected in each row, or empty in all, got ""'),
        (["", "Directed"], True, r"2: Type: must be Directed or Undirected in each row, or empty in all"),
        (["retweet", "mention"], True, r"2: Type: must be Directed or Undirected; rename or .* got \"retweet\""),
        (["Directed", "Mutual"], True, r"3: Type: must be Directed or Undirected; rename or .* got \"Mutual\""),
        (["Directed", "Undirected"], True, r"3: Type: edges must be all Directed or all Undirected; .*\"Undirected\""),
        (["Undirected", "Directed"], False, r"3: Type: edges must be all Directed or all Undirected"),
        (["Undirected", "Undirected"], True, r"2: Type: says that both .* influencers.follow_graph_directed is true"),
        (["Directed", "Directed"], False, r"2: Type: says who .* influencers.follow_graph_directed is false"),
    ],
)
def test_the_direction_that_gephi_writes_must_be_the_scenario_s(
    tmp_path: Path, pair: str, kinds: list[str], directed: bool, message: str | None
) -> None:
    path = write(tmp_path / "e.csv", f"{pair},Type\nx,a,{kinds[0]}\ny,b,{kinds[1]}\n")
    if message is None:
        graph = read_edges(path, directed=directed)
        assert len(graph.fan) == (2 if directed else 4)
        empty = "is empty in all rows: follow_graph_directed says whether edges are directed"
        assert graph.notes == (f"Type {f'is {kinds[0]} in all rows' if kinds[0] else empty}",)
        return
    for dirty_rows in ("refuse", "skip"):
        with pytest.raises(InputError, match=message):
            read_edges(path, directed=directed, dirty_rows=dirty_rows)  # type: ignore[arg-type]


def test_the_scenario_names_columns_that_no_rule_knows(tmp_path: Path) -> None:
    named = 'influencers.follow_graph_columns = {fan = "who likes", influencer = "liked"}\n'
    path = scenario_file(tmp_path, "liked,since,who likes\na,2020,x\n", named)
    loaded = load(path)
    assert loaded.graph is not None
    assert loaded.graph.follows() == [("x", "a")]
    again = from_resolved(resolved(loaded), None, tmp_path / "edges.csv")
    assert again == loaded
    for text, message in (
        ("liked,since,who liked\na,2020,x\n", "edges.csv:1: who likes: column is required, .*did you mean `who liked`"),
        ("liked,who likes,liked\na,x,b\n", "edges.csv:1: liked: column must stand there once"),
    ):
        write(tmp_path / "edges.csv", text)
        with pytest.raises(InputError, match=message):
            load(path)


@pytest.mark.parametrize(
    ("columns", "graph", "message"),
    [
        ('{fan = "u"}', "edges.csv", r"influencers.follow_graph_columns.influencer: is required"),
        ('{fan = "u", influencer = "u"}', "edges.csv", "edges.csv:1: u: who follows and .* must be two columns"),
        ('{fan = "u", influencer = "v"}', "g.gexf", "follow_graph_columns: must be left out, unless .* an edge list"),
        ('{fan = "u", influencer = "v"}', None, "follow_graph_columns: must be left out, unless .* an edge list"),
    ],
)
def test_columns_that_can_t_be_those_of_the_follow_graph_are_refused(
    tmp_path: Path, columns: str, graph: str | None, message: str
) -> None:
    write(tmp_path / "edges.csv", "u,v\nx,a\n")
    write(tmp_path / "g.gexf", "")
    counts = "fans.count = 9\nfans.follows_per_fan = 1\ninfluencers.count = 2\n"
    file = counts if graph is None else f'influencers.follow_graph = "{graph}"\n'
    with pytest.raises(InputError, match=message):
        load(scenario_file(tmp_path, None, f"{file}influencers.follow_graph_columns = {columns}\n"))


def test_columns_that_a_follow_has_no_use_for_are_named_before_the_run(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, "Source,Target,Type,Id,Weight\nx,a,Directed,0,2.5\ny,a,Directed,1,1e-9\n")
    notes = graph_notes(load(path))
    assert notes == [
        'follow graph: of the columns, "Source" is who follows, "Target" who is followed',
        "follow graph: Type is Directed in all rows",
        "follow graph: columns that the model doesn't use: Id, Weight (a follow has no weight)",
    ]


@pytest.mark.parametrize("weight", ["0", "0.0", "-3", "nan", "", "inf", "heavy", "-inf"])
@pytest.mark.parametrize("name", ["weight", "Weight", "weights"])
def test_a_row_whose_weight_is_not_above_0_is_bad(tmp_path: Path, name: str, weight: str) -> None:
    rows = "".join(f"{fan},amy,{weight if fan == 'ben' else '1.5'}\n" for fan in ["ann", "ben", *"cdefghijkl"])
    path = write(tmp_path / "e.csv", f"fan,influencer,{name}\n{rows}")
    with pytest.raises(InputError, match=rf"e.csv:3: {name}: must be a number > 0: .* delete the row, or the column"):
        read_edges(path)
    graph = read_edges(path, dirty_rows="skip")
    assert (len(graph.fan), graph.n_skipped) == (11, 1)
    assert [(reason.column, reason.first) for reason in graph.skipped] == [(name, (3,))]


@pytest.mark.parametrize(
    "row", ["ann;amy;1,5", "ann;amy;3", "ann;amy;2E-05", "ann;amy;1.250", "ann;amy;1,250", "ann;amy;0.125"]
)
def test_weights_are_read_as_a_spreadsheet_writes_them(tmp_path: Path, row: str) -> None:
    path = write(tmp_path / "e.csv", f"Source;Target;Weight\n{row}\n")
    assert read_edges(path).follows() == [("ann", "amy")]


def test_fan_and_influencer_come_before_any_other_pair(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", "source,influencer,fan,target\nx,amy,ann,y\n"))
    assert graph.follows() == [("ann", "amy")]
    assert graph.notes == ("columns that the model doesn't use: source, target",)


def test_of_a_parquet_edge_list_other_columns_are_named_and_not_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"followee": ["a", "b"], "follower": ["x", "y"], "tags": [["t"], []], "weight": [1.0, 2.0]}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    graph = read_edges(tmp_path / "e.parquet")
    assert graph.follows() == [("x", "a"), ("y", "b")]
    assert graph.notes == ("columns that the model doesn't use: tags, weight (a follow has no weight)",)


# A roster beside a graph


def stars(followers: dict[str, int]) -> str:
    """Fans of their own for each influencer."""
    rows = (f"{name}-{i},{name}\n" for name, n in followers.items() for i in range(n))
    return "fan,influencer\n" + "".join(rows)


@pytest.mark.parametrize(
    ("followers", "follows", "note"),
    [
        ({"a": 5000, "b": 3000}, {"a": 50, "b": 30}, None),
        ({"a": 5000, "b": 3000}, {"a": 44, "b": 36}, None),
        ({"a": 9, "b": 1}, {"a": 1, "b": 2}, None),
        (
            {"a": 10, "b": 1_000_000},
            {"a": 5, "b": 1},
            r"2 of 2 accounts .* most of all a \(0.001 % of the followers, 83",
        ),
        ({"a": 900, "b": 900, "c": 1}, {"a": 200, "b": 30, "c": 0}, r"1 of 3 accounts .* most of all b \(50 % of"),
        ({"a": 0, "b": 0}, {"a": 3, "b": 1}, "they are all 0"),
    ],
)
def test_a_roster_s_followers_that_the_graph_contradicts_are_named_with_the_account_that_differs_most(
    tmp_path: Path, followers: dict[str, int], follows: dict[str, int], note: str | None
) -> None:
    rows = "".join(f"{name},{n}\n" for name, n in followers.items())
    roster = write(tmp_path / "r.csv", "influencer,followers\n" + rows)
    notes = graph_notes(load(scenario_file(tmp_path, stars(follows)), roster=roster))
    if note is None:
        assert notes == []
    else:
        (only,) = notes
        assert only.startswith("follow graph: followers of the roster aren't used for who follows whom: ")
        assert re.search(note, only)
