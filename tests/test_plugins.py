"""Support policies of the user's own: from a file with `--plugin`, and from Python; weights, errors, identity."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.inspection import ENGINES, assert_frequencies, one_surface, run, slots_of
from support.plugins import HEADER, PLUGIN, SCENARIO, command, plugin, small
from support.scenarios import World

import sim
from sim.errors import InputError
from sim.model.layout import Counter, SlotSource
from sim.model.ranking.policies import PlatformView
from sim.model.simulation import simulate
from sim.model.world.population import draw_population
from sim.registry import load_plugin, registered
from sim.scenario import load
from sim.scenario.schema.platform import Support
from sim.store.provenance import identity
from sim.types import EngineName


def world_under(policy: str, **over: Any) -> World:
    return one_surface(
        {"followers": [60, 30, 10, 5, 0], "quality": [0.2, 0.4, 0.6, 0.8, 0.9]},
        fans={"sessions_per_day": 7.0},
        slots=1,
        support_share=0.5,
        over={"support": {"policy": policy} | over},
    )


# From Python


@pytest.mark.parametrize("engine", ENGINES)
def test_a_policy_registered_from_python_fills_the_reserved_slots_by_its_weights(engine: EngineName) -> None:
    @sim.policy
    def by_quality(view: PlatformView, support: Support) -> Any:  # noqa: ARG001
        return view.quality * view.quality

    assert set(registered("policy")) == {"by-quality"}
    outcome = run(world_under("by-quality"), engine=engine)
    assert_frequencies(outcome.counts[:, 0, Counter.RESERVED], np.array([0.2, 0.4, 0.6, 0.8, 0.9]) ** 2)
    assert_frequencies(
        outcome.counts[:, 0, Counter.EXPOSURE] - outcome.counts[:, 0, Counter.RESERVED], [61, 31, 11, 6, 1]
    )


def test_a_policy_sees_the_platform_as_it_is_at_each_refresh_and_cannot_change_it() -> None:
    seen: list[tuple[float, list[int], bool]] = []

    @sim.policy
    def watching(view: PlatformView, support: Support) -> Any:
        arrays = [value for value in vars(view).values() if isinstance(value, np.ndarray)]
        seen.append((view.now_days, view.followers.tolist(), any(array.flags.writeable for array in arrays)))
        assert view.people_per_fan == world.population.people_per_fan
        assert support.policy == "watching"
        return view.followers + 1.0

    world = world_under("watching")
    surfaces = {
        n: s.model_copy(update={"refresh_minutes": 2 * 1440, "follow_prob": 0.5})
        for n, s in world.scenario.surfaces.items()
    }
    run(world, world.scenario.model_copy(update={"surfaces": surfaces}))
    assert [now for now, *_ in seen] == [0.0, 0.0, 2.0, 4.0, 6.0, 8.0]  # the first time it is asked twice
    assert sum(seen[-1][1]) > sum(seen[0][1]) == 105
    assert not any(writeable for *_, writeable in seen)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ("view.followers[:] = 0", "ValueError: assignment destination is read-only"),
        ("view.followers.flags.writeable = True", "ValueError: cannot set WRITEABLE flag to True"),
        ("view.followers.base[:] = 0", "TypeError: 'bytes' object does not support item assignment"),
        ("view.quality = 1", "FrozenInstanceError: cannot assign to field 'quality'"),
        ("support.share = 0.5", "ValidationError"),
        ("support.tiers.clear()", "AttributeError: 'mappingproxy' object has no attribute 'clear'"),
        ("support.parameters['x'] = 1", "TypeError: 'mappingproxy' object does not support item assignment"),
    ],
)
def test_a_policy_that_changes_what_it_sees_is_refused(tmp_path: Path, response: str, says: str) -> None:
    load_plugin(plugin(tmp_path, f"{response}\nreturn view.followers"))
    with pytest.raises(InputError, match=rf"own.py:6: own: policy failed: {re.escape(says)}"):
        run(world_under("own"))


def test_a_policy_of_ones_is_the_uniform_policy_to_the_bit() -> None:
    @sim.policy
    def ones(view: PlatformView, support: Support) -> Any:  # noqa: ARG001
        return np.ones(view.followers.size)

    own, built_in = world_under("ones"), world_under("uniform")
    assert run(own).digest() == run(built_in).digest()


def test_relevance_multiplies_the_weights_of_a_users_policy_too() -> None:
    @sim.policy
    def first_two(view: PlatformView, support: Support) -> Any:  # noqa: ARG001
        return [1, 1, 0, 0, 0]

    world = one_surface(
        {"followers": [9] * 5, "vertical": ["a", "b", "a", "b", "a"]},
        fans={"count": 200},
        slots=1,
        support_share=1.0,
        over={
            "support": {"policy": "first-two", "relevance": 1.0},
            "verticals": {"a": {"share": 0.5}, "b": {"share": 0.5}},
            "segments": {"all": {"share": 1.0, "interests": {"a": 0.9, "b": 0.1}}},
        },
    )
    assert_frequencies(run(world).counts[:, 0, Counter.EXPOSURE], [9, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        ("np.ones(3)", r"must give one weight for each of 5 influencers, got shape \(3,\)"),
        ("1.0", r"must give one weight for each of 5 influencers, got shape \(\)"),
        ("None", "must give one weight for each of 5 influencers, got nothing"),
        ("{}", r"must give one weight for each of 5 influencers, got shape \(\)"),
        ("'many'", r"must give one weight for each of 5 influencers, got shape \(\)"),
        ("np.ones((1, 5))", r"must give one weight for each of 5 influencers, got shape \(1, 5\)"),
        (
            "[1, 2, -0.25, -1, 0]",
            r"must give finite weights >= 0, at most 1e\+100, got -0.25 \(influencer account 2, arm none\)",
        ),
        ("[1, 2, 3, 4, np.nan]", r"must give finite weights .* got nan \(influencer account 4, arm none\)"),
        ("np.full(5, np.inf)", r"must give finite weights .* got inf \(influencer account 0, arm none\)"),
        ("np.full(5, 2e100)", r"must give finite weights .* got 2e\+100 \(influencer account 0, arm none\)"),
        (
            "np.full(5, np.longdouble('1e400'))",
            r"must give finite weights .* got inf \(influencer account 0, arm none\)",
        ),
        (
            "np.array([1, 2, 3j, 4, 5])",
            r"must give real numbers, not the type complex128, got 3j \(influencer account 2,",
        ),
        (
            "[1, 2, 3, None, 5]",
            r"must give real numbers, not the type object, got None \(influencer account 3, arm none\)",
        ),
        ("list('abcde')", r"must give real numbers, not the type <U1, got 'a' \(influencer account 0, arm none\)"),
        ("np.array([1, 2, 3, 4, 5], 'M8[D]')", r"must give real numbers, not the type datetime64\[D\]"),
        (
            "np.ma.masked_less(view.followers, 6)",
            r"must give no masked weights, got masked \(influencer account 3, arm none\)",
        ),
        ("[[1], 2, 3, 4, 5]", "policy failed: ValueError: setting an array element with a sequence"),
        ("view.nothing", r"policy failed: AttributeError: .* \(arm none\)"),
    ],
)
def test_weights_that_no_table_can_be_built_from_are_refused_with_the_policys_file(
    tmp_path: Path, weights: str, rule: str
) -> None:
    load_plugin(plugin(tmp_path, f"return {weights}"))
    with pytest.raises(InputError, match=rf"own.py:[46]: own: {rule}") as caught:
        run(world_under("own"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", ["view.followers > 5", "np.float32([1, 1, 1, 0, 0])", "(1, 1, 1, 0, 0)"])
def test_numbers_of_every_real_kind_are_weights_and_so_are_true_and_false(tmp_path: Path, weights: str) -> None:
    load_plugin(plugin(tmp_path, f"return {weights}", "given.py"))
    given = run(world_under("own")).digest()
    load_plugin(plugin(tmp_path, "return np.array([1.0, 1.0, 1.0, 0.0, 0.0])", "plain.py"))
    assert given == run(world_under("own")).digest()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("seen.append(1)\nreturn view.quality + len(seen)", "1.2 and 2.2"),
        ("return np.random.default_rng().random(view.followers.size)", "0.* and 0.*"),
    ],
)
def test_hidden_memory_or_randomness_is_found_at_the_first_refresh(
    tmp_path: Path, engine: EngineName, body: str, values: str
) -> None:
    path = plugin(tmp_path, body)
    path.write_text(path.read_text().replace("@sim", "seen = []\n@sim"))
    load_plugin(path)
    rule = "must give the same weights for the same view: no random numbers but view.lots, no memory"
    with pytest.raises(InputError, match=rf"own.py:5: own: {rule}, got {values} \(influencer account 0, arm none\)"):
        run(world_under("own"), engine=engine)


def test_weights_of_nobody_leave_the_reserved_slots_to_the_organic_table() -> None:
    @sim.policy
    def nobody(view: PlatformView, support: Support) -> Any:  # noqa: ARG001
        return np.zeros(view.followers.size)

    outcome = run(world_under("nobody"), fan=0)
    sources = {slot.source for slot in slots_of(outcome)}
    assert sources == {SlotSource.ORGANIC, SlotSource.INSTEAD_OF_SUPPORT}


# From a file


def test_the_documented_example_runs_and_gives_the_reserved_slots_to_good_small_accounts(tmp_path: Path) -> None:
    result = command("run", SCENARIO, "--plugin", PLUGIN, "--out", tmp_path / "run", "--replications", 2, "--json")
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    sha256 = hashlib.sha256(PLUGIN.read_bytes()).hexdigest()
    assert manifest["plugin"] == {"rising-stars": {"file": "rising_stars.py", "sha256": sha256, "imports": {}}}
    # The first day, before anybody has grown past the median.
    scenario = load(SCENARIO).arms["rising"].model_copy(update={"horizon_days": 1, "warmup_days": 0})
    key = (scenario.seed, 0)
    population = draw_population(scenario, None, key)
    counts = simulate(scenario, population, key).counts[:, 0]
    reserved, quality = counts[:, Counter.RESERVED], population.quality
    small_at_first = population.followers < np.median(population.followers)
    assert reserved[small_at_first].sum() > 1000
    assert not reserved[~small_at_first].any()
    assert np.corrcoef(quality[small_at_first], reserved[small_at_first])[0, 1] > 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_the_documented_example_gives_the_same_digests_on_both_engines(tmp_path: Path, engine: str) -> None:
    text = SCENARIO.read_text().replace("= 90 ", "= 6 ").replace("count = 2_000", "count = 200")
    path = tmp_path / "x.toml"
    path.write_text(text)
    digests = []
    for each in (engine, "compiled"):
        result = command(
            "run", path, "--plugin", PLUGIN, "--engine", each, "--replications", 1, "--out", tmp_path / each, "--json"
        )
        assert result.exit_code == 0, result.output
        digests.append(json.loads(result.stdout)["digests"])
    assert digests[0] == digests[1]
    assert len(set(map(tuple, digests[0].values()))) == 3


def test_a_scenario_names_a_policy_only_where_its_plugin_is_given(tmp_path: Path) -> None:
    path = small(tmp_path)
    refused = command("validate", path)
    assert refused.exit_code == 2
    assert "a policy of your own comes with --plugin FILE.py" in refused.stderr
    assert command("validate", path, "--plugin", plugin(tmp_path, "return view.quality")).exit_code == 0


def test_a_near_miss_of_a_users_policy_is_told_its_name(tmp_path: Path) -> None:
    load_plugin(PLUGIN)
    with pytest.raises(InputError, match="did you mean `rising-stars`"):
        load(small(tmp_path, "rising-star"))


def test_a_changed_plugin_is_another_run(tmp_path: Path) -> None:
    def identity_with(body: str) -> str:
        load_plugin(plugin(tmp_path, body))
        return identity(load(small(tmp_path)), "compiled")

    first = identity_with("return view.quality")
    assert identity_with("return view.quality") == first
    assert identity_with("return view.quality * 2") != first


def test_a_plugin_that_no_arm_uses_is_no_part_of_the_run(tmp_path: Path) -> None:
    path = small(tmp_path, "uniform")
    before = identity(load(path), "compiled")
    load_plugin(plugin(tmp_path, "return view.quality"))
    assert identity(load(path), "compiled") == before


def test_another_plugin_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    path, out = small(tmp_path), tmp_path / "run"
    args = ("run", path, "--out", out, "--quiet", "--plugin")
    assert command(*args, plugin(tmp_path, "return view.quality")).exit_code == 0
    assert command(*args, plugin(tmp_path, "return view.quality")).exit_code == 0
    assert command(*args, plugin(tmp_path, "return view.quality * 2")).exit_code in (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "can't be read: No such file or directory"),
        ("def f(:\n", r":1: plugin failed: SyntaxError: invalid syntax \(x.py, line 1\)"),
        ("import sim\n\n1 / 0\n", ":3: plugin failed: ZeroDivisionError: division by zero"),
        ("x = 1\n", "registers no policy, measure or chart; a function with @sim.policy or @sim.measure is one"),
        ("import sys\nsys.exit(0)\n", r":2: plugin failed: SystemExit: 0"),
        ("class E(BaseException):\n    def __str__(self):\n        raise E\n\nraise E\n", r":5: plugin failed: E"),
        ("raise ValueError('one\\n\x1b[2Jtwo')\n", r":1: plugin failed: ValueError: one \\x1b\[2Jtwo"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_clean_fault(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "x.py"
    if text is not None:
        path.write_text(text)
    result = command("validate", SCENARIO, "--plugin", path)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(str(path))
    assert "Traceback" not in line
    with pytest.raises(InputError, match=message):
        load_plugin(path)


def test_what_is_no_python_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.txt"
    path.write_text(PLUGIN.read_text())
    with pytest.raises(InputError, match=r"must be a Python file, \*.py"):
        load_plugin(path)


def test_a_file_may_hold_several_policies(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text(
        HEADER + "    return view.quality\n\n@sim.policy\ndef other_one(view, support):\n    return view.lots\n"
    )
    load_plugin(path)
    assert set(registered("policy")) == {"own", "other-one"}


def test_a_policy_may_not_take_the_place_of_a_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import sim\n\n@sim.policy\ndef uniform(view, support):\n    return view.quality\n")
    result = command("validate", small(tmp_path, "tail"), "--plugin", path)
    assert result.exit_code == 2
    assert 'policy: is built in: the policy of mine.py needs a name of its own, got "uniform"' in result.stderr


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_a_policy_that_fails_in_a_run_is_one_clean_line(tmp_path: Path, body: str, says: str) -> None:
    own = plugin(tmp_path, body)
    result = command("run", small(tmp_path), "--plugin", own, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"{own}:6: own: policy failed: {says} (arm rising)"


def test_a_policy_that_ends_the_process_ends_no_other_scenarios_check(tmp_path: Path) -> None:
    bad, good = small(tmp_path), tmp_path / "good.toml"
    good.write_text(SCENARIO.read_text().replace("= 90 ", "= 1 ").replace('"rising-stars"', '"tail"'))
    own = plugin(tmp_path, "raise SystemExit(0)")
    result = command("check", bad, good, "--plugin", own, "--baselines", tmp_path / "none", "--json")
    assert result.exit_code == 2
    valid = {checked["file"]: checked["parts"][0] for checked in json.loads(result.stdout)["checked"]}
    assert valid[str(bad)]["details"] == [f"{own}:6: own: policy failed: SystemExit: 0 (arm rising)"]
    assert valid[str(good)]["status"] == "passed"


def test_two_plugins_with_a_policy_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = plugin(tmp_path, "return view.quality"), plugin(tmp_path, "return view.lots", "more.py")
    result = command("validate", small(tmp_path), "--plugin", first, "--plugin", second)
    assert result.exit_code == 2
    assert result.stderr == f"{second}: has a policy 'own', and so has {first}; each needs a name of its own\n"
    assert command("validate", small(tmp_path), "--plugin", first, "--plugin", first).exit_code == 0
