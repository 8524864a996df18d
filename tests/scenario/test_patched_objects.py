"""Arms and phases as patches of objects: how often a scenario is validated, and what stays the same object."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sim.experiment.refusals import examine
from sim.scenario import Scenario, load, resolved
from sim.scenario.patch.patches import patched
from sim.scenario.patch.phases import phase_scenarios
from sim.scenario.schema.distributions import Section
from sim.scenario.validate.rules import RULES
from sim.scenario.validate.validation import Files, validated

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = ("weibo-2017", "phases", "claims/subsidy", "claims/support", "ablations", "scale/one-to-one-hundred")


@pytest.fixture
def validations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models of whatever pydantic validates or writes out as a whole."""
    seen: list[str] = []
    validate, dump = BaseModel.model_validate.__func__, BaseModel.model_dump  # type: ignore[attr-defined]

    def counted_validate(model: type[BaseModel], *args: Any, **options: Any) -> Any:
        seen.append(model.__name__)
        return validate(model, *args, **options)

    def counted_dump(self: BaseModel, *args: Any, **options: Any) -> Any:
        if isinstance(self, Scenario):
            seen.append("dump")
        return dump(self, *args, **options)

    monkeypatch.setattr(BaseModel, "model_validate", classmethod(counted_validate))
    monkeypatch.setattr(BaseModel, "model_dump", counted_dump)
    return seen


def n_of(scenario: Scenario) -> int:
    """The base and each of its arms, each from its start on and in each phase."""
    return (1 + len(scenario.arms)) * (1 + len(scenario.phases))


@pytest.mark.parametrize("name", SHIPPED)
def test_loading_validates_each_arm_and_phase_at_most_once_for_each_size_and_dumps_nothing(
    name: str, validations: list[str]
) -> None:
    loaded = load(SCENARIOS / f"{name}.toml")
    sizes = 2 if loaded.check.size else 1
    assert set(validations) == {"Scenario"}
    assert len(validations) <= sizes * n_of(loaded.scenario)


@pytest.mark.parametrize("name", SHIPPED[:3])
def test_looking_for_all_faults_validates_each_arm_and_phase_at_most_three_times(
    name: str, validations: list[str]
) -> None:
    loaded = examine(SCENARIOS / f"{name}.toml").loaded
    assert loaded is not None
    assert len(validations) <= 3 * n_of(loaded.scenario)


def test_sections_that_an_arm_does_not_touch_are_those_of_the_base() -> None:
    loaded = load(SCENARIOS / "weibo-2017.toml")
    first, *others = loaded.arms.values()
    touched = {key for patch in loaded.scenario.arms.values() for key in patch}
    tables = [key for key, part in first if isinstance(part, Section | dict)]
    filled = {"arms", "claims", "influencers", "fans", "surfaces", "check"}  # with what each arm and the files say
    same = [key for key in tables if key not in touched | filled]
    assert len(same) >= 5
    assert all(getattr(first, key) is getattr(arm, key) for key in same for arm in others)


def test_a_patch_inside_a_section_leaves_the_sections_in_it_the_same_objects() -> None:
    base = load(SCENARIOS / "weibo-2017.toml").scenario
    name = next(iter(base.surfaces))
    arm = patched(base, {"surfaces": {name: {"slots": 3}}})
    assert arm.surfaces[name].slots == 3
    assert arm.surfaces[name].ranking is base.surfaces[name].ranking
    assert all(arm.surfaces[other] is base.surfaces[other] for other in base.surfaces if other != name)
    assert all(getattr(arm, key) is getattr(base, key) for key in Scenario.model_fields if key != "surfaces")


def test_phases_share_what_they_do_not_patch() -> None:
    base = load(SCENARIOS / "phases.toml").scenario
    for _, phase in phase_scenarios(base):
        assert phase.influencers is base.influencers
        assert phase.verticals is base.verticals


def test_every_rule_names_keys_that_there_are() -> None:
    scenario = load(SCENARIOS / "weibo-2017.toml").scenario
    for rule in RULES:
        for path in (*rule.reads, *rule.tables):
            here: Any = scenario
            for part in path:
                table = vars(here) if isinstance(here, Section) else here
                if isinstance(table, dict) and not table:
                    break  # an empty table of names
                assert part == "*" or part in table, path
                here = next(iter(table.values())) if part == "*" else table[part]


def _paths(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, entry in table.items():
        yield (*path, key)
        if isinstance(entry, dict):
            yield from _paths(entry, (*path, key))


@pytest.mark.parametrize("name", ["claims/subsidy", "short-video", "roster-platform"])
def test_a_fault_in_any_key_brings_no_other_with_it(name: str) -> None:
    """No rule fires on the key, nor asks for it without naming it, which would be an ``AttributeError``."""
    data = resolved(load(SCENARIOS / f"{name}.toml"))
    paths = [path for path in _paths(data) if path[0] not in ("arms", "phases")]
    assert len(paths) > 300
    for path in paths:
        broken = copy.deepcopy(data)
        table = broken
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = [[]]
        found = validated(broken, Files(roster=True))
        assert found.wrong
        wrong = {finding.path[: len(path)] for finding in found.wrong}
        drawn = {finding.path for finding in found.wrong}  # the kind of a distribution is that of all its keys
        assert wrong == {path} or (path[-1] in ("kind", "model") and len(drawn) == 1), (path, found.wrong)
