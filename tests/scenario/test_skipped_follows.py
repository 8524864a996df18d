"""Bad rows of a follow graph that are skipped: what is said of them, and when they may not be."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import scenario_file, write
from support.scenarios import DRAWN
from support.small_runs import sim

from sim.errors import InputError
from sim.results.run import Run
from sim.scenario import FollowGraph, read_edges

pytestmark = pytest.mark.quick


def stars(**follows: int) -> list[str]:
    """Rows of fans of their own for each influencer."""
    return [f"{name}{i},{name}" for name, n in follows.items() for i in range(n)]


def skipping(folder: Path, rows: list[str], *roster: str, directed: bool = True) -> FollowGraph:
    path = write(folder / "e.csv", "\n".join(["fan,influencer", *rows]) + "\n")
    return read_edges(path, influencers=roster or None, directed=directed, dirty_rows="skip")


def refused(folder: Path, rows: list[str], *roster: str, directed: bool = True) -> str:
    with pytest.raises(InputError) as caught:
        skipping(folder, rows, *roster, directed=directed)
    return str(caught.value.faults[0]).rpartition("/")[2]


def test_an_influencer_as_large_as_the_head_can_t_be_skipped(tmp_path: Path) -> None:
    assert skipping(tmp_path, stars(a=8, b=3, c=7), "a", "b").n_skipped == 7
    assert refused(tmp_path, stars(a=8, b=3, c=8), "a", "b") == (
        'e.csv:13: bad rows can\'t be skipped: they contain 8 of the 8 follows of "c", which is among the largest 1 % '
        "of the influencers (at least one; from 8 follows); add these accounts to the roster, "
        "or delete the rows; the first here"
    )


def test_the_head_is_the_largest_1_percent_of_all_influencers_with_those_of_no_follow(tmp_path: Path) -> None:
    rows, others = stars(a=9, b=5, c=5), [f"o{i}" for i in range(197)]
    assert skipping(tmp_path, rows, "a", "b", *others[:196]).n_skipped == 5  # a head of one account
    assert '5 of the 5 follows of "c"' in refused(tmp_path, rows, "a", "b", *others)  # of two


def test_an_account_of_the_head_may_lose_a_tenth_of_its_follows(tmp_path: Path) -> None:
    for bad, is_skipped in ((2, True), (3, False)):
        for row in (",a", "x,a,more", "x\x07,a"):
            rows = stars(a=20 - bad, b=1) + [row] * bad
            if is_skipped:
                assert skipping(tmp_path, rows).n_skipped == bad
            else:
                assert f'they contain {bad} of the 20 follows of "a"' in refused(tmp_path, rows)
                assert refused(tmp_path, rows).endswith("; correct or delete the rows; the first here")


def test_rows_without_an_influencer_count_as_an_account(tmp_path: Path) -> None:
    assert skipping(tmp_path, [*stars(a=5, b=1), *["x,"] * 4]).n_skipped == 4
    assert "5 of the 5 follows of an account without a name" in refused(tmp_path, [*stars(a=5, b=1), *["x,"] * 5])


def test_repeats_and_loops_lose_no_follow(tmp_path: Path) -> None:
    rows = stars(a=3, b=1)
    assert skipping(tmp_path, [*rows, *rows]).n_skipped == 4
    graph = skipping(tmp_path, ["a,b", "b,a", "a,a", "a,c"], directed=False)
    assert graph.n_skipped == 2


def test_more_than_half_of_the_rows_can_t_fail_by_the_same_rule(tmp_path: Path) -> None:
    rows = stars(a=3, b=1)
    assert refused(tmp_path, [*rows, *rows, *rows[:1]]) == (
        "e.csv:6: bad rows can't be skipped: 5 of 9 rows fail by the same rule (a follow must appear once); "
        "correct or delete the rows; the first here"
    )
    unknown = [f"x,nobody{i}" for i in range(5)]
    assert "5 of 9 rows fail by the same rule (must be in the roster); add these accounts" in refused(
        tmp_path, [*rows, *unknown], "a", "b"
    )


@settings(**DRAWN)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcdef")), min_size=1, unique=True))
def test_what_is_skipped_never_contains_the_largest_account(
    tmp_path_factory: pytest.TempPathFactory, follows: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("e")
    rows = [f"fan{u},{v}" for u, v in follows]
    size = {name: sum(v == name for _, v in follows) for name in "abcdef"}
    unknown = [size[name] for name in "def"]
    if max(unknown) == max(size.values()) or 2 * sum(unknown) > len(rows):
        refused(folder, rows, "a", "b", "c")
    else:
        assert skipping(folder, rows, "a", "b", "c").n_skipped == sum(unknown)


def test_what_was_skipped_is_in_manifest_answer_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [*stars(a=12, b=3), "x,nobody", "a1,a", "x", "y,nobody"]
    text = "\n".join(["fan,influencer", *rows]) + "\n"
    write(tmp_path / "r.csv", "influencer,city\na,x\nb,y\n")
    file = scenario_file(tmp_path, text, 'influencers.dirty_rows = "skip"\n')
    file.write_text(
        file.read_text().replace("horizon_days = 70\nwarmup_days = 10", "horizon_days = 20\nwarmup_days = 2")
    )
    told = sim("run", str(file), "--roster", "r.csv", "--out", "run", "--json")
    assert told.code == 0, told.err
    found = Run.read(tmp_path / "run").manifest["reading"]
    assert json.loads(told.out)["reading"] == found
    skipped = found["follow_graph"]["skipped"]
    assert skipped["rows"] == 4
    assert skipped["reasons"][0] == {
        "column": "influencer",
        "rule": "must be in the roster",
        "rows": 2,
        "first": [17, 20],
    }
    (note,) = found["follow_graph"]["notes"]
    assert note.startswith("follow graph: 4 bad rows skipped: 2 influencer must be in the roster (lines 17, 20); 1 ")
    assert "1 a follow must appear once (line 18)" in note
    assert note in " ".join(sim("compare", "run").out.split())
    assert sim("report", "run").code == 0
    (page,) = (tmp_path / "run").glob("*.html")
    assert note in page.read_text(encoding="utf-8")
