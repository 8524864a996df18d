"""Which of a table's columns is which of ours: as the scenario says, by our own name, or by a common one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from sim.errors import Fault, InputError, named
from sim.formatting import escaped, key_text, one_of, shown, suggestion

__all__ = ["COMMON", "Headers", "suggested"]

COMMON: Mapping[str, tuple[str, ...]] = {
    "influencer": (
        *("influencer", "influencers", "influencer name", "username", "user name", "screen name", "handle", "account"),
        *(
            "account name",
            "channel",
            "channel name",
            "channel title",
            "channel info",
            "youtuber",
            "streamer",
            "creator",
            "author",
        ),
        *(
            "blogger",
            "kol",
            "nickname",
            "用户名",
            "账号",
            "帐号",
            "账号名称",
            "昵称",
            "用户昵称",
            "达人昵称",
            "达人",
            "博主",
        ),
        *("博主昵称", "博主名称", "主播", "主播昵称", "红人", "作者", "up主", "user", "name", "名称", "姓名"),
    ),
    "followers": (
        *("followers", "follower", "follower count", "followers count", "number of followers", "fans", "fans count"),
        *("fan count", "fans num", "subscribers", "subscriber count", "subscribers count", "subs"),
        *("粉丝数", "粉丝", "粉丝量", "粉丝数量", "粉丝总数", "关注者", "关注者数", "订阅数", "订阅者", "订阅人数"),
    ),
    "agency": ("agency", "agency name", "mcn", "机构", "所属机构", "mcn机构", "经纪公司"),
}
"""Names under which these columns are common elsewhere, the likeliest first; compared as ``_bare`` makes them."""


def _bare(name: str) -> str:
    """The name without capitals, spaces and marks between words."""
    return re.sub(r"[\W_]+", "", name).casefold()


def suggested(columns: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """For each of our columns known by a common name, or by our name in other letters, the file's name of it."""
    bare: dict[str, str] = {}
    for name in columns:
        bare.setdefault(_bare(name), name)
    found: dict[str, str] = {}
    for ours in wanted:
        names = (bare.get(_bare(each)) for each in (ours, *COMMON.get(ours, ())))
        theirs = next((name for name in names if name is not None and name not in found.values()), None)
        if theirs is not None:
            found[ours] = theirs
    return found


def _how(ours: str, theirs: str) -> str:
    return f"add {ours} = {shown(theirs)} under [influencers.columns], or give {named('suggested_columns', True)}"


class Headers:
    """Which of a table's columns is which of ours.

    ``names`` has, for each of our columns that the file has, the file's name; ``mapping`` those of them that differ;
    ``near`` the columns that look like one of ours but weren't taken.
    """

    def __init__(self, columns: Sequence[str], known: Sequence[str], given: Mapping[str, str], take: bool) -> None:
        self.columns, self.given = columns, given
        self.names = {ours: given.get(ours, ours) for ours in known if given.get(ours, ours) in columns}
        free = [name for name in columns if name not in self.names.values()]
        near = suggested(free, [ours for ours in known if ours not in self.names and ours not in given])
        self.near = {} if take else near
        if take:
            self.names |= near
        self.mapping = {ours: theirs for ours, theirs in self.names.items() if ours != theirs}

    def check(self, file: str, line: int, required: Collection[str]) -> None:
        """Refuse a file that lacks a required column, or a column that the scenario names, or has one twice.

        Raises
        ------
        InputError
            All that is wrong with the header.
        """
        found = []
        for ours, theirs in self.given.items():
            if theirs not in self.columns:
                near = suggestion(theirs, self.columns) or f"; the file has {one_of(self.columns)}"
                found.append(
                    Fault(file, f"influencers.columns names a column that isn't there{near}", line, ours, shown(theirs))
                )
            elif ours != theirs and ours in self.columns and ours not in self.given.values():
                rule = f"influencers.columns names another column, {shown(theirs)}, but there is one of this name too"
                found.append(Fault(file, rule, line, ours))
        for ours in required:
            if ours not in self.names and ours not in self.given:
                found.append(Fault(file, f"column is required{self._advice(ours)}", line, ours))
        for ours, theirs in self.names.items():
            if self.columns.count(theirs) > 1:
                found.append(Fault(file, "column must appear once", line, ours))
        for theirs in {name for name in self.given.values() if list(self.given.values()).count(name) > 1}:
            found.append(Fault(file, "influencers.columns names a column more than once", line, None, shown(theirs)))
        if found:
            raise InputError(found)

    def _advice(self, ours: str) -> str:
        if ours in self.near:
            theirs = self.near[ours]
            return f"; `{escaped(theirs)[:60]}` looks like it: {_how(ours, theirs)}"
        free = [name for name in self.columns if name not in self.names.values()]
        if len(self.columns) == 1:
            return f"; the file has one column, {shown(self.columns[0])}: commas, semicolons or tabs separate columns"
        near = suggestion(ours, free)
        return f"{near or f'; the file has {one_of(self.columns)}'}; name it under [influencers.columns]"

    def notes(self) -> list[str]:
        """Notes for the user on the columns' names."""
        taken = [f"{ours} is {key_text(theirs)}" for ours, theirs in self.mapping.items()]
        return ([f"columns: {', '.join(taken)}"] if taken else []) + [
            f"column {key_text(theirs)} looks like {ours}, but isn't taken for it: {_how(ours, theirs)}"
            for ours, theirs in self.near.items()
        ]
