"""Traces of both engines on very many drawn scenarios."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenarios import DRAWN, World, worlds
from support.traces import fan_text, influencer_text


@settings(max_examples=400, **DRAWN)
@given(worlds(max_sessions=300), st.integers(0, 10**6))
def test_a_trace_of_either_engine_is_equal_line_by_line_on_very_many_scenarios(world: World, number: int) -> None:
    fan = number % world.population.segment.size
    assert fan_text(world, fan, "compiled") == fan_text(world, fan, "reference")
    influencer = number % len(world.population.influencers)
    assert influencer_text(world, influencer, "compiled") == influencer_text(world, influencer, "reference")
