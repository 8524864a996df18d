"""Which slots of a page are looked at: position-based, cascade, geometric."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.forms import drawn
from support.inspection import ENGINES, one_surface, pages_of, run, slots_of
from support.places import SCENARIOS
from support.scenarios import World, worlds

from sim.experiment.refusals import validate
from sim.model.layout import Counter, Response, Total
from sim.scenario import from_resolved, load, resolved
from sim.scenario.schema.platform import Cascade, Geometric, PositionBased
from sim.types import EngineName

MODELS: list[dict[str, Any]] = [
    {"exponent": 1.0},
    {"exponent": 0.0},
    {"model": "cascade"},
    {"model": "geometric", "continue_prob": 0.7},
]


def in_order(examination: dict[str, Any], **over: Any) -> World:
    """Pages of six slots; with ``top``, account k is in slot k."""
    find: dict[str, Any] = {"slots": 6, "ranking": {"selection": "top"}, "click_prob": 0.3}
    return one_surface(list(range(20, 12, -1)), examination=examination, **(find | over))


def reads(world: World) -> list[int]:
    counts: list[int] = run(world).counts[:, 0, Counter.READS].tolist()
    return counts


@pytest.mark.parametrize("examination", [{"exponent": 0.0}, {"model": "geometric", "continue_prob": 1.0}])
def test_every_slot_is_read_without_position_bias_and_when_browsing_always_goes_on(examination: dict[str, Any]) -> None:
    outcome = run(in_order(examination))
    assert outcome.counts[:, 0, Counter.READS].sum() == outcome.totals[0, Total.SLOTS] > 5000


def test_the_first_slot_alone_is_read_when_browsing_never_goes_on() -> None:
    first, *others = reads(in_order({"model": "geometric", "continue_prob": 0.0}))
    assert first > 900
    assert not any(others)


def test_the_first_slot_alone_is_read_in_a_cascade_whose_every_look_is_a_click() -> None:
    first, second, *others = reads(in_order({"model": "cascade"}, click_prob=1.0))
    assert first > 900
    assert second <= 1  # a click fails once in a million
    assert not any(others)


def test_every_slot_is_read_in_a_cascade_without_clicks() -> None:
    assert len(set(reads(in_order({"model": "cascade"}, click_prob=0.0))[:6])) == 1


def test_a_larger_exponent_moves_reads_from_the_last_slot_to_nobody_and_leaves_the_first() -> None:
    weak, strong = (reads(in_order({"exponent": exponent})) for exponent in (0.5, 2.0))
    assert weak[0] == strong[0]
    assert weak[5] > 5 * strong[5] > 0


def test_examination_does_not_move_who_stands_in_the_slots() -> None:
    shown = [run(in_order(model, ranking={})).counts[:, 0, Counter.EXPOSURE] for model in MODELS]
    for other in shown[1:]:
        assert np.array_equal(shown[0], other)


def test_position_based_examination_goes_on_after_a_click_and_after_a_slot_left_out() -> None:
    after: set[tuple[bool, bool]] = set()
    for page in pages_of(run(in_order({"exponent": 0.5}, click_prob=0.5), fan=0)):
        for before, slot in pairwise(page):
            if Response.READ in slot.responses:
                after.add((Response.READ in before.responses, Response.CLICKED in before.responses))
    assert after == {(False, False), (True, False), (True, True)}


@drawn(8, 25, worlds())
def test_cascades_end_with_a_click_and_geometric_browsing_with_a_slot_left_out(world: World) -> None:
    surfaces = list(world.scenario.surfaces.values())
    for page in pages_of(run(world, fan=0)):
        model = surfaces[page[0].surface].examination.model
        shown = [slot for slot in page if slot.influencer >= 0]
        read = [Response.READ in slot.responses for slot in shown]
        clicks = [k for k, slot in enumerate(shown) if Response.CLICKED in slot.responses]
        if model == "cascade":
            looked_at = clicks[0] + 1 if clicks else len(shown)
            assert read == [k < looked_at for k in range(len(shown))]
        elif model == "geometric":
            assert sorted(read, reverse=True) == read
            assert not read or page[0].influencer < 0 or read[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cascade_looks_past_empty_slots_as_past_slots_without_a_click(engine: EngineName) -> None:
    # Reserved slots stay empty under the policy `empty`: the others are looked at up to the first click all the same.
    world = in_order({"model": "cascade"}, support_share=0.5, over={"support": {"policy": "empty"}})
    behind = 0
    for page in pages_of(run(world, engine=engine, fan=0)):
        clicked = False
        for slot in page:
            assert (Response.READ in slot.responses) == (slot.influencer >= 0 and not clicked)
            clicked |= Response.CLICKED in slot.responses
            behind += page[0].influencer < 0 and Response.READ in slot.responses
    assert behind > 0


def test_each_surface_is_examined_by_its_own_model() -> None:
    surfaces = {
        "all": {"kind": "discovery", "session_share": 0.5, "examination": {"exponent": 0.0}},
        "first": {
            "kind": "discovery",
            "session_share": 0.5,
            "examination": {"model": "geometric", "continue_prob": 0.0},
        },
    }
    outcome = run(one_surface([20] * 12, over={"surfaces": surfaces}))
    pages, read = outcome.totals[:, Total.SESSIONS], outcome.counts[:, :, Counter.READS].sum(axis=0)
    assert read.tolist() == [10 * pages[0], pages[1]]


@pytest.mark.parametrize("examination", MODELS)
def test_only_what_is_examined_is_clicked(examination: dict[str, Any]) -> None:
    slots = slots_of(run(in_order(examination), fan=0))
    clicked = [slot for slot in slots if Response.CLICKED in slot.responses]
    assert clicked
    assert all(Response.READ in slot.responses for slot in clicked)


def test_an_arm_may_examine_by_another_model_and_keeps_nothing_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    minimal = (SCENARIOS / "minimal.toml").read_text()
    find = "surfaces.find-people.examination"
    patches = [
        (f"{find}.exponent = 0.5", PositionBased(exponent=0.5)),
        (f'{find}.model = "cascade"', Cascade(model="cascade")),
        (f'{find} = {{ model = "geometric", continue_prob = 0.5 }}', Geometric(model="geometric", continue_prob=0.5)),
    ]
    path.write_text(minimal + "".join(f"\n[arms.arm-{k}]\n{patch}\n" for k, (patch, _) in enumerate(patches)))
    loaded = load(path)
    for k, (_, examination) in enumerate(patches):
        assert loaded.arms[f"arm-{k}"].surfaces["find-people"].examination == examination
    assert from_resolved(resolved(loaded), None) == loaded


@pytest.mark.parametrize(
    ("examination", "said"),
    [
        ('"cascade"', 'examination: must be a table with model = one of "position-based", "cascade", "geometric"'),
        ('{ model = "geometric" }', "examination.continue_prob: is required"),
        ('{ model = "cascade", exponent = 1.0 }', "examination.exponent: unknown key"),
        ("{ exponent = -1.0 }", "examination.exponent: must be >= 0, got -1"),
    ],
)
def test_an_examination_that_is_none_is_refused_by_its_key(tmp_path: Path, examination: str, said: str) -> None:
    path = tmp_path / "x.toml"
    minimal = (SCENARIOS / "minimal.toml").read_text()
    path.write_text(minimal.replace("follow_prob = 0.1", f"follow_prob = 0.1\nexamination = {examination} #"))
    (fault,) = validate([path])
    assert f"surfaces.find-people.{said}" in str(fault)
    assert fault.line is not None
