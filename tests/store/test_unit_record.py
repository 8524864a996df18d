"""The record of a unit: its bytes give it back, and bytes that lack a field or have another one are refused."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.small_runs import TINY, loaded_from

from sim.errors import MachineError
from sim.experiment.execution import experiment
from sim.experiment.units import population_of, run_unit
from sim.store.run_folder import JOURNAL, RunFolder
from sim.store.unit import Unit
from sim.store.unit_record import EpochsRecord, UnitRecord
from sim.types import Key

REVIEWED = TINY.replace("tiers.all.weight = 1.0", "tiers.all = { weight = 1.0, over_accounts = 4 }").replace(
    "horizon_days = 20", "horizon_days = 60"
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, UnitRecord]:
    """Records of a unit with epochs and without."""
    loaded, unit = loaded_from(tmp_path_factory.mktemp("record"), REVIEWED), Unit("tiered", 0)
    people, key = population_of(loaded, unit), unit.key(3)
    return {
        epochs: run_unit(
            loaded.arms["tiered"], people, key, engine="compiled", threads=1, watch=lambda _: None, epochs=epochs
        )
        for epochs in (False, True)
    }


def leaves(record: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Fields of a record and of its parts, by path."""
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value):
            yield from leaves(value, f"{above}{field.name}.")
        else:
            yield above + field.name, value


def changed(content: bytes, **arrays: Any) -> bytes:
    """The same ``npz`` with other arrays in it; None: without the array."""
    with np.load(io.BytesIO(content)) as stored:
        kept = {name: stored[name] for name in stored.files} | arrays
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in kept.items() if array is not None})
    return buffer.getvalue()


@pytest.mark.parametrize("epochs", [False, True])
def test_a_record_comes_back_from_its_bytes_to_the_bit(records: dict[bool, UnitRecord], epochs: bool) -> None:
    record = records[epochs]
    again = UnitRecord.from_bytes(record.to_bytes())
    assert (again.epochs is not None) == epochs
    before, after = dict(leaves(record)), dict(leaves(again))
    assert before.keys() == after.keys()
    for path, value in before.items():
        assert type(after[path]) is type(value)
        np.testing.assert_array_equal(after[path], value)
        if isinstance(value, np.ndarray):
            assert (after[path].dtype, after[path].shape) == (value.dtype, value.shape)


def test_shapes_are_those_of_the_axes(records: dict[bool, UnitRecord]) -> None:
    record = records[True]
    m, s, a, r, t = 20, 2, 3, record.reviews.time.size, 1
    assert r == 3
    assert isinstance(record.epochs, EpochsRecord)
    for path, value in leaves(record):
        shape = np.shape(value)
        match path.rpartition(".")[0], path.rpartition(".")[2]:
            case "accounts", name if name not in ("n_initial", "people_per_fan"):
                assert shape == (m,), path
            case "reviews", name if name not in ("agencies", "time"):
                assert shape == (r, a), path
            case "epochs", _:
                assert shape == (record.epochs.time.size,), path
    assert record.traffic.counts.shape[:2] == (m, record.traffic.totals.shape[0])
    assert record.traffic.totals.shape[0] in (1, s)
    assert record.measures.tier_transitions.shape == (t + 1, t + 1)
    assert record.measures.support_effect.shape == (3,)


def test_every_field_that_is_missing_or_of_another_type_is_named(records: dict[bool, UnitRecord]) -> None:
    record = records[True]
    content = record.to_bytes()
    for path, value in leaves(record):
        with pytest.raises(ValueError, match=f"^field {path} is missing$"):
            UnitRecord.from_bytes(changed(content, **{path: None}))
        wrong = np.array([1]) if isinstance(value, str) or np.asarray(value).dtype.kind in "Uf" else np.array(["x"])
        with pytest.raises(ValueError, match=f"^field {path} must be of "):
            UnitRecord.from_bytes(changed(content, **{path: wrong}))


@pytest.mark.parametrize("name", ["colour", "accounts.colour", "reviews"])
def test_an_unknown_field_is_named(records: dict[bool, UnitRecord], name: str) -> None:
    with pytest.raises(ValueError, match=f"^unknown field {name}$"):
        UnitRecord.from_bytes(changed(records[False].to_bytes(), **{name: np.zeros(1)}))


@pytest.mark.parametrize("content", [b"", b"no npz", b"PK\3\4" + bytes(50)])
def test_bytes_that_are_no_record_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no record of a unit"):
        UnitRecord.from_bytes(content)


def test_objects_are_not_unpickled(records: dict[bool, UnitRecord]) -> None:
    content = changed(records[False].to_bytes(), **{"accounts.shop": np.array([None, {}], dtype=object)})
    with pytest.raises(ValueError, match="no record of a unit"):
        UnitRecord.from_bytes(content)


def test_a_stored_unit_that_is_no_record_is_damage_of_the_journal(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TINY)
    out = tmp_path / "run"
    stop = KeyboardInterrupt()

    def interrupt(_: object) -> None:
        raise stop

    with pytest.raises(BaseException, match="interrupted"):
        experiment(loaded, out=out, threads=1, report=interrupt)
    from sim.store.provenance import identity

    with RunFolder.open(out, identity(loaded, "compiled")) as folder:
        missing = Unit("none", 2, independent=True)
        assert missing not in folder.done()
        folder.store(missing, b"no record")
    says = rf"{JOURNAL}: damaged \(unit none 2, independent: no record of a unit\); delete this file to run its units"
    with pytest.raises(MachineError, match=says):
        experiment(loaded, out=out, threads=1)


def test_an_independent_unit_is_another_one_with_a_key_of_its_own() -> None:
    ordinary, independent = Unit("none", 3), Unit("none", 3, independent=True)
    assert ordinary != independent
    assert ordinary.key(7) == Key(7, 3)
    assert independent.key(7) == Key(7, 3 + (1 << 31))
