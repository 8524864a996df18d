"""Both engines on very many drawn scenarios."""

from __future__ import annotations

from hypothesis import given, settings
from support.engine_runs import assert_engines_agree
from support.scenarios import (
    DRAWN,
    World,
    worlds,
)


@settings(max_examples=1500, **DRAWN)
@given(worlds(max_sessions=300))
def test_both_engines_give_the_same_bits_on_very_many_scenarios(world: World) -> None:
    assert_engines_agree(world)
