"""The how-to's table of what a roster looks like and what happens: each of its rows, tried."""

import codecs
import io
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import DOCS

from sim.errors import InputError
from sim.scenario import Roster, read_roster
from sim.scenario.read.roster_notes import roster_notes

pytestmark = pytest.mark.quick

PAGE = DOCS / "how-to" / "bring-a-roster.md"
PLAIN = "influencer,followers\namy,5000\n陈静,300\nbo,20\n"
FOLLOWERS = [5000, 300, 20]
Reader = Callable[..., Roster]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    def read(raw: str | bytes, dirty_rows: str = "refuse", **options: object) -> Roster:
        path = tmp_path / "r.csv"
        path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        return read_roster(path, dirty_rows=dirty_rows, verticals=[], **options)  # type: ignore[arg-type]

    return read


def people(roster: Roster) -> list[int]:
    assert roster.followers is not None
    return roster.followers.tolist()  # type: ignore[no-any-return]


def refusal(read: Reader, raw: str | bytes, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(raw, **options)
    return str(caught.value)


def _utf8(read: Reader) -> None:
    assert people(read(PLAIN)) == people(read(codecs.BOM_UTF8 + PLAIN.encode())) == FOLLOWERS


def _utf16(read: Reader) -> None:
    assert people(read(PLAIN.encode("utf-16"))) == FOLLOWERS


def _other_encodings(read: Reader) -> None:
    western = PLAIN.replace("陈静", "“Ángel”")
    for text, codec, name in (
        (PLAIN, "gb18030", "gb18030"),
        (PLAIN, "gbk", "gb18030"),
        (western.replace("“", "").replace("”", ""), "latin-1", "latin-1"),
        (western, "windows-1252", "windows-1252"),
        (PLAIN, "utf-16-be", "utf-16"),
    ):
        raw = text.encode(codec)
        assert f'add encoding="{name}",' in refusal(read, raw)
        assert read(raw, encoding=name).influencer == read(text).influencer


def _separators(read: Reader) -> None:
    assert people(read(PLAIN.replace(",", ";"))) == people(read(PLAIN.replace(",", "\t"))) == FOLLOWERS


def _sep_line(read: Reader) -> None:
    assert people(read("sep=;\r\n" + PLAIN.replace(",", ";"))) == FOLLOWERS


def _cr(read: Reader) -> None:
    assert people(read(PLAIN.replace("\n", "\r"))) == FOLLOWERS


def _blank(read: Reader) -> None:
    roster = read(PLAIN + ",\n , \n\n")
    assert (people(roster), roster.n_skipped) == (FOLLOWERS, 0)


def _index(read: Reader) -> None:
    roster = read(",influencer,followers\n0,amy,5000\n1,bo,300\n2,cat,20\n")
    assert (people(roster), roster.other_columns) == (FOLLOWERS, {})
    assert roster_notes(roster) == ["roster: column 1 has no name and numbers the rows"]


def _unnamed(read: Reader) -> None:
    assert roster_notes(read("influencer,followers,,\namy,5000,,x\n")) == [
        "roster: column 4 has no name and isn't kept"
    ]
    assert roster_notes(read("influencer,followers,,\namy,5000,,\n")) == []


def _counted(read: Reader, cells: dict[str, int], separator: str = ",") -> None:
    rows = [f"a{i}{separator}{cell}" for i, cell in enumerate(cells)]
    roster = read("\n".join([f"influencer{separator}followers", *rows]))
    assert people(roster) == list(cells.values())
    assert sum(int(str(each["cells"])) for each in roster.readings) == len([c for c in cells if not c.endswith(".0")])


def _thousands(read: Reader) -> None:
    _counted(read, {'"1,234,567"': 1_234_567, '"98,765"': 98_765})
    _counted(read, {"1,234,567": 1_234_567, '"98,765"': 98_765}, "\t")


def _units(read: Reader) -> None:
    cells = {"475.8m": 475_800_000, "3.3k": 3300, "1.2b": 1_200_000_000, "12.3万": 123_000, "12.3w": 123_000}
    _counted(read, cells | {"1.2亿": 120_000_000, "3千": 3000, "1.23456k": 1235})


def _powers(read: Reader) -> None:
    _counted(read, {"2.28E+08": 228_000_000, "245000000.0": 245_000_000})


def _semicolons(read: Reader) -> None:
    roster = read("influencer;followers;posts_per_day\na;1.234.567;2,5\n")
    assert roster.posts_per_day is not None
    assert (people(roster), roster.posts_per_day.tolist(), len(roster.readings)) == ([1_234_567], [2.5], 2)


def _unreadable(read: Reader) -> None:
    for text in ('a,"1,23"', "a,10万+", "a;1.234"):
        separator = text[1]
        message = refusal(read, f"influencer{separator}followers\n{text}\n")
        assert " (read: " in message or " (between semicolons " in message


def _other_names(read: Reader) -> None:
    for name, followers in (("昵称", "粉丝数"), ("Youtuber", "subscribers")):
        text = PLAIN.replace("influencer", name).replace("followers", followers)
        message = refusal(read, text)
        assert f'add influencer = "{name}" under [influencers.columns], or give suggested_columns=True' in message
        assert f'add followers = "{followers}" under [influencers.columns]' in message
        assert people(read(text, suggested_names=True)) == FOLLOWERS
        assert people(read(text, names={"influencer": name, "followers": followers})) == FOLLOWERS


def _capitals(read: Reader) -> None:
    text = PLAIN.replace("influencer,followers", "Influencer, FOLLOWERS_ ")
    assert "add influencer" in refusal(read, text)
    assert people(read(text, suggested_names=True)) == FOLLOWERS


def _further(read: Reader) -> None:
    assert read("influencer,followers,city,rank\na,5,X,1\n").other_columns == {"city": ("X",), "rank": (1.0,)}


def _bad_row(read: Reader, row: str) -> None:
    text = PLAIN + row + "\n"
    assert "r.csv:5: " in refusal(read, text)
    assert (people(read(text, "skip")), read(text, "skip").n_skipped) == (FOLLOWERS, 1)


def _no_followers(read: Reader) -> None:
    for cell in ("", "nan", "NA", "N/A", "-", "null", "None"):
        _bad_row(read, f"cat,{cell}")
    assert "2 rows don't say how many" in refusal(read, PLAIN + "cat,nan\neve,\n", dirty_rows="skip")


def _empty_marks(read: Reader) -> None:
    for mark in ("nan", "NaN", "NA", "N/A", "-", "null", "None"):
        roster = read(f"influencer,followers,quality,shop\na,5,{mark},{mark}\nb,6,0.5,true\n")
        assert math.isnan(roster.quality[0])
        assert (roster.quality[1], roster.shop.tolist()) == (0.5, [-1, 1])


def _text_followers(read: Reader) -> None:
    for cell in ("hidden", "千万", "########", "inf", "-40"):
        text = f"{PLAIN}cat,{cell}\n"
        assert "r.csv:5: followers: must be a " in refusal(read, text)
        assert "can't be skipped" in refusal(read, text, dirty_rows="skip")


def _twice(read: Reader) -> None:
    _bad_row(read, "amy,4")


def _other_form(read: Reader) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    both = f"influencer,followers\n{composed},5\n{decomposed},4\n"
    assert read(f"influencer,followers\n{decomposed},5\n").influencer == (composed,)
    assert "r.csv:3: " in refusal(read, both)
    assert (people(read(both, "skip")), read(both, "skip").n_skipped) == ([5], 1)


def _width(read: Reader) -> None:
    _bad_row(read, "cat")
    _bad_row(read, "cat,4,5")


def _total(read: Reader) -> None:
    for name in ("Total", "合计"):
        for dirty_rows in ("refuse", "skip"):
            for footer in ("", "Average,1773\n"):
                assert "delete it" in refusal(read, f"{PLAIN}{name},5320\n{footer}", dirty_rows=dirty_rows)


def _head(read: Reader) -> None:
    for row in ("cat,10万+", "cat,9000,5"):
        assert refusal(read, PLAIN + row + "\n")
    assert "can't be skipped" in refusal(read, PLAIN + "cat,10万+\n", dirty_rows="skip")
    assert "can't be skipped" in refusal(read, PLAIN + ",9000\n", dirty_rows="skip")


def _nobody(read: Reader) -> None:
    assert people(read("influencer,followers\na,0\nb,0\n")) == [0, 0]


def _workbook(read: Reader) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    assert "save it as CSV" in refusal(read, out.getvalue())


KINDS: dict[str, Callable[[Reader], None]] = {
    "UTF-8, with or without": _utf8,
    "UTF-16 with a mark": _utf16,
    "GB18030, GBK, Latin-1": _other_encodings,
    "commas, semicolons or tabs": _separators,
    "a first line `sep=;`": _sep_line,
    "lines that end with CR": _cr,
    "rows of nothing but": _blank,
    "a column without a name that numbers": _index,
    "another column without a name": _unnamed,
    'numbers like `"1,234,567"`': _thousands,
    "numbers like `475.8m`, `3.3k`": _units,
    "numbers like `2.28E+08`": _powers,
    "numbers like `2,5` or `1.234.567` between semicolons": _semicolons,
    "numbers like `1,23` between commas": _unreadable,
    "names like `subscribers`, `粉丝数`": _other_names,
    "our names in capitals": _capitals,
    "further columns": _further,
    "an account without followers": _no_followers,
    "marks for no value": _empty_marks,
    "followers like `hidden`": _text_followers,
    "the same name twice": _twice,
    "a name in another of Unicode's forms": _other_form,
    "a row of another number of fields": _width,
    "a row that sums up": _total,
    "bad rows, with the head": _head,
    "no account has followers": _nobody,
    "a workbook": _workbook,
}


def test_the_table_has_a_try_for_each_of_its_rows() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| what your file looks like | what happens |\n|---|---|\n")[2]
    rows = re.findall(r"^\| (.*?) \|", table.partition("\n\n")[0], re.MULTILINE)
    assert len(rows) == len(KINDS)
    for row, start in zip(rows, KINDS, strict=True):
        assert row.startswith(start)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_table_says_happens(kind: str, reader: Reader) -> None:
    KINDS[kind](reader)
