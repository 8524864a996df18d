"""A policy and a measure of one's own: support for the lower half of accounts, and what that half has.

sim run docs/examples/ladder.toml --plugin docs/examples/ladder.py
"""

import numpy as np

import sim


@sim.policy
def lower_half(view, support):  # noqa: ARG001 - all policies have one form
    """Equal weights over the accounts with at most the median of followers; ``lower-half`` in a scenario."""
    return np.where(view.followers <= np.median(view.followers), 1.0, 0.0)


@sim.measure(
    quantity=("followers", "exposure"),
    populations=("all", "COLUMN=VALUE"),
    unit="share",
    margin=0.005,
    more_concentrated="lower",
    formula="sum of the smaller half / sum",
)
def smaller_half_share(held):
    """Share of the total that the smaller half of the holders have."""
    amounts = np.sort(held.amounts)
    return amounts[: amounts.size // 2].sum() / amounts.sum() if amounts.any() else np.nan


@sim.measure(level="platform", unit="share", margin=0.01)
def good_above_median(platform):
    """Share of the best tenth by quality that is above the median of followers."""
    here = platform.present
    good = here & (platform.accounts.quality >= np.quantile(platform.accounts.quality[here], 0.9))
    return np.mean(platform.amounts[good] > np.median(platform.amounts[here]))
