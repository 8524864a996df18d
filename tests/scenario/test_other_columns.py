"""The columns of a roster that the model doesn't use: what is kept of them, and what is reported of the rest."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.scenario import Roster, read_roster
from sim.scenario.read.other_columns import MAX_COLUMNS, MAX_LENGTH, OtherColumns

pytestmark = pytest.mark.quick


def read(folder: Path, text: str, dirty_rows: str = "refuse") -> Roster:
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path, dirty_rows=dirty_rows, verticals=["beauty"])  # type: ignore[arg-type]


def test_a_column_is_numbers_if_each_cell_that_is_not_empty_is_one_else_texts(tmp_path: Path) -> None:
    text = (
        "rank,influencer,followers,city,score,code,year\n"
        "1,a,5, Hangzhou ,1.5,007,nan\n2,b,4,,,12,2006\n3,c,3,12,-2e-3,13,\n"
    )
    assert read(tmp_path, text).other_columns == {
        "rank": (1.0, 2.0, 3.0),
        "city": ("Hangzhou", None, "12"),
        "score": (1.5, None, -0.002),
        "code": ("007", "12", "13"),
        "year": (None, 2006.0, None),
    }


@pytest.mark.parametrize("cell", ["9007199254740993", "1" * 30, "inf", "1_000", "٣", "0x10", "1e999", "+-1"])
def test_what_a_number_can_not_represent_stays_the_text_it_was(tmp_path: Path, cell: str) -> None:
    roster = read(tmp_path, f"influencer,followers,id\na,5,1\nb,4,{cell}\n")
    assert roster.other_columns == {"id": ("1", cell)}


@given(st.lists(st.integers(1 - 2**53, 2**53 - 1) | st.floats(-1e15, 1e15), max_size=20))
def test_numbers_are_kept_as_they_were_written(values: list[float]) -> None:
    columns = OtherColumns({1: "x"})
    for value in values:
        columns.add(["name", repr(value)])
    assert columns.kept() == {"x": tuple(float(value) for value in values)}


def test_only_the_rows_that_are_read_are_in_a_column(tmp_path: Path) -> None:
    roster = read(tmp_path, "influencer,followers,mood\na,5,good\nb,,bad\nc,3,fair\n", "skip")
    assert (roster.influencer, roster.other_columns) == (("a", "c"), {"mood": ("good", "fair")})


def test_a_column_that_is_not_kept_says_why(tmp_path: Path) -> None:
    long = "x" * (MAX_LENGTH + 1)
    text = f"influencer,followers,bio,twice,twice,{long},fine\na,5,b,c,d,e,f\nb,4,{long},c,d,e,g\n"
    roster = read(tmp_path, text)
    assert roster.other_columns == {"fine": ("f", "g")}
    assert roster.unkept_columns == {
        "bio": f"it has texts of more than {MAX_LENGTH} characters",
        "twice": "the name appears more than once",
        "x" * 60: f"its name is longer than {MAX_LENGTH} characters",
    }


def test_texts_and_names_are_fit_to_print(tmp_path: Path) -> None:
    roster = read(tmp_path, "influencer,followers,m\u202eood\na,5,\x1b[2J\n")
    assert roster.other_columns == {"m\\u202eood": ("\\u001b[2J",)}


def test_more_columns_than_can_be_kept_are_refused_with_their_number(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(MAX_COLUMNS + 1))
    with pytest.raises(
        InputError, match=rf"roster\.csv:1: must have at most {MAX_COLUMNS} columns other than .*, got 257$"
    ):
        read(tmp_path, f"influencer,followers,{names}\n")


def test_repeated_texts_are_kept_once() -> None:
    columns = OtherColumns({0: "x"})
    tracemalloc.start()
    for i in range(30_000):
        columns.add([f"a text that appears often, {i % 10}"])
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size < 6e5  # of 3 MB, were each a text of its own
