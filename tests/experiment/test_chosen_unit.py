"""Which arm and which replication is looked into: one rule and one message, from Python and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.small_runs import TINY, loaded_from, sim, write

from sim.errors import Fault, InputError
from sim.experiment.follow_graphs import follow_graph
from sim.experiment.plan import chosen_unit
from sim.experiment.unit_trace import look_at_fan, look_at_influencer
from sim.scenario import Loaded
from sim.store.unit import Unit

ARM = "arm must be none, tiered or uniform; did you mean `tiered`?, got 'tired'"
REPLICATION = "replication must be from 0 to 2, got 3"


def test_the_arm_left_out_is_the_control(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TINY)
    assert chosen_unit(loaded, None, 2) == Unit("none", 2)
    assert chosen_unit(loaded, "tiered", 0) == Unit("tiered", 0)


@pytest.mark.parametrize(
    "look",
    [
        lambda loaded, arm, replication: follow_graph(loaded, arm, replication),
        lambda loaded, arm, replication: look_at_fan(loaded, 0, arm=arm, replication=replication),
        lambda loaded, arm, replication: look_at_influencer(loaded, "0", arm=arm, replication=replication),
    ],
    ids=["follow graph", "fan", "influencer"],
)
def test_an_arm_and_a_replication_that_are_not_there_are_refused_together(
    tmp_path: Path, look: Callable[[Loaded, str, int], object]
) -> None:
    loaded = loaded_from(tmp_path, TINY)
    with pytest.raises(InputError) as refused:
        look(loaded, "tired", 3)
    assert [str(fault) for fault in refused.value.faults] == [f"{loaded.file}: {ARM}", f"{loaded.file}: {REPLICATION}"]
    with pytest.raises(InputError, match="replication must be from 0 to 2, got -1"):
        look(loaded, "tiered", -1)


@pytest.mark.parametrize("verb", [("graph",), ("trace", "--fan", "1"), ("trace", "--influencer", "1")])
def test_the_command_line_says_the_same(tmp_path: Path, verb: tuple[str, ...]) -> None:
    file = write(tmp_path, TINY)
    told = sim(verb[0], file, *verb[1:], "--arm", "tired", "--replication", "3")
    assert (told.code, told.out) == (2, "")
    assert told.err == f"{file}: --{ARM}\n{file}: --{REPLICATION}\n"


def test_faults_that_are_known_already_are_raised_with_it(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TINY)
    other = Fault(loaded.file, "another fault")
    with pytest.raises(InputError) as refused:
        chosen_unit(loaded, None, 3, other)
    assert refused.value.faults[-1] == other
    assert len(refused.value.faults) == 2
