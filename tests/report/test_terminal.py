"""What a person reads of a run: the sentences, the tables, and that no name breaks either."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.small_runs import NOBODY, PLACEBO, TINY, run_of

from sim.report.terminal import print_answer, print_side_by_side
from sim.results.answer import MIN_REPLICATIONS
from sim.results.run import Run
from sim.results.side_by_side import side_by_side
from sim.store import columns

FOUR = TINY.replace("replications = 3", "replications = 4")
LONG_NAME = "a-very-long-name-of-an-arm-that-nobody-would-give-but-somebody-does-and-so-it-goes-on-and-on"
CHINESE = "分层扶持政策下的头部达人流量集中度对照实验组"
MARKUP = "[red]x[/red]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Four replications."""
    return run_of(tmp_path_factory.mktemp("run"), FOUR)


def printed(run: Run, *, colours: bool = False) -> str:
    """The answer as a console of 80 columns shows it."""
    file = io.StringIO()
    system = "truecolor" if colours else None
    print_answer(run, Console(file=file, width=80, color_system=system, force_terminal=colours, highlight=False))  # type: ignore[arg-type]
    return file.getvalue()


def words(run: Run) -> str:
    """The answer without its layout."""
    return " ".join(printed(run).split())


def altered(run: Run, **changes: Any) -> Run:
    """The run with other values in the comparison's rows on the followers' head share of the pair tiered, none."""
    rows = run.table("comparison").to_pylist()
    for row in rows:
        is_pair = (row["arm"], row["control"]) == ("tiered", "none")
        if is_pair and (row["population"], row["level"], row["quantity"], row["measure"]) == (
            "all",
            "influencer",
            "followers",
            "head_share_01",
        ):
            row |= changes
    other = Run(run.path, copy.deepcopy(run.manifest))
    other._tables["comparison"] = columns.table_of("comparison", {name: [r[name] for r in rows] for name in rows[0]})
    return other


def with_scenario(run: Run, **changes: Any) -> Run:
    """The run of a scenario that says something else."""
    other = altered(run)
    other.manifest["scenario"].update(changes)
    return other


# The heading


def test_the_heading_says_what_was_run(run: Run) -> None:
    assert printed(run).startswith(
        "tiny\n60 fans x 20 influencers x 20 days, 4 replications, paired\narms: none, tiered, uniform\n"
    )
    assert printed(with_scenario(run, title="A title")).startswith("tiny: A title\n")
    assert "1 replication, paired" in printed(with_scenario(run, replications=1))


def test_fewer_than_30_replications_are_called_a_demonstration(run: Run) -> None:
    label = "A demonstration: a claim needs 30 replications or more."
    assert MIN_REPLICATIONS == 30
    assert label in printed(with_scenario(run, replications=29))
    assert label not in printed(with_scenario(run, replications=30))


def test_a_fixed_population_makes_the_answer_conditional(run: Run) -> None:
    label = "the answer is conditional on it"
    assert label in words(with_scenario(run, population="fixed"))
    assert label not in words(run)


# The sentences


@pytest.mark.parametrize(
    ("difference", "low", "high", "sentence"),
    [
        (-0.0111, -0.0122, -0.01, "lower by 1.11 points (95 % interval -1.22 to -1.00)."),
        (0.02, 0.01, 0.03, "higher by 2.00 points (95 % interval +1.00 to +3.00)."),
        (-0.002, -0.005, 0.001, "no clear change, -0.20 points (95 % interval -0.50 to +0.10)."),
        (0.002, 0.0, 0.004, "no clear change, +0.20 points (95 % interval +0.00 to +0.40)."),
        (0.0, 0.0, 0.0, "exactly the same share."),
        (0.004, None, None, "+0.40 points; one replication doesn't show how certain that is."),
        (None, None, None, "undefined, since there are no followers."),
    ],
)
def test_a_sentence_says_which_way_and_how_sure(
    run: Run, difference: float | None, low: float | None, high: float | None, sentence: str
) -> None:
    text = words(altered(run, difference=difference, ci_low=low, ci_high=high))
    assert f"(a) support: tiered against none: {sentence} uniform against none: " in text


def test_only_equal_digests_are_called_the_same_to_the_bit(tmp_path: Path) -> None:
    # Without follows no head share moves, yet the slots do.
    text = (FOUR + PLACEBO).replace("follow_prob = 0.3", "follow_prob = 0.0")
    told = words(run_of(tmp_path, text))
    assert "placebo against none: the same to the bit." in told
    assert "tiered against none: exactly the same share." in told
    alone = words(run_of(tmp_path, text.replace("replications = 4", "replications = 1"), out="alone"))
    assert "placebo against none: the same to the bit." in alone


def test_the_effect_of_support_is_split_into_that_of_any_list_and_that_of_the_tiering(run: Run) -> None:
    differences = {
        (row["arm"], row["control"]): f"{100 * row['difference']:+.2f}"
        for row in run.answer()
        if (row["population"], row["level"], row["quantity"], row["measure"])
        == ("all", "influencer", "followers", "head_share_01")
    }
    assert (
        f"Of tiered's {differences['tiered', 'none']} points, {differences['uniform', 'none']} come with any list that "
        f"isn't popularity (uniform), {differences['tiered', 'uniform']} with the tiering."
    ) in words(run)


def test_with_two_tiered_arms_each_has_a_split_of_its_own(tmp_path: Path) -> None:
    second = '\n[arms.other]\nsupport = { policy = "tiered", within_tier = "followers" }\n'
    found = run_of(tmp_path, FOUR + second)
    change = {
        (row["arm"], row["control"]): round(100 * row["difference"], 2)
        for row in found.answer()
        if (row["population"], row["level"], row["quantity"], row["measure"])
        == ("all", "influencer", "followers", "head_share_01")
    }
    assert change["tiered", "none"] != change["other", "none"]
    for arm in ("tiered", "other"):
        assert f"Of {arm}'s {change[arm, 'none']:+.2f} points, " in words(found)
        assert f"(uniform), {change[arm, 'uniform']:+.2f} with the tiering." in words(found)


def test_heavy_tailed_differences_get_a_warning_with_other_intervals(run: Run) -> None:
    tilted = altered(run)
    table = run.table("measures").to_pylist()
    for row in table:
        end = (row["time_days"], row["window_days"], row["population"], row["level"]) == (20, None, "all", "influencer")
        if end and (row["quantity"], row["measure"]) == ("followers", "head_share_01"):
            row["value"] = 0.5 if (row["arm"], row["replication"]) == ("tiered", 3) else 0.1
    tilted._tables["measures"] = columns.table_of("measures", {name: [row[name] for row in table] for name in table[0]})
    told = words(tilted)
    assert (
        "tiered against none, followers: heavy-tailed; the interval may undercover (skewness +1.2; BCa interval" in told
    )
    assert "sign test p = 1.000)." in told
    assert "uniform against none, followers: heavy-tailed" not in told


# The tables


def test_one_arm_is_nothing_to_compare(tmp_path: Path) -> None:
    text = FOUR.split("[arms.tiered]")[0]
    assert "One arm only: nothing to compare." in words(run_of(tmp_path, text))


def test_an_arm_that_is_not_compared_is_named_with_the_reason(tmp_path: Path) -> None:
    text = FOUR.split("[arms.tiered]")[0] + NOBODY
    told = words(run_of(tmp_path, text))
    assert "nobody is not compared: over .1 % of reserved slots had no account to support" in told
    assert "none is not compared" in told
    assert "Head share, %" not in told


@pytest.mark.parametrize("verdict", ["supported", "refuted", "negligible", "undecided"])
def test_a_claim_has_a_row_with_its_verdict_and_its_title(run: Run, verdict: str) -> None:
    other = altered(run)
    (claim,) = run.claims()
    claim |= {"verdict": verdict, "estimate": -0.0111, "ci_low": -0.02, "ci_high": -0.01}
    other._tables["claims"] = columns.table_of("claims", {name: [value] for name, value in claim.items()})
    (line,) = (line for line in printed(other).splitlines() if line.strip().startswith("lower "))
    assert line.split() == ["lower", "-0.0111", "-0.0200", "to", "-0.0100", "0.005", verdict]
    assert "lower: The tiering itself lowers the head share." in words(other)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"group": "small", "baseline_group": "head"}, "lower: growth of followers, small - head; tiered."),
        ({"group": "small", "control": "none"}, "lower: growth of followers, small; tiered - none."),
        (
            {"group": "small_agencies", "baseline_group": "large_agencies", "control": "none", "level": "agency"},
            "lower: growth of followers, small_agencies - large_agencies; tiered - none.",
        ),
    ],
)
def test_a_claim_on_groups_says_what_is_compared(run: Run, keys: dict[str, str], sentence: str) -> None:
    other = altered(run)
    (claim,) = run.claims()
    claim |= {"control": None, "measure": "growth"} | keys
    other._tables["claims"] = columns.table_of("claims", {name: [value] for name, value in claim.items()})
    assert sentence in words(other)
    assert "; tiered" not in words(run)


def test_claims_on_money_stay_within_80_columns(run: Run) -> None:
    other = altered(run)
    (claim,) = run.claims()
    claim |= {"verdict": "negligible", "estimate": -1.23456e12, "ci_low": -9.87654e13, "ci_high": 999.99996}
    claim |= {"margin": 1e10, "group": "middle_agencies", "baseline_group": "large_agencies"}
    other._tables["claims"] = columns.table_of("claims", {name: [value] for name, value in claim.items()})
    (line,) = (line for line in printed(other).splitlines() if line.strip().startswith("lower "))
    assert line.split() == ["lower", "-1.235e+12", "-9.877e+13", "to", "+1000.0000", "1e+10", "negligible"]
    *lines, _folder = printed(other).splitlines()
    assert max(map(cell_len, lines)) <= 80


def test_primary_rows_have_their_adjusted_p_and_others_are_called_exploratory(run: Run) -> None:
    told = printed(altered(run, p_holm=0.00123))
    lines = [line.split() for line in told.splitlines() if line.startswith("   followers at the end")]
    assert lines[0][-1] == "0.0012"
    assert [line.split()[-1] for line in told.splitlines() if "exposure, 20 days" in line][-1] == "explor."


# Names


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose names try to break the layout."""
    text = FOUR.replace("[arms.none]", f'[arms."{MARKUP}"]').replace("[arms.tiered]", f'[arms."{CHINESE}"]')
    text = text.replace("[arms.uniform]", f"[arms.{LONG_NAME}]").replace(
        '"uniform"\ndirection', f'"{MARKUP}"\ndirection'
    )
    text = text.replace('arm = "tiered"', f'arm = "{CHINESE}"').replace("[claims.lower]", '[claims."[/bold] 声明"]')
    text = text.replace("seed = 3", f'seed = 3\ncontrol = "{MARKUP}"\ntitle = "[blink]头部[/blink]"')
    return run_of(tmp_path_factory.mktemp("named"), text.replace('title = "The', 'title = "[/] The'))


def test_markup_in_names_is_shown_and_not_obeyed(named: Run) -> None:
    for text in (printed(named), printed(named, colours=True)):
        assert MARKUP in text
        assert "[blink]头部[/blink]" in text
        assert "[/bold] 声明" in text
        assert "[/] The tiering itself" in text
        assert "\x1b[31m" not in text  # red
        assert "\x1b[5m" not in text  # blink
    assert "\x1b[1m" in printed(named, colours=True)


def test_long_and_wide_names_stay_within_80_columns(named: Run) -> None:
    *lines, _folder = printed(named).splitlines()
    assert max(map(cell_len, lines)) <= 80
    text = "".join(printed(named).split())
    assert CHINESE in text
    assert LONG_NAME in text
    for line in lines:
        if line.startswith("   followers at the end"):
            assert len(line.split()) == 4 + 3 + 3 + 1  # label, shares and change, interval, p


def test_two_runs_side_by_side_show_markup_and_stay_within_80_columns(named: Run, run: Run) -> None:
    for difference in (side_by_side(named, named), side_by_side(run, named)):
        file = io.StringIO()
        print_side_by_side(difference, Console(file=file, width=80, color_system=None, highlight=False))
        first, second, *lines = file.getvalue().splitlines()
        assert (first[:2], second[:2]) == ("A ", "B ")
        assert max(map(cell_len, lines)) <= 80
        assert MARKUP in file.getvalue()
    assert "The runs have no arm in common." in file.getvalue()
