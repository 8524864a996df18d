"""Measures of the user's own: what they are given can't be changed, what they give is looked at. It knows no model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from sim.errors import Fault, InputError
from sim.measures.index import MeasureKey
from sim.measures.views import AccountTraits, FanReads, Holding, Platform
from sim.registry import Plugin, registered
from sim.scenario.schema.measurable import Measure

__all__ = ["checked_functions"]

Checked = Callable[[Any, MeasureKey], float]


def checked_functions() -> dict[Measure, Checked]:
    """The functions of the user's own measures, each with its checks, for one run: given a view and its key."""
    return {plugin.item: _Own(plugin).value for plugin in registered("measure").values()}


class _Own:
    """A user's measure in a run."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._measure: Measure = plugin.item
        self._is_known = False

    def value(self, view: Holding | Platform | FanReads, key: MeasureKey) -> float:
        """The measure's value, asked for twice the first time: it must know nothing but the view.

        Raises
        ------
        InputError
            The measure fails, gives no number, or differs from itself.
        """
        sealed = _sealed(view)
        found = self._called(sealed, key)
        if not self._is_known:
            again = self._called(sealed, key)
            if found != again and not (math.isnan(found) and math.isnan(again)):
                rule = "must give the same value for the same view: no random numbers, no memory"
                raise self._refused(rule, f"{found!r} and {again!r}", key)
            self._is_known = True
        return found

    def _called(self, view: Any, key: MeasureKey) -> float:
        try:
            given = self._plugin.call(view, first=not self._is_known)
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._plugin.failed("measure", self._measure.name, error, _about(key)) from error
        if isinstance(given, bool | np.bool_) or not isinstance(given, int | float | np.integer | np.floating):
            raise self._refused("must give a number, or nan where it is undefined", type(given).__name__, key)
        found = float(given)
        if math.isinf(found):
            raise self._refused("must give a finite number, or nan where it is undefined", repr(found), key)
        return found

    def _refused(self, rule: str, got: str, key: MeasureKey) -> InputError:
        file, line = self._plugin.place()
        return InputError([Fault(file, rule, line, self._measure.name, f"{got} ({_about(key)})")])


def _about(key: MeasureKey) -> str:
    """Which of a measure's values it is, in words."""
    window = "" if key.window_days is None else f", {key.window_days:g} days"
    return f"{key.quantity} of {key.population} at level {key.level}, day {key.time_days:g}{window}"


class _SealedHolding(Holding):
    """Holders whose numbers can't be changed, nor exchanged for others."""

    def __init__(self, view: Holding) -> None:
        amounts, totals, theil = _read_only(view.amounts), view.totals, view.theil
        heads = None if view.heads is None else replace(view.heads, initial=_read_only(view.heads.initial))
        plain = Holding(
            view.n, view.people, heads, _read_only(view.initial_head), lambda: amounts, lambda: totals, lambda _: theil
        )
        vars(self).update(vars(plain))

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"can't set {name}: a measure changes nothing")


def _sealed(view: Holding | Platform | FanReads) -> Holding | Platform | FanReads:
    """The same with arrays that nothing can make writeable again, nor reach the run's own through."""
    if isinstance(view, Holding):
        return _SealedHolding(view)
    if isinstance(view, FanReads):
        return replace(view, **_arrays(view))
    take_flow, moves = view.take_flow, view.tier_moves
    return replace(
        view,
        **_arrays(view),
        accounts=replace(view.accounts, **_arrays(view.accounts), _ranked=[]),
        take_flow=lambda name: _read_only(take_flow(name)),
        take_tier_moves=lambda: moves,
    )


def _arrays(view: Platform | FanReads | AccountTraits) -> dict[str, Any]:
    """Read-only copies of a view's arrays, by the name of the field."""
    given = {field.name: getattr(view, field.name) for field in fields(view)}
    return {name: _read_only(value) for name, value in given.items() if isinstance(value, np.ndarray)}


def _read_only(values: np.ndarray[Any, Any]) -> Any:
    if not values.size:
        return values
    return np.frombuffer(values.tobytes(), values.dtype).reshape(values.shape)
