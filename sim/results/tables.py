"""The tables of a run, made from the records of its units. It knows no table's columns: ``sim.store.columns`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.calendar import DAY
from sim.measures.index import MeasureKey, Words, columns_of
from sim.measures.meter import LORENZ_POINTS
from sim.model.layout import Counter, Total
from sim.model.world.accounts import AccountStatus
from sim.results.claims import index_of
from sim.scenario import Loaded
from sim.scenario.resolve.file_order import agencies_as_listed, influencers_as_listed
from sim.store import columns
from sim.store.column_values import ColumnType
from sim.store.unit import Unit
from sim.store.unit_record import EpochsRecord, UnitRecord

__all__ = ["UnitTables", "key_columns", "words"]

Columns = dict[str, Any]


def words(choices: Sequence[str | None], index: NDArray[np.integer]) -> pa.DictionaryArray:
    """Strings by number; -1 and a choice of None are null."""
    plain = [*choices, None]
    position = np.where(index < 0, len(choices), index).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(position), pa.array(plain, pa.string()))


def key_columns(keys: Sequence[MeasureKey], times: int) -> Columns:
    """The columns that say what a value is about, for keys that are repeated as a whole."""
    found = columns_of(keys, times)
    return {name: words(*column) if isinstance(column, Words) else column for name, column in found.items()}


class UnitTables:
    """Makes the rows that units have in each table with rows for each arm and replication."""

    def __init__(self, loaded: Loaded) -> None:
        scenario = loaded.scenario
        self._loaded = loaded
        self._surfaces = [columns.exposure_column(name) for name in scenario.surfaces]
        self._own = _own_columns(loaded, self._surfaces)
        self._extra: dict[str, list[str | columns.Column]] = {"influencers": [*self._surfaces, *self._own]}
        index = index_of(scenario)
        self._measured = key_columns(index.keys, 1)
        curves = [key for key in index.lorenz_keys for _ in range(LORENZ_POINTS)]
        self._curves = key_columns(curves, 1)
        del self._curves["measure"]

    def of(self, records_of: Mapping[Unit, UnitRecord]) -> dict[str, pa.Table]:
        """Their rows by table, unit after unit."""
        parts = [self._columns(unit, record) for unit, record in records_of.items()]
        return {
            name: columns.table_of(name, joined([part[name] for part in parts]), self._extra.get(name, ()))
            for name in parts[0]
        }

    def _columns(self, unit: Unit, record: UnitRecord) -> dict[str, Columns]:
        """Columns of a unit's rows, by table."""
        parts: dict[str, Columns] = {
            "measures": self._measured | {"value": record.measures.values},
            "influencers": self._influencers(record),
            "agencies": _agencies(self._loaded, record),
            "surfaces": _surfaces(self._loaded, record),
            "refreshes": _refreshes(self._loaded, record),
            "lorenz": self._lorenz(record),
            "transitions": _transitions(record),
            "tier_transitions": _tier_transitions(self._loaded, record),
        }
        if record.epochs is not None:
            parts["epochs"] = _epochs(record.epochs)
        return {name: _unit_columns(unit, part) | part for name, part in parts.items()}

    def _influencers(self, record: UnitRecord) -> Columns:
        """The influencers, in the order of their file."""
        order = influencers_as_listed(self._loaded, record.accounts.vertical.size)
        columns = _influencers(self._loaded, record, self._surfaces) | self._own_of(record)
        return {
            name: column.take(pa.array(order)) if isinstance(column, pa.Array) else column[order]
            for name, column in columns.items()
        }

    def _own_of(self, record: UnitRecord) -> Columns:
        """The roster's own columns, null for a unit's newcomers."""
        accounts = np.arange(record.accounts.vertical.size)
        places = pa.array(accounts, mask=accounts >= record.accounts.n_initial)
        return {column.name: values.take(places) for column, values in self._own.items()}

    def _lorenz(self, record: UnitRecord) -> Columns:
        curves = record.measures.lorenz
        defined = ~np.isnan(curves.ravel())
        points = np.tile(np.arange(LORENZ_POINTS) / (LORENZ_POINTS - 1), len(curves))
        columns = self._curves | {"holder_share": points, "amount_share": curves.ravel()}
        return {
            name: column.filter(pa.array(defined)) if isinstance(column, pa.Array) else column[defined]
            for name, column in columns.items()
        }


def _own_columns(loaded: Loaded, surfaces: Sequence[str]) -> dict[columns.Column, pa.Array]:
    """Columns of the roster that the model doesn't use, as the table ``influencers`` has them; shape (rows,)."""
    given = {} if loaded.roster is None else loaded.roster.other_columns
    types: list[tuple[str, ColumnType]] = [
        (name, "string" if any(isinstance(value, str) for value in values) else "float64")
        for name, values in given.items()
    ]
    found = {}
    for column, values in zip(columns.own_columns("influencers", types, surfaces), given.values(), strict=True):
        is_text = column.type == "string"
        array = pa.array(values, pa.string() if is_text else pa.float64())
        found[column] = array.dictionary_encode() if is_text else array
    return found


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns of one part after the other."""

    def column(name: str) -> Any:
        pieces = [part[name] for part in parts]
        return pa.chunked_array(pieces) if isinstance(pieces[0], pa.Array) else np.concatenate(pieces)

    return {name: column(name) for name in parts[0]}


def _unit_columns(unit: Unit, part: Columns) -> Columns:
    """Arm and replication of a unit, repeated over its rows."""
    n_rows = len(next(iter(part.values())))
    return {"arm": words([unit.arm], np.zeros(n_rows, np.int32)), "replication": np.full(n_rows, unit.replication)}


def people(amounts: NDArray[Any], people_per_fan: float) -> NDArray[np.int64]:
    """Simulated counts as real people, rounded."""
    return np.floor(amounts * people_per_fan + 0.5).astype(np.int64)


def _influencers(loaded: Loaded, record: UnitRecord, surfaces: list[str]) -> Columns:
    kept, counts = record.accounts, record.traffic.counts
    scale, agencies = kept.people_per_fan, record.reviews.agencies.tolist()
    over_surfaces = counts.sum(axis=1)
    reserved, exposure = over_surfaces[:, Counter.RESERVED], over_surfaces[:, Counter.EXPOSURE]
    shop, shop_end = kept.shop, kept.shop_end
    sells = shop | shop_end
    newcomer = np.arange(shop.size) >= kept.n_initial
    gone = np.isin(kept.status_end, (AccountStatus.CUT, AccountStatus.LEFT))
    return {
        "influencer": pa.array(kept.influencer.tolist(), pa.string()),
        "vertical": words(list(loaded.scenario.verticals), kept.vertical),
        "agency": words(agencies, kept.agency),
        "agency_end": words(agencies, kept.agency_end),
        "status_end": words([status.name.lower() for status in AccountStatus], kept.status_end),
        "joined_days": np.where(newcomer, kept.joined_at / DAY, np.nan),
        "gone_days": np.where(gone, kept.gone_at / DAY, np.nan),
        "quality": kept.quality,
        "posts_per_day": kept.posts_per_day,
        "live_hours_per_day": kept.live_hours_per_day,
        "shop": shop,
        "shop_end": shop_end,
        "conversion_prob": np.where(sells, kept.conversion_prob, np.nan),
        "order_value_fen": pa.array(kept.order_value_fen, pa.int64(), mask=~sells),
        "followers_start": people(kept.followers_start, scale),
        "followers_end": people(kept.followers_end, scale),
        **{name: people(counts[:, s, Counter.EXPOSURE], scale) for s, name in enumerate(surfaces)},
        "exposure_reserved": people(reserved, scale),
        "exposure_organic": people(exposure - reserved, scale),
        "reads": people(over_surfaces[:, Counter.READS], scale),
        "clicks": people(over_surfaces[:, Counter.CLICKS], scale),
        "follows": people(over_surfaces[:, Counter.FOLLOWS], scale),
        "follows_reserved": people(over_surfaces[:, Counter.RESERVED_FOLLOWS], scale),
        "unfollows": people(over_surfaces[:, Counter.UNFOLLOWS], scale),
        "orders": over_surfaces[:, Counter.ORDERS],
        "gmv_fen": over_surfaces[:, Counter.GMV_FEN],
        "tips_fen": over_surfaces[:, Counter.TIPS_FEN],
        "income_fen": kept.income_fen,
    }


def _agencies(loaded: Loaded, record: UnitRecord) -> Columns:
    kept = record.reviews
    time = kept.time / DAY
    order = agencies_as_listed(loaded, kept.agencies.tolist())
    tiers = list(loaded.scenario.support.tiers)
    return {
        "time_days": np.repeat(time, order.size),
        "agency": words(kept.agencies.tolist(), np.tile(order, time.size)),
        "tier": words(tiers, kept.tier[:, order].ravel()),
        "n_accounts": kept.accounts[:, order].ravel(),
        "followers": np.floor(kept.followers[:, order].ravel() + 0.5).astype(np.int64),
        "reads_per_month": kept.reads_per_month[:, order].ravel(),
        "posts_per_month": kept.posts_per_month[:, order].ravel(),
        "gmv_fen_per_year": kept.gmv_fen_per_year[:, order].ravel(),
        "n_cut": kept.cut[:, order].ravel(),
        "profit_fen": kept.profit[:, order].ravel(),
    }


def _surfaces(loaded: Loaded, record: UnitRecord) -> Columns:
    totals, counts = record.traffic.totals, record.traffic.counts.sum(axis=0)
    names = list(loaded.scenario.surfaces)
    return {
        "surface": words(names, np.arange(len(names))),
        **{f"n_{total.name.lower()}": totals[:, total] for total in Total},
        **{f"n_{counter.name.lower()}": counts[:, counter] for counter in COUNTED},
        "gmv_fen": counts[:, Counter.GMV_FEN],
        "tips_fen": counts[:, Counter.TIPS_FEN],
    }


def _refreshes(loaded: Loaded, record: UnitRecord) -> Columns:
    kept = record.refreshes
    return {
        "time_days": kept.time / DAY,
        "surface": words(list(loaded.scenario.surfaces), kept.surface),
        "n_follows": kept.follows,
        "n_reserved_follows": kept.reserved_follows,
        "support_head_share": kept.support_head_share,
        "organic_head_share": kept.organic_head_share,
    }


def _transitions(record: UnitRecord) -> Columns:
    start, end = np.indices((10, 10)) + 1
    return {"decile_start": start.ravel(), "decile_end": end.ravel(), "n": record.measures.transitions.ravel()}


def _tier_transitions(loaded: Loaded, record: UnitRecord) -> Columns:
    tiers = list(loaded.scenario.support.tiers)
    steps = record.measures.tier_transitions
    start, end = (np.where(axis < len(tiers), axis, -1).ravel() for axis in np.indices(steps.shape))
    return {"tier_from": words(tiers, start), "tier_to": words(tiers, end), "n": steps.ravel()}


def _epochs(kept: EpochsRecord) -> Columns:
    return {
        "time_days": kept.time / DAY,
        "event": pa.array(kept.event.tolist(), pa.string()),
        "digest": pa.array(kept.digest.tolist(), pa.string()),
    }


COUNTED = (
    Counter.READS,
    Counter.CLICKS,
    Counter.FOLLOWS,
    Counter.RESERVED_FOLLOWS,
    Counter.REFERRALS,
    Counter.ORDERS,
)
