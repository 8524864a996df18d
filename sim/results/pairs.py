"""Which arms are compared with which. It knows no values."""

from __future__ import annotations

from sim.scenario import Loaded
from sim.scenario.patch.phases import support_at_end

__all__ = ["pairs"]


def pairs(loaded: Loaded) -> list[tuple[str, str]]:
    """Arms that are compared, each (arm, control): all with the control; tiered ones with uniform ones, which is the
    effect of the tiering itself; and whatever a claim compares.
    """
    control = loaded.scenario.control
    found = [(arm, control) for arm in loaded.arms if arm != control]
    table = loaded.scenario.model_dump()
    policy = {arm: support_at_end(table, arm)["policy"] for arm in loaded.arms}
    found += [(a, b) for a in policy if policy[a] == "tiered" for b in policy if policy[b] == "uniform"]
    found += [(claim.arm, claim.control) for claim in loaded.scenario.claims.values() if claim.control is not None]
    return list(dict.fromkeys(found))
