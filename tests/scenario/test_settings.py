"""Values given with the command, or in Python, in place of a scenario's own: ``--set`` and ``set``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.small_runs import TINY, sim

import sim as package
from sim.cli.failures import flag
from sim.errors import ArgumentError, InputError, naming
from sim.scenario import Loaded, load


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a scenario."""
    monkeypatch.chdir(tmp_path)
    Path("x.toml").write_text(TINY)
    return tmp_path


def with_texts(*texts: str) -> Loaded:
    return load("x.toml", set=texts)


def faults_of(*texts: str) -> list[str]:
    """Faults as the command line words them."""
    with naming(flag):
        with pytest.raises(InputError) as caught:
            load("x.toml", set=texts)
        return [str(fault) for fault in caught.value.faults]


def test_a_value_takes_the_place_of_the_files_or_of_a_default() -> None:
    found = with_texts("support.share=0.4", "warmup_days = 7", "economy.commission_share=0.1").scenario
    assert (found.support.share, found.warmup_days, found.economy.commission_share) == (0.4, 7, 0.1)


def test_it_is_read_as_toml_where_it_is_some_and_else_as_a_text() -> None:
    assert with_texts("support.eligible=all").scenario.support.eligible == "all"
    assert with_texts('support.eligible="all"').scenario.support.eligible == "all"
    assert with_texts("title=a = b, [c").scenario.title == "a = b, [c"
    followers = with_texts('influencers.followers={kind = "uniform", low = 1.0, high = 2.0}').scenario.influencers
    assert followers.followers.model_dump() == {"kind": "uniform", "low": 1, "high": 2}
    assert (
        with_texts("segments.all.share=1.0", f"segments.all.hours=[{'2.0,' * 24}]").scenario.segments["all"].hours[3]
        == 2
    )


def test_a_key_may_have_quotes_with_dots_and_equals_signs_in_them() -> None:
    found = with_texts('support.tiers."a.b=c".weight=2.0').scenario.support.tiers
    assert found["a.b=c"].weight == 2


def test_an_arm_is_set_by_its_own_key_and_what_is_set_for_all_is_below_the_arms() -> None:
    found = with_texts("support.share=0.2", "arms.tiered.support.share=0.4", "support.policy=flat")
    assert {name: arm.support.share for name, arm in found.arms.items()} == {"none": 0.2, "tiered": 0.4, "uniform": 0.2}
    assert found.arms["none"].support.policy == "none"


def test_the_last_of_two_values_of_a_key_is_in_force() -> None:
    assert with_texts("seed=8", "seed=9").scenario.seed == 9


def test_python_gives_values_by_key_and_they_resolve_to_the_same() -> None:
    by_key = package.load("x.toml", set={"support.share": 0.4, "support.tiers": {"low": {"weight": 0.5}}})
    assert by_key == with_texts("support.share=0.4", "support.tiers.low.weight=0.5")
    assert list(by_key.scenario.support.tiers) == ["all", "low"]


def test_it_goes_on_top_of_a_file_that_the_scenario_extends() -> None:
    Path("child.toml").write_text('extends = "x.toml"\nname = "child"\nseed = 5\n')
    found = load("child.toml", set=["seed=6", "fans.count=70"]).scenario
    assert (found.seed, found.fans.count, found.horizon_days) == (6, 70, 20)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("support.share=20", "--set support.share: must be <= 1, got 20"),
        ("support.share=20%", '--set support.share: must be a number, got "20%"'),
        ("support.shar=0.2", "--set support.shar: unknown key; did you mean `share`?"),
        ("suport.share=0.2", "--set suport.share: suport: unknown key; did you mean `support`?"),
        (
            "seed=99999999999999999999",
            "--set seed: must be a whole number of at most 64 bits, got 99999999999999999999",
        ),
        ("seed.x=1", "--set seed.x: seed: must be a whole number, got {x = 1}"),
        ("influencers.quality=1.5", "--set influencers.quality: must be > 0 and < 1, got 1.5"),
        (
            "arms.tired.support.policy=tired",
            "--set arms.tired.support.policy: must be a known policy; did you mean `tiered`?; a policy of your own "
            'comes with --plugin FILE.py, got "tired"',
        ),
        (
            "arms.tiered.seed=3",
            "--set arms.tiered.seed: can't differ between arms, which have the same people and the same time, got 3",
        ),
        (
            "support.tiers.low.over_accounts=3",
            "--set support.tiers.low.over_accounts: support.tiers.low.weight: is required",
        ),
        (
            "surfaces.find.session_share=0.5",
            "--set surfaces.find.session_share: surfaces: session_share of all surfaces must sum to 1, got 0.5",
        ),
    ],
)
def test_a_fault_names_the_setting(text: str, fault: str) -> None:
    assert faults_of(text) == [f"x.toml: {fault}"]


KEY = "--set must begin with a key as TOML has it, with dots and quotes: support.share"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "extends=y.toml",
            '--set can\'t name `extends`: which file a scenario extends, it says itself, got "extends=y.toml"',
        ),
        ("support.share", '--set must be KEY=VALUE, got "support.share"'),
        ("=3", f'{KEY}, got "=3"'),
        ("support..share=3", f'{KEY}, got "support..share=3"'),
        (f"{'a.' * 40}a=3", f'--set must begin with a key of at most 32 parts, got "{"a." * 29}…'),
    ],
)
def test_a_setting_that_is_none_is_refused_whatever_the_file_says(text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


def test_what_is_missing_in_a_table_of_the_file_is_no_fault_of_a_setting_in_it() -> None:
    Path("x.toml").write_text(TINY.replace('within_tier = "equal"\n', ""))
    (fault,) = faults_of("support.share=0.4", "phases={}")
    line = 1 + Path("x.toml").read_text()[: TINY.index("[arms.tiered]")].count("\n")
    assert fault.startswith(f"x.toml:{line}: arms.tiered.support.within_tier: is required by policy tiered")


def test_faults_of_settings_and_of_the_file_are_reported_together() -> None:
    Path("x.toml").write_text(TINY.replace("seed = 3", "seed = -3"))
    assert faults_of("fans.count=0", "support.share=2") == [
        "x.toml: --set fans.count: must be >= 1, got 0",
        "x.toml: --set support.share: must be <= 1, got 2",
        "x.toml:2: seed: must be >= 0, got -3",
    ]


def test_in_python_a_fault_names_the_keyword() -> None:
    with pytest.raises(ArgumentError) as refused:
        package.load("x.toml", set={"support.share": 20, "seed x": 1})
    assert str(refused.value).startswith("set must begin with a key")
    with pytest.raises(InputError) as caught:
        package.load("x.toml", set={"support.share": 20, 'support."shar"': 1})
    assert str(caught.value).splitlines() == [
        'x.toml: set["support.share"]: must be <= 1, got 20',
        'x.toml: set["support.\\"shar\\""]: unknown key; did you mean `share`?',
    ]
    (fault,) = package.validate("x.toml", set=["support.share=20"])
    assert str(fault) == 'x.toml: set["support.share"]: must be <= 1, got 20'


def test_a_run_with_it_is_another_run_in_another_folder_and_is_made_again_from_its_manifest() -> None:
    first = json.loads(sim("run", "x.toml", "--set", "replications=1", "--json").out)["run"]
    other = sim("run", "x.toml", "--set", "replications=1", "--set", "support.share=0.1", "--json")
    folder = json.loads(other.out)["run"]
    assert folder != first
    assert package.read(folder).manifest["scenario"]["support"]["share"] == 0.1
    again = package.run("x.toml", set={"replications": 1, "support.share": 0.1}, out="again")
    assert again.digest == package.recreate(folder, "third").digest == package.read(folder).digest


@pytest.mark.parametrize("verb", [["validate"], ["trace", "--fan", "0"], ["graph"], ["run"]])
def test_every_command_that_reads_a_scenario_takes_it(verb: list[str]) -> None:
    result = sim(verb[0], "x.toml", *verb[1:], "--set", "support.shar=1")
    assert (result.code, result.err.strip()) == (2, "x.toml: --set support.shar: unknown key; did you mean `share`?")


def test_a_check_does_not_for_its_baseline_is_of_the_file() -> None:
    result = sim("check", "x.toml", "--set", "seed=4")
    assert result.code == 2
    assert "No such option: --set" in result.err


def test_a_loaded_scenario_takes_none() -> None:
    with pytest.raises(TypeError, match=r"set, encoding and suggested_columns are sim\.load's"):
        package.run(load("x.toml"), set={"seed": 4})
