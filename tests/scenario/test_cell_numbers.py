"""Numbers as tables have them: what the rule reads, what it refuses, and that nothing is read with two meanings."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.scenario import Roster, read_roster
from sim.scenario.read.cell_numbers import numeral, whole
from sim.scenario.read.roster_cells import BadCellError, Cells
from sim.scenario.read.roster_notes import roster_notes

pytestmark = pytest.mark.quick


def read(folder: Path, text: str, dirty_rows: str = "refuse") -> Roster:
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path, dirty_rows=dirty_rows, verticals=["beauty"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1234", "1234"),
        ("-12.5", "-12.5"),
        (".5", "0.5"),
        ("2.28E+08", "228000000"),
        ("245000000.0", "245000000"),
        ("1,234", "1234"),
        ("1,234,567.89", "1234567.89"),
        ("475.8m", "475800000"),
        ("3.3k", "3300"),
        ("1.2 B", "1200000000"),
        ("12.3万", "123000"),
        ("12.3w", "123000"),
        ("1.2亿", "120000000"),
        ("1.2億", "120000000"),
        ("3千", "3000"),
        ("3.5百万", "3500000"),
        ("1,234.5k", "1234500"),
    ],
)
def test_numbers_are_read_to_the_last_digit(cell: str, value: str) -> None:
    for separator in (",", "\t", ""):
        found = numeral(cell, separator)
        assert found is not None
        assert found.value == Decimal(value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1234,5", "1234.5"),
        ("0,125", "0.125"),
        ("1,234", "1.234"),
        ("1.234.567", "1234567"),
        ("1.234.567,8", "1234567.8"),
        ("1.234,5", "1234.5"),
        ("1.5", "1.5"),
        ("0.125", "0.125"),
        ("2,28E+08", "228000000"),
        ("37,8万", "378000"),
        ("37.8万", "378000"),
    ],
)
def test_between_semicolons_the_comma_is_the_decimal_mark(cell: str, value: str) -> None:
    found = numeral(cell, ";")
    assert found is not None
    assert found.value == Decimal(value)


@pytest.mark.parametrize(
    ("cell", "separator"),
    [
        (cell, ",")
        for cell in ("1,23", "12,34,567", "0,123", "1,2345", ",5", "1.234.567", "1,234,56", "1,234e3", "1 234")
    ]
    + [(cell, ";") for cell in ("1.234", "12.345", "1,234,567", "1.23.456", "1.234,", "-1.234")]
    + [
        (cell, s)
        for s in ",;"
        for cell in ("10万+", "1e5k", "k", "", "٣", "1_000", "0x10", "12%", "5kk", "≈5", "9" * 61)
    ],
)
def test_forms_with_two_readings_or_none_are_not_read(cell: str, separator: str) -> None:
    assert numeral(cell, separator) is None


@given(st.integers(-(10**18), 10**18), st.integers(0, 6))
def test_a_number_written_in_each_form_is_that_number(digits: int, places: int) -> None:
    value = Decimal(digits).scaleb(-places)
    fraction = f"{value:,f}"
    swapped = fraction.translate(str.maketrans(",.", ".,"))
    for text, separator in ((f"{value:f}", ","), (fraction, ","), (swapped, ";"), (f"{value:f}万", ",")):
        found = numeral(text, separator)
        if separator == ";" and found is None:
            assert swapped.count(".") == 1  # `1.234` without decimals is the form of two readings
            assert "," not in swapped
            continue
        assert found is not None
        assert found.value == (value * 10_000 if "万" in text else value)


@given(st.decimals(0, 10**9, places=7))
def test_abbreviated_counts_are_the_nearest_whole_number(number: Decimal) -> None:
    found = numeral(f"{number:f}k", ",")
    assert found is not None
    people = whole(found)
    assert people is not None
    assert abs(Decimal(people) - number * 1000) <= Decimal("0.5")


def test_followers_written_in_every_form_are_whole_numbers_and_reported(tmp_path: Path) -> None:
    text = 'influencer,followers,likes\na,37.8万,1.5k\nb,"1,234",2\nc,2.28E+03,\nd,12,3k\ne,1.1万,4\nf,7.0,1e-3\n'
    roster = read(tmp_path, text)
    assert roster.followers is not None
    assert roster.followers.tolist() == [378_000, 1234, 2280, 12, 11_000, 7]
    assert roster.other_columns == {"likes": (1500.0, 2.0, None, 3000.0, 4.0, 0.001)}
    assert roster_notes(roster) == [
        "roster: numbers read as abbreviated: 2 of followers (37.8万 = 378,000), 2 of likes (1.5k = 1,500)",
        "roster: numbers read as grouped by thousands: 1 of followers (1,234 = 1,234)",
        "roster: numbers read as powers of ten: 1 of followers (2.28E+03 = 2,280)",
    ]


@given(st.from_regex(r"[0-9]{1,20},[0-9]{1,20}", fullmatch=True))
def test_decimal_commas_are_read_the_same_way_in_every_column(cell: str) -> None:
    found = numeral(cell, ";")
    assert found is not None
    cells = Cells(";", [])
    with suppress(BadCellError):
        assert cells.parser("order_value_fen")(cell) == float(found.value)
        assert cells.forms == [("order_value_fen", found.form, cell, float(found.value))]


def test_plain_numbers_are_not_reported(tmp_path: Path) -> None:
    roster = read(tmp_path, "influencer,followers,posts_per_day,quality\na,5,1e-3,.5\nb,4.0,2.5E+01,\n")
    assert (roster.readings, roster_notes(roster)) == ((), [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,"1,23"', 'must be a whole number >= 0 (read: 1234.5 1,234.5 1e3 1.2k 1.2m 1.2b 1.2万 1.2亿), got "1,23"'),
        ("a,10万+", 'must be a whole number >= 0 (read: 1234.5 1,234.5 1e3 1.2k 1.2m 1.2b 1.2万 1.2亿), got "10万+"'),
        ("a,many", 'must be a whole number >= 0, got "many"'),
        ("a,1.5", "must be a whole number >= 0, got 1.5"),
        ("a,-3万", 'must be a whole number >= 0, got "-3万"'),
        (
            "a,99999亿亿",
            'must be a whole number >= 0 (read: 1234.5 1,234.5 1e3 1.2k 1.2m 1.2b 1.2万 1.2亿), got "99999亿亿"',
        ),
        ("a,99999999亿", 'must be <= 1e+15, got "99999999亿"'),
        ("a,1e999999999", "must be <= 1e+15, got 1e999999999"),
    ],
)
def test_what_stays_unreadable_is_refused_with_the_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"influencer,followers\n{text}\n")
    assert str(caught.value) == f"{tmp_path}/roster.csv:2: followers: {message}"


def test_between_semicolons_a_dot_of_two_readings_is_refused_with_both(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "influencer;followers\na;1.234\n")
    assert "(between semicolons 1.234 can be 1234 or 1,234: write one of these)" in str(caught.value)
