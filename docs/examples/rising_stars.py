"""A support policy of one's own: reserved slots go to good accounts that are still small.

sim run docs/examples/rising_stars.toml --plugin docs/examples/rising_stars.py
"""

import numpy as np

import sim


@sim.policy
def rising_stars(view, support):  # noqa: ARG001 - all policies have one form
    """Quality over all accounts under the median of followers; named ``rising-stars`` in a scenario.

    ``view`` has read-only arrays over the influencers (``sim.model.ranking.policies.PlatformView``), ``support`` is
    the scenario's section. What is given back is a weight >= 0 for each influencer. Arithmetic with ``+ - * /``
    gives the same bits on every machine; ``np.log``, ``np.exp`` and powers may not.
    """
    return np.where(view.followers < np.median(view.followers), view.quality, 0.0)
