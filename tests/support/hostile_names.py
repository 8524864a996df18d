"""A scenario whose names and titles try to get out of where they are shown: markup, long words, other scripts."""

from __future__ import annotations

from support.small_runs import TINY

SCRIPT = "<script>document.title = 'run'; window.ran = 1</script>"
IMAGE = '<img src=x onerror="window.ran = 2">\''
CLOSING = "</script></style></pre></details></bdi><svg onload='window.ran = 3'>"
LONG = "W" * 200
HEBREW = "תמיכה מדורגת " * 12
ARABIC_AND_CHINESE = "دعم متدرج 分层扶持 🔥🎉"
EXPRESSION = "']); window.ran = 4; (['{{ 7 * 7 }}{% raw %}"


def quoted(text: str) -> str:
    """As a TOML string or key."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _with(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


HOSTILE = _with(
    TINY,
    {
        "seed = 3": f"seed = 3\ncontrol = {quoted(SCRIPT)}\ntitle = {quoted(CLOSING + LONG)}\n"
        f"description = {quoted(IMAGE + EXPRESSION)}",
        "[arms.none]": f"[arms.{quoted(SCRIPT)}]",
        "[arms.tiered]": f"[arms.{quoted(LONG)}]",
        "[arms.uniform]": f"[arms.{quoted(IMAGE)}]",
        'arm = "tiered"': f"arm = {quoted(LONG)}",
        'control = "uniform"': f"control = {quoted(IMAGE)}",
        "[claims.lower]": f"[claims.{quoted(CLOSING)}]",
        'title = "The tiering itself lowers the head share"': f"title = {quoted(SCRIPT + HEBREW)}",
        "[agencies.all]": f"[agencies.{quoted(IMAGE)}]",
        "tiers.all.weight": f"tiers.{quoted(EXPRESSION)}.weight",
    },
) + "".join(
    [
        f'\n[arms.{quoted(HEBREW.strip())}]\nsupport.policy = "placebo"\n',
        f'\n[arms.{quoted(ARABIC_AND_CHINESE)}]\nsupport.policy = "tail"\n',
        f'\n[arms.{quoted(EXPRESSION)}]\nsupport.policy = "head"\n',
        f"\n[verticals.{quoted(SCRIPT)}]\nshare = 0.5\n[verticals.{quoted(LONG)}]\nshare = 0.5\n",
        f"\n[segments.{quoted(IMAGE)}]\nshare = 1.0\n",
    ]
)
