"""Rosters: what a good file gives, and that each bad one is refused with its lines."""

import hashlib
import random
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.places import CORPUS, SHARED

from sim.cli.failures import flag
from sim.errors import Fault, InputError, naming
from sim.scenario import Roster, read_roster

pytestmark = pytest.mark.quick

BAD = sorted((CORPUS / "rosters").glob("*.csv"))
VERTICALS = ["beauty", "sports"]
HEADER = (
    "influencer,followers,vertical,agency,quality,posts_per_day,conversion_prob,order_value_fen,shop,"
    "live_hours_per_day,verified\n"
)
ROSTERS = SHARED / "rosters"
shared_only = pytest.mark.skipif(not ROSTERS.is_dir(), reason="the real rosters are not part of the project")


def read(folder: Path, text: str | bytes, dirty_rows: str = "refuse") -> Roster:
    path = folder / "roster.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_roster(path, dirty_rows=dirty_rows, verticals=VERTICALS)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_roster_gives_exactly_its_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    with pytest.raises(InputError) as caught, naming(flag):
        read_roster(path.relative_to(CORPUS), dirty_rows="refuse", verticals=VERTICALS)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text()
    assert all(str(fault).isprintable() for fault in caught.value.faults)


def test_all_columns_are_read_and_empty_cells_are_missing(tmp_path: Path) -> None:
    text = (
        HEADER
        + "a,227833,beauty,big,0.5,1.5,0.01,9900,true,2.5,yes\nb,227833.0,,,,,,,,,\nc,1e3,sports,,.25,0,1,0,0,24,\n"
    )
    roster = read(tmp_path, text)
    assert roster.influencer == ("a", "b", "c")
    assert roster.followers.tolist() == [227833, 227833, 1000]
    assert roster.followers.dtype == np.int64
    assert roster.vertical == ("beauty", None, "sports")
    assert roster.agency == ("big", None, None)
    assert np.array_equal(roster.quality, [0.5, np.nan, 0.25], equal_nan=True)
    assert np.array_equal(roster.posts_per_day, [1.5, np.nan, 0], equal_nan=True)
    assert np.array_equal(roster.conversion_prob, [0.01, np.nan, 1], equal_nan=True)
    assert np.array_equal(roster.order_value_fen, [9900, np.nan, 0], equal_nan=True)
    assert np.array_equal(roster.live_hours_per_day, [2.5, np.nan, 24], equal_nan=True)
    assert roster.shop is not None
    assert (roster.shop.dtype, roster.shop.tolist()) == (np.int8, [1, -1, 0])
    assert roster.other_columns == {"verified": ("yes", None, None)}
    assert roster.n_skipped == 0
    assert roster.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_columns_that_the_file_lacks_are_none(tmp_path: Path) -> None:
    roster = read(tmp_path, "followers,influencer\n3,a\n")
    assert (roster.influencer, roster.followers.tolist()) == (("a",), [3])
    absent = (roster.vertical, roster.agency, roster.quality, roster.posts_per_day, roster.conversion_prob)
    assert (*absent, roster.order_value_fen, roster.live_hours_per_day, roster.shop) == (None,) * 8


def test_the_arrays_of_a_roster_can_t_be_changed(tmp_path: Path) -> None:
    roster = read(tmp_path, "influencer,followers\na,3\n")
    with pytest.raises(ValueError, match="read-only"):
        roster.followers[0] = 4


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_line_ends_blank_lines_and_quotes_make_no_difference(tmp_path: Path, end: str) -> None:
    text = end.join(["influencer,followers,note", '"a, ""b""",3,"two', 'lines"', "", "c,,", "d,4,"])
    with pytest.raises(InputError, match=r"roster\.csv:5: followers: is required$"):
        read(tmp_path, b"\xef\xbb\xbf" + text.encode())
    roster = read(tmp_path, b"\xef\xbb\xbf" + text.encode(), "skip")
    assert roster.influencer == ('a, "b"', "d")


def test_dirty_rows_are_skipped_and_counted_when_asked(tmp_path: Path) -> None:
    text = "influencer,followers,vertical\na,0,b\na,5,beauty\nb,5,travel\na,4,\nc\n,3,\nd,0,\n"
    roster = read(tmp_path, text, "skip")
    assert (roster.influencer, roster.followers.tolist(), roster.n_skipped) == (("a", "d"), [5, 0], 5)
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert [fault.line for fault in caught.value.faults] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "text", ["", "influencer,followers\n", "influencer\na\n", "influencer,followers\na,-1\n", "\x00"]
)
def test_a_file_that_is_wrong_as_a_whole_is_refused_also_when_skipping(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        read(tmp_path, text, "skip")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, rule in ((tmp_path, "is a folder, not a file"), (tmp_path / "none.csv", "no such file")):
        with pytest.raises(InputError, match=rule):
            read_roster(path, dirty_rows="refuse", verticals=VERTICALS)


def test_a_parquet_roster_reads_as_the_same_csv(tmp_path: Path) -> None:
    columns = {
        "influencer": ["a", "b"],
        "followers": [5, 6],
        "vertical": ["beauty", None],
        "quality": [0.5, None],
        "shop": [True, None],
        "verified": [1, 2],
    }
    path = tmp_path / "roster.parquet"
    pq.write_table(pa.table(columns), path)
    roster = read_roster(path, dirty_rows="refuse", verticals=VERTICALS)
    text = "influencer,followers,vertical,quality,shop,verified\na,5,beauty,0.5,true,1\nb,6,,,,2\n"
    other = read(tmp_path, text)
    for key in ("influencer", "vertical", "agency", "other_columns", "n_skipped", "posts_per_day"):
        assert getattr(roster, key) == getattr(other, key)
    for key in ("followers", "quality", "shop"):
        assert np.array_equal(getattr(roster, key), getattr(other, key), equal_nan=True)


def test_a_parquet_roster_names_rows_and_refuses_what_a_csv_may_not_contain(tmp_path: Path) -> None:
    path = tmp_path / "roster.parquet"
    pq.write_table(pa.table({"influencer": ["a", "a"], "followers": [5.5, float("nan")]}), path)
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="refuse", verticals=VERTICALS)
    assert [(fault.path, fault.rule, fault.value) for fault in caught.value.faults] == [
        ("row 1 followers", "must be a whole number >= 0", "5.5"),
        ("row 2 influencer", "must be unique, is in row 1 already", '"a"'),
        ("row 2 followers", "must be a finite number", "nan"),
    ]


def test_a_damaged_parquet_roster_is_refused_or_read_whole_never_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "roster.parquet"
    table = pa.table({"influencer": [f"a{i}" for i in range(50)], "followers": list(range(50))})
    pq.write_table(table, path, write_page_checksum=True)
    good, rng = path.read_bytes(), random.Random(1)
    for _ in range(200):
        raw = bytearray(good)
        raw[rng.randrange(4, len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
        with suppress(InputError):
            roster = read_roster(path, dirty_rows="refuse", verticals=VERTICALS)
            assert len(roster.influencer) == 50


def test_a_damaged_csv_roster_is_refused_with_lines_or_read(tmp_path: Path) -> None:
    good = (HEADER + "".join(f"a{i},{i},beauty,,0.5,1,0.1,10,true,8,x\n" for i in range(1, 9))).encode()
    for seed in range(300):
        rng, raw = random.Random(seed), bytearray(good)
        for _ in range(rng.randint(1, 3)):
            raw[rng.randrange(len(raw))] = (
                rng.choice(b'\x00\xff",\n\r-9e.nx') if rng.random() < 0.8 else rng.randrange(256)
            )
        found: tuple[Fault, ...] = ()
        try:
            read(tmp_path, bytes(raw))
        except InputError as error:
            found = error.faults
        assert all(fault.line and str(fault).isprintable() for fault in found), seed


def test_rosters_are_equal_when_their_files_and_outcomes_are(tmp_path: Path) -> None:
    text = "influencer,followers\na,3\n"
    assert read(tmp_path, text) == read(tmp_path, text)
    assert hash(read(tmp_path, text)) == hash(read(tmp_path, text))
    assert read(tmp_path, text) != read(tmp_path, text + "b,4\n")
    assert read(tmp_path, text) != text


@shared_only
def test_the_weibo_roster_is_read_whole() -> None:
    path = ROSTERS / "weibo-authors-2011-2014.csv"
    roster = read_roster(path, dirty_rows="refuse", verticals=["all"])
    assert (len(roster.influencer), set(roster.other_columns)) == (2374, {"verified"})
    assert (roster.influencer[0], roster.followers[0]) == ("weibo-0000", 227833)
    assert roster.posts_per_day is not None
    assert 0 < np.isnan(roster.posts_per_day).sum() < 2374


@shared_only
def test_the_instagram_roster_is_read_with_its_verticals() -> None:
    path = ROSTERS / "instagram-top1000-2022-03.csv"
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="refuse", verticals=["music"])
    assert len(caught.value.faults) == 21
    assert caught.value.faults[-1].rule.endswith("more")


@shared_only
def test_a_roster_without_a_followers_column_is_refused_cleanly() -> None:
    path = ROSTERS / "twitch-engb-2018.csv"
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="skip", verticals=["all"])
    (fault,) = caught.value.faults
    assert (fault.path, fault.line) == ("followers", 1)
    names = '"influencer", "views", "days_active", "partner"'
    assert fault.rule == f"column is required; the file has {names}; name it under [influencers.columns]"
