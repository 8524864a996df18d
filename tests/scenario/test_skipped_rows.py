"""Bad rows that are skipped: counted with reasons, never with the head among them; and a last row that is a total."""

import json
import random
from pathlib import Path

import pytest
from support.small_runs import TINY, sim

from sim.errors import InputError
from sim.results.run import Run
from sim.scenario import Roster, read_roster
from sim.scenario.read.skipped_rows import Reason


def read(folder: Path, text: str, dirty_rows: str = "skip", **options: object) -> Roster:
    path = folder / "r.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path, dirty_rows=dirty_rows, verticals=["beauty"], **options)  # type: ignore[arg-type]


def refused(folder: Path, text: str, dirty_rows: str = "skip", **options: object) -> str:
    """The first fault."""
    with pytest.raises(InputError) as caught:
        read(folder, text, dirty_rows, **options)
    return str(caught.value.faults[0]).removeprefix(f"{folder}/")


def people(n: int, **bad: str) -> str:
    """A roster of ``n`` accounts by falling followers, with views that fall with them; ``bad`` takes rows' places."""
    rng = random.Random(1)
    rows = ["influencer,followers,views,rank,noise"]
    for i in range(n):
        row = f"a{i},{1_000_000 // (i + 1)},{5_000_000 // (i + 1) + rng.randrange(100)},{i + 1},{rng.random():.6f}"
        rows.append(bad.get(f"a{i}", row))
    return "\n".join(rows) + "\n"


def test_reasons_are_counted_with_their_first_lines(tmp_path: Path) -> None:
    text = "influencer,followers,vertical\na,500,beauty\nb,4,pop\nc,nan,\nd,3,travel\n,4,\ne,5,\na,3,\nf,2\n"
    roster = read(tmp_path, text)
    assert roster.influencer == ("a", "e")
    assert roster.n_skipped == 6
    assert roster.skipped == (
        Reason("vertical", "must be a vertical of the scenario", 2, (3, 5)),
        Reason("followers", "must be a finite number", 1, (4,)),
        Reason("influencer", "is required", 1, (6,)),
        Reason("influencer", "must be unique", 1, (8,)),
        Reason(None, "must have 3 fields, as the header has", 1, (9,)),
    )


FORMS = ["10万+", '"37,8万"', "1e4k", "377.6", "377~378", "-4000", "-1294967296", "5e15", "2000000000000000"]
TEXTS = ["hidden", "unknown", "千万", "上亿", "########", "inf", "-inf", "?"]


@pytest.mark.parametrize("cell", FORMS + TEXTS)
def test_a_count_in_a_form_that_is_not_read_is_never_skipped(tmp_path: Path, cell: str) -> None:
    text = people(200, a150=f"a150,{cell},1,1,1")
    what = "1 cell is neither empty nor a number of followers as it is read"
    rule = f"r.csv:152: followers: bad rows can't be skipped: {what}; the first, got "
    assert refused(tmp_path, text).startswith(rule)


def test_full_width_digits_are_refused_by_name(tmp_path: Path) -> None:
    text = "influencer,followers\na,５００\n"  # noqa: RUF001 - that is what is tried
    rule = "followers: must be a whole number >= 0 (digits must be 0 to 9, not full-width or of another script)"
    assert refused(tmp_path, text, "refuse").startswith(f"r.csv:2: {rule}, got ")


def test_numbers_that_fall_apart_at_commas_without_quotes_are_never_skipped(tmp_path: Path) -> None:
    rows = "".join(f"a{i},{1100 - i},x\n" for i in range(200))
    what = "more fields than the header, as numbers with commas make them that aren't in quotes; the first here"
    one = "influencer,followers,city\n" + rows.replace("a0,1100,", "a0,1,100,")
    assert refused(tmp_path, one) == f"r.csv:2: bad rows can't be skipped: 1 row has {what}"
    name = "influencer,followers,city\n" + rows.replace("a7,", "Doe, Jo,")
    assert read(tmp_path, name).n_skipped == 1
    two = name.replace("a9,", "Roe, Jo,")
    assert refused(tmp_path, two) == f"r.csv:9: bad rows can't be skipped: 2 rows have {what}"


def test_two_unread_numbers_of_another_column_are_a_pattern_one_is_not(tmp_path: Path) -> None:
    rows = [f"a{i},{1000 - i},1.5" for i in range(50)]
    header = "influencer,followers,posts_per_day"
    rows[40] = 'a40,960,"2,5"'
    assert read(tmp_path, "\n".join([header, *rows])).n_skipped == 1
    rows[44] = 'a44,956,"3,5"'
    rule = "posts_per_day: bad rows can't be skipped: 2 cells are numbers in a form that isn't read; the first"
    assert refused(tmp_path, "\n".join([header, *rows])) == f'r.csv:42: {rule}, got "2,5"'


@pytest.mark.parametrize("cell", ["", "nan", "NA", "n/a", "N/A", "-", "null", "None"])
def test_one_account_without_a_count_is_skipped_two_could_be_the_head(tmp_path: Path, cell: str) -> None:
    bad = {f"a{i}": f"a{i},{cell},{5_000_000 // (i + 1)},{i + 1},0.5" for i in range(100, 108)}
    assert read(tmp_path, people(1000, a100=bad["a100"])).n_skipped == 1
    rule = (
        "bad rows can't be skipped: {} rows don't say how many (lines {}), and the largest accounts could be among them"
    )
    advice = ": fill them in, or delete rows that are no accounts"
    found = refused(tmp_path, people(1000, a100=bad["a100"], a103=bad["a103"]))
    assert found == f"r.csv:102: followers: {rule.format(2, '102, 105')}{advice}"
    found = refused(tmp_path, people(1000, **bad))
    assert found == f"r.csv:102: followers: {rule.format(8, '102, 103, 104, 105, 106, …')}{advice}"


@pytest.mark.parametrize(("row", "column"), [("a0,,4999999,700,0.5", "views"), ("a0,,,1,0.5", "rank")])
def test_the_largest_account_is_never_skipped(tmp_path: Path, row: str, column: str) -> None:
    text = people(150, a0=row)
    rule = f"bad rows can't be skipped: they hold 1 of the 1 largest account by {column}; mend them, the largest here"
    assert refused(tmp_path, text) == f"r.csv:2: {rule}"


def test_a_row_that_is_cut_off_is_skipped_and_counted(tmp_path: Path) -> None:
    roster = read(tmp_path, people(150, a9="a9,100000"))
    assert roster.skipped == (Reason(None, "must have 5 fields, as the header has", 1, (11,)),)


@pytest.mark.parametrize(
    "row", ["a0,1000000", "a0;1000000", "Smith, Jo,1000000,1,1,0.5", "a0,100万", "a0,1,1,1000000", "x,y,z,1M,1,1"]
)
def test_any_number_of_a_row_of_other_fields_may_be_its_followers(tmp_path: Path, row: str) -> None:
    rule = "bad rows can't be skipped: they hold 1 of the 1 largest account by followers; mend them, the largest here"
    assert refused(tmp_path, people(150, a0=row)) == f"r.csv:2: {rule}"


def test_two_rows_that_are_cut_off_before_their_followers_could_be_the_head(tmp_path: Path) -> None:
    def rows(*cut: str) -> str:
        lines = [f"acct-{i:03},{i % 50},{1000 - i}" for i in range(100)]
        return "\n".join(["influencer,age,followers", *cut, *lines])

    for first, second in (("top-001", "top-002"), ("top-001,25", "top-002,31"), ("top-001,25", "top,2,")):
        assert read(tmp_path, rows(first)).n_skipped == 1
        assert "2 rows don't say how many (lines 2, 3)" in refused(tmp_path, rows(first, second))


@pytest.mark.parametrize("row", ['"x,1\na1,500\ny",3', '"a7\n,9', '"a7\n,9\n"x,5', '"a\nb\nc",5', '"a\nb\nc",5,6'])
def test_lines_that_a_quote_makes_one_row_are_never_skipped(tmp_path: Path, row: str) -> None:
    text = "influencer,followers\n" + "".join(f"b{i},{90 - i}\n" for i in range(20)) + row
    n = 1 + row.count("\n")
    for end in ("\n", "\r\n"):
        rule = f"bad rows can't be skipped: a quote makes {n} lines one row, which begins here"
        assert refused(tmp_path, text.replace("\n", end)) == f"r.csv:22: {rule}"


@pytest.mark.parametrize("mark", ["N/A", "-", "100+", "~7", "about 9"])
def test_a_column_of_numbers_with_some_texts_shows_who_is_large(tmp_path: Path, mark: str) -> None:
    rows = [f"a{i},{5000 - i},{100_000 - 20 * i}+" for i in range(60)]
    rows[30], rows[40], rows[0] = f"a30,4970,{mark}", f"a40,4960,{mark}", "a0,,100000+"
    rule = "bad rows can't be skipped: they hold 1 of the 1 largest account by likes; mend them, the largest here"
    assert refused(tmp_path, "\n".join(["influencer,followers,likes", *rows])) == f"r.csv:2: {rule}"
    rows[0] = "a0,,10+"
    assert read(tmp_path, "\n".join(["influencer,followers,likes", *rows])).n_skipped == 1


def test_followers_themselves_show_that_the_head_is_bad(tmp_path: Path) -> None:
    text = "influencer,followers,vertical\n" + "".join(f"a{i},{i},beauty\n" for i in range(300))
    assert "hold 1 of the 3 largest accounts by followers" in refused(
        tmp_path, text.replace("299,299,beauty", "299,299,x")
    )
    assert "hold 1 of the 3 largest accounts by followers" in refused(tmp_path, text.replace("a297,", ","))
    assert read(tmp_path, text.replace("a296,296,beauty", "a296,296,x")).n_skipped == 1


def test_rows_that_mostly_fail_alike_are_not_skipped(tmp_path: Path) -> None:
    rows = "".join(f"a{i},9,{'pop' if i % 2 else ''}\n" for i in range(11))
    assert read(tmp_path, "influencer,followers,vertical\n" + rows).n_skipped == 5
    what = "bad rows can't be skipped: 7 of 13 rows fail alike (must be a vertical of the scenario); the first here"
    text = f"influencer,followers,vertical\n{rows}x,9,pop\ny,9,pop\n"
    assert refused(tmp_path, text) == f"r.csv:3: vertical: {what}"


def test_up_to_a_tenth_of_the_head_may_be_skipped(tmp_path: Path) -> None:
    def with_bad(n: int) -> str:
        return "influencer,followers,vertical\n" + "".join(f"a{i},{9999 - i},{'x' * (i < n)}\n" for i in range(2000))

    assert read(tmp_path, with_bad(2)).n_skipped == 2
    assert "hold 3 of the 20 largest accounts" in refused(tmp_path, with_bad(3))


def test_a_column_that_does_not_rank_as_followers_do_says_nothing_of_the_head(tmp_path: Path) -> None:
    assert read(tmp_path, people(150, a90="a90,,,,0.999999")).n_skipped == 1


def test_a_row_that_repeats_an_account_is_skipped_unless_it_is_larger(tmp_path: Path) -> None:
    rows = "influencer,followers\n" + "".join(f"a{i},{500 - i}\n" for i in range(200))
    assert read(tmp_path, rows + "a0,500\n").n_skipped == 1
    assert "largest accounts by followers" in refused(tmp_path, rows.replace("a150,350", "a0,9999"))


@pytest.mark.parametrize("name", ["Total", "TOTAL:", "合计", "总计", "Grand total", "anything"])
@pytest.mark.parametrize("dirty_rows", ["refuse", "skip"])
def test_a_last_row_that_sums_up_the_others_is_refused(tmp_path: Path, name: str, dirty_rows: str) -> None:
    what = "the row is the sum of the others, not an account: delete it (or move it to the middle, if it is one)"
    text = "influencer,followers\na,100\nb,20\nc,3\n"
    assert refused(tmp_path, f"{text}{name},123\n", dirty_rows) == f'r.csv:5: {what}, got "{name}", 123'
    if name != "anything":
        assert refused(tmp_path, f"{text}{name},12.3万\n", dirty_rows) == f'r.csv:5: {what}, got "{name}", "12.3万"'
    read(tmp_path, f"{text}{name},99\n", dirty_rows)


TWENTY = "".join(f"a{i},{1000 + i * i}\n" for i in range(20))  # 22,470 in all


@pytest.mark.parametrize("dirty_rows", ["refuse", "skip"])
@pytest.mark.parametrize(
    "name", ["Total", "总计", "共计", "总数", "Sum", "All", "Gesamt", "Total (20 accounts)", "any"]
)
def test_a_total_is_refused_as_the_first_row_and_before_an_average_or_a_source(
    tmp_path: Path, name: str, dirty_rows: str
) -> None:
    what = "the row is the sum of the others, not an account: delete it (or move it to the middle, if it is one)"
    head, total = "influencer,followers\n", f"{name},22470\n"
    assert refused(tmp_path, head + total + TWENTY, dirty_rows) == f'r.csv:2: {what}, got "{name}", 22470'
    for footer in (
        "",
        "Average,1123\n",
        "Average,1123\nMedian,1090\n",
        *(["Source: us,\n", "us\n"] * (dirty_rows == "skip")),
    ):
        assert refused(tmp_path, head + TWENTY + total + footer, dirty_rows) == f'r.csv:22: {what}, got "{name}", 22470'
    rounded = f"{name},2.2万\n" if name != "any" else f"{name},2.25万\n"
    assert refused(tmp_path, head + TWENTY + rounded, dirty_rows).startswith(f"r.csv:22: {what}")


@pytest.mark.parametrize("row", ["All,1200", "Overall,19000", "Total,900", "Sum Ting,22469", "any,22471", "any,2.24万"])
def test_an_account_named_like_a_total_or_nearly_as_large_is_an_account(tmp_path: Path, row: str) -> None:
    for text in (f"{row}\n{TWENTY}", f"{TWENTY}{row}\n", f"{TWENTY}{row}\nlast,5\n"):
        assert read(tmp_path, f"influencer,followers\n{text}", "refuse").n_skipped == 0


def test_accounts_that_happen_to_add_up_are_accounts(tmp_path: Path) -> None:
    for text in (
        "a,1\nb,2\nc,3\n",
        "a,5\nb,0\nc,0\nd,0\ne,5\n",
        "a,0\nb,0\nc,0\nd,0\n",
        "Total,9\na,5\n",
        "Total,1\n",
        "a,6\nb,3\nc,2\nd,1\n",
    ):
        assert read(tmp_path, "influencer,followers\n" + text, "refuse").n_skipped == 0


def test_beside_a_graph_a_total_is_known_by_its_name(tmp_path: Path) -> None:
    text = "influencer,agency\na,x\nb,y\nTotal,\n"
    assert refused(tmp_path, text, has_graph=True).endswith('got "Total"')


def test_what_was_skipped_and_read_stands_in_manifest_answer_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"a{i},{30 - i}k" for i in range(20)]
    rows[17] = "a17,"
    Path("r.csv").write_text("\n".join(["influencer,followers", *rows]))
    Path("x.toml").write_text(
        TINY.replace("count = 20\n", 'dirty_rows = "skip"\n', 1).replace("replications = 3", "replications = 1")
    )
    told = sim("run", "x.toml", "--roster", "r.csv", "--out", "run", "--json")
    assert told.code == 0
    notes = [
        "roster: numbers read as abbreviated: 19 of followers (30k = 30,000)",
        "roster: 1 bad row skipped: 1 followers is required (line 19)",
    ]
    found = Run.read(tmp_path / "run").manifest["reading"]
    assert json.loads(told.out)["reading"] == found
    assert found["roster"] == {
        "accounts": 19,
        "columns": {},
        "numbers": [{"column": "followers", "form": "abbreviated", "cells": 19, "cell": "30k", "value": 30_000}],
        "skipped": {"rows": 1, "reasons": [{"column": "followers", "rule": "is required", "rows": 1, "first": [19]}]},
        "notes": notes,
    }
    answer = sim("compare", "run").out
    assert all(note in answer for note in notes)
    assert sim("report", "run").code == 0
    (page,) = (tmp_path / "run").glob("*.html")
    assert all(note in page.read_text(encoding="utf-8") for note in notes)


def test_a_roster_in_which_nobody_has_followers_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_text("influencer,followers\n" + "".join(f"a{i},0\n" for i in range(20)))
    text = TINY.replace("count = 20\n", "", 1).replace("replications = 3", "replications = 1")
    Path("x.toml").write_text(text.replace("follows_per_fan = 4.0", "follows_per_fan = 0.0"))
    told = sim("run", "x.toml", "--roster", "r.csv", "--out", "run")
    assert told.code == 0, told.err
    started = Run.read(tmp_path / "run").table("influencers", ["followers_start", "followers_end"]).to_pydict()
    assert set(started["followers_start"]) == {0}
    assert sum(started["followers_end"]) > 0
