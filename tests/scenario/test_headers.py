"""Names of a roster's columns: mapped by the scenario, suggested, taken when asked, and known to the run."""

import json
from pathlib import Path

import pytest
from support.small_runs import TINY

import sim
from sim.errors import InputError
from sim.scenario import Loaded, from_resolved, load, read_roster, resolved
from sim.scenario.read.headers import suggested

pytestmark = pytest.mark.quick

PEOPLE = "昵称,粉丝数,Posts Per Day,mood\n陈静,50,2,x\n小王,30,1,y\nbo,20,,z\n"
MAPPED = 'columns = { influencer = "昵称", followers = "粉丝数" }\n'


def loaded(folder: Path, text: str = PEOPLE, extra: str = "", **options: object) -> Loaded:
    (folder / "people.csv").write_text(text, encoding="utf-8")
    file = folder / "x.toml"
    file.write_text(TINY.replace("count = 20\n", 'roster = "people.csv"\n' + extra, 1), encoding="utf-8")
    return load(file, **options)  # type: ignore[arg-type]


def refused(folder: Path, text: str = PEOPLE, extra: str = "", **options: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        loaded(folder, text, extra, **options)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_mapped_column_is_read_as_ours(tmp_path: Path) -> None:
    found = loaded(tmp_path, extra=MAPPED)
    assert found.roster is not None
    assert found.roster.followers is not None
    assert found.roster.influencer == ("bo", "小王", "陈静")
    assert found.roster.followers.tolist() == [20, 30, 50]
    assert set(found.roster.other_columns) == {"Posts Per Day", "mood"}
    assert found.scenario.influencers.columns == {"influencer": "昵称", "followers": "粉丝数"}


def test_common_names_are_suggested_for_what_is_required(tmp_path: Path) -> None:
    how = "under [influencers.columns], or give suggested_columns=True"
    assert refused(tmp_path) == [
        f'people.csv:1: influencer: column is required; `昵称` looks like it: add influencer = "昵称" {how}',
        f'people.csv:1: followers: column is required; `粉丝数` looks like it: add followers = "粉丝数" {how}',
    ]


def test_suggested_columns_are_taken_on_request_and_are_in_the_resolved_scenario(tmp_path: Path) -> None:
    found = loaded(tmp_path, suggested_columns=True)
    assert found.roster is not None
    assert found.scenario.influencers.columns == {
        "influencer": "昵称",
        "followers": "粉丝数",
        "posts_per_day": "Posts Per Day",
    }
    assert found.roster.notes == (
        'columns: influencer is "昵称", followers is "粉丝数", posts_per_day is "Posts Per Day"',
    )
    again = from_resolved(json.loads(json.dumps(resolved(found))), tmp_path / "people.csv")
    assert again.roster == found.roster
    assert again == found


def test_a_column_that_looks_like_ours_is_reported_if_it_is_not_required(tmp_path: Path) -> None:
    found = loaded(tmp_path, extra=MAPPED)
    assert found.roster is not None
    how = 'add posts_per_day = "Posts Per Day" under [influencers.columns], or give suggested_columns=True'
    assert f'column "Posts Per Day" looks like posts_per_day, but isn\'t taken for it: {how}' in found.roster.notes


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            'columns = { influencer = "昵称", followers = "fans" }',
            'followers: influencers.columns names a column that isn\'t there; the file has "昵称", "粉丝数", '
            '"Posts Per Day", "mood", got "fans"',
        ),
        (
            'columns = { influencer = "昵称", followers = "粉丝" }',
            'followers: influencers.columns names a column that isn\'t there; did you mean `粉丝数`?, got "粉丝"',
        ),
        (
            'columns = { influencer = "昵称", followers = "粉丝数", agency = "昵称" }',
            'influencers.columns names a column more than once, got "昵称"',
        ),
    ],
)
def test_a_mapping_that_the_file_contradicts_is_refused_with_its_line(tmp_path: Path, extra: str, message: str) -> None:
    assert refused(tmp_path, extra=extra + "\n") == [f"people.csv:1: {message}"]


def test_a_mapping_must_not_hide_a_column_of_our_name(tmp_path: Path) -> None:
    text = "influencer,followers,fans\na,5,6\n"
    assert refused(tmp_path, text, 'columns = { followers = "fans" }\n') == [
        'people.csv:1: followers: influencers.columns names another column, "fans", but there is one of this name too'
    ]


def test_a_name_of_ours_that_does_not_exist_is_refused_with_its_line(tmp_path: Path) -> None:
    (message,) = refused(tmp_path, extra='columns = { follower = "粉丝数" }\n')
    assert message.startswith("x.toml:14: influencers.columns.follower: must be one of ")
    assert message.endswith('; did you mean `followers`?, got "follower"')


def test_arms_have_the_same_columns_and_encoding(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    for key in ('encoding = "latin-1"', 'columns = { followers = "fans" }'):
        file.write_text(f'{TINY}\n[arms.other]\ninfluencers.{key}\nsupport.policy = "none"\n', encoding="utf-8")
        with pytest.raises(InputError, match="can't differ between arms"):
            load(file)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Followers", "followers"),
        (" FOLLOWERS ", "followers"),
        ("followers_count", "followers"),
        ("Follower Count", "followers"),
        ("subscribers", "followers"),
        ("Subscriber_Count", "followers"),
        ("粉丝数", "followers"),
        ("粉丝量", "followers"),
        ("channel_info", "influencer"),
        ("Youtuber", "influencer"),
        ("username", "influencer"),
        ("user", "influencer"),
        ("Name", "influencer"),
        ("screen_name", "influencer"),
        ("昵称", "influencer"),
        ("OrderValueFen", "order_value_fen"),
        ("MCN", "agency"),
    ],
)
def test_names_that_are_common_elsewhere_are_known(name: str, ours: str) -> None:
    assert suggested([name.strip()], ["influencer", "followers", "agency", "order_value_fen"]) == {ours: name.strip()}


def test_of_several_names_the_likeliest_is_suggested_and_none_twice() -> None:
    columns = ["rank", "nickname", "username", "fans", "followers_count"]
    assert suggested(columns, ["influencer", "followers"]) == {"influencer": "username", "followers": "followers_count"}
    assert suggested(["MCN"], ["agency", "influencer"]) == {"agency": "MCN"}


def test_a_header_that_nothing_parts_names_the_separators(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("influencer|followers\na|5\n")
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="refuse", verticals=[])
    what = 'the file has one column, "influencer|followers": commas, semicolons or tabs separate columns'
    assert [fault.rule for fault in caught.value.faults] == [f"column is required; {what}"] * 2


def test_our_own_names_are_never_mapped(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("influencer,followers,subscribers,username\na,5,6,u\n")
    roster = read_roster(path, dirty_rows="refuse", verticals=[], suggested_names=True)
    assert roster.columns == {}
    assert roster.other_columns == {"subscribers": (6.0,), "username": ("u",)}


def test_the_encoding_given_reads_the_roster_and_is_in_the_resolved_scenario(tmp_path: Path) -> None:
    text = "influencer,followers\n陈静,50\n小王,30\nbo,20\n"
    plain = loaded(tmp_path, text)
    (tmp_path / "people.csv").write_bytes(text.encode("gbk"))
    for found in (load(tmp_path / "x.toml", encoding="GB18030"), sim.load(tmp_path / "x.toml", encoding="gb18030")):
        assert found.roster is not None
        assert plain.roster is not None
        assert found.roster.influencer == plain.roster.influencer
        assert found.scenario.influencers.encoding == "gb18030"
        assert from_resolved(resolved(found), tmp_path / "people.csv") == found


@pytest.mark.parametrize(
    ("name", "encoding", "bytes_as"),
    [
        *[(name, "gb18030", "gbk") for name in ("gbk", "GBK", "cp936", "gb2312")],
        *[(name, "latin-1", "latin-1") for name in ("latin1", "iso-8859-1", "ISO8859-1", "latin_1")],
        *[(name, "utf-8", "utf-8") for name in ("utf8", "UTF-8")],
        *[(name, "utf-16", name) for name in ("utf-16-le", "utf-16-be")],
        ("cp1252", "windows-1252", "cp1252"),
    ],
)
def test_other_names_of_an_encoding_become_its_own_in_the_resolved_scenario(
    tmp_path: Path, name: str, encoding: str, bytes_as: str
) -> None:
    people = "陈静" if encoding == "gb18030" else "José"
    text = f"influencer,followers\n{people},50\nann,30\nbo,20\n"
    loaded(tmp_path, text.replace(people, "x"))
    (tmp_path / "people.csv").write_bytes(text.encode(bytes_as))
    found = load(tmp_path / "x.toml", encoding=name)
    assert found.roster is not None
    assert set(found.roster.influencer) == {people, "ann", "bo"}
    assert found.scenario.influencers.encoding == encoding


@pytest.mark.parametrize("raw", ["小明".encode("shift_jis"), b"\xe9t\xe9 \x81", b"\xa4\x90"])
def test_bytes_that_no_encoding_makes_print_are_not_offered_in_one(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(b"influencer,followers\n" + raw + b",10\n")
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="refuse", verticals=[])
    rule = caught.value.faults[0].rule
    assert rule.endswith(
        "; none of those that are read fits it (utf-8, utf-16, gb18030, latin-1, windows-1252): save it as UTF-8"
    )


def test_an_encoding_that_is_not_known_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, encoding="big5") == [
        'encoding must be one of "utf-8", "utf-16", "gb18030", "latin-1", "windows-1252", got "big5"'
    ]
    assert refused(tmp_path, extra='encoding = "big5"\n')[0].startswith("x.toml:14: influencers.encoding: must be")
