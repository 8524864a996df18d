"""The column contract: what table_of gives satisfies it exactly, and what does not fit is refused by name."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.store.columns import TABLES, arrow_schema, columns_of, table_of

pytestmark = pytest.mark.quick

SURFACES = ["exposure_find_people", "exposure_feed"]
VALUES: dict[str, list[Any]] = {
    "int64": [1, 2, 3],
    "float64": [0.5, -1.0, 2.0],
    "string": ["a", "b", "c"],
    "bool": [True, False, True],
}


def extra_of(table: str) -> list[str]:
    return SURFACES if table == "influencers" else []


def filled(table: str) -> dict[str, Any]:
    return {column.name: VALUES[column.type] for column in columns_of(table, extra_of(table))}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_the_columns_types_and_nulls_of_its_schema(table: str) -> None:
    built = table_of(table, filled(table), extra_of(table))
    assert built.schema.equals(arrow_schema(table, extra_of(table)))
    assert built.num_rows == 3
    built.validate(full=True)


def test_the_columns_that_others_build_on_are_those_of_the_design() -> None:
    fixed = {
        "measures": "arm, replication, time_days, window_days, population, level, quantity, measure, value",
        "comparison": "arm, control, time_days, window_days, population, level, quantity, measure, mean_control, "
        "mean_arm, difference, ci_low, ci_high, p_value, p_holm, vr_total, vr_streams, n_pairs",
        "claims": "claim, arm, control, group, baseline_group, time_days, window_days, population, level, quantity, "
        "measure, direction, margin, estimate, ci_low, ci_high, verdict",
    }
    for table, names in fixed.items():
        assert [column.name for column in columns_of(table)] == names.split(", ")


def test_columns_are_unique_and_every_one_says_what_it_means() -> None:
    for table, columns in TABLES.items():
        assert len({column.name for column in columns}) == len(columns), table
        assert all(column.meaning for column in columns), table


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_an_unknown_and_a_too_short_column_are_refused_by_name(table: str) -> None:
    for name in filled(table):
        columns = filled(table)
        values = columns.pop(name)
        with pytest.raises(ValueError, match=f"missing: '{name}'$"):
            table_of(table, columns, extra_of(table))
        # the first column sets the number of rows, so the second is named when the first is short
        blamed = name if name != "arm" and name != "claim" else list(filled(table))[1]
        with pytest.raises(ValueError, match=f"column '{blamed}': . rows"):
            table_of(table, {**columns, name: values[:2]}, extra_of(table))
    with pytest.raises(ValueError, match="not in the contract: 'colour'"):
        table_of(table, {**filled(table), "colour": [1, 2, 3]}, extra_of(table))


@pytest.mark.parametrize("table", TABLES)
def test_values_of_another_type_are_refused_by_column_name(table: str) -> None:
    for column in columns_of(table, extra_of(table)):
        for kind, values in VALUES.items():
            given_columns = {**filled(table), column.name: values}
            if kind == column.type or (kind, column.type) == ("int64", "float64"):
                table_of(table, given_columns, extra_of(table))
            else:
                with pytest.raises(ValueError, match=f"column '{column.name}': must be {column.type}"):
                    table_of(table, given_columns, extra_of(table))


@pytest.mark.parametrize("table", TABLES)
def test_nulls_are_refused_exactly_where_the_contract_has_none(table: str) -> None:
    for column in columns_of(table, extra_of(table)):
        given_columns = {**filled(table), column.name: [None, *VALUES[column.type][1:]]}
        if column.nullable:
            assert table_of(table, given_columns, extra_of(table))[column.name].null_count == 1
        else:
            with pytest.raises(ValueError, match=f"column '{column.name}': 1 of 3 are null"):
                table_of(table, given_columns, extra_of(table))


@pytest.mark.parametrize(
    "values",
    [[2**70, 1, 1], ["a", 1, 2], [[1], [2], [3]], "abc", 5, [object(), 1, 2], np.zeros((3, 1), dtype=np.int64)],
)
def test_values_that_no_array_can_hold_are_refused_by_column_name(values: Any) -> None:
    with pytest.raises(ValueError, match="column 'replication'"):
        table_of("measures", {**filled("measures"), "replication": values})


@pytest.mark.parametrize(
    "extra",
    [["colour"], ["exposure_"], ["exposure_reserved"], ["exposure_organic"], ["exposure_feed", "exposure_feed"]],
)
def test_a_dynamic_column_must_fit_the_pattern_once_and_be_no_fixed_one(extra: list[str]) -> None:
    with pytest.raises(ValueError, match=extra[0]):
        columns_of("influencers", extra)


def test_a_table_without_a_pattern_has_no_dynamic_columns_and_an_unknown_table_is_named() -> None:
    with pytest.raises(ValueError, match="exposure_feed"):
        arrow_schema("measures", ["exposure_feed"])
    with pytest.raises(ValueError, match="no table 'meassures'"):
        arrow_schema("meassures")


def test_dynamic_columns_stand_before_the_totals_in_the_order_given() -> None:
    names = arrow_schema("influencers", SURFACES).names
    start = names.index("followers_end") + 1
    assert names[start : start + 4] == [*SURFACES, "exposure_reserved", "exposure_organic"]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats()), max_size=30))
def test_floats_come_back_as_given_with_nan_and_none_as_null(values: list[float | None]) -> None:
    columns = {name: [VALUES[column.type][0]] * len(values) for column in TABLES["measures"] if (name := column.name)}
    built = table_of("measures", {**columns, "value": values})["value"].to_pylist()
    assert built == [None if value is None or math.isnan(value) else float(value) for value in values]


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), st.lists(st.text(), min_size=1, max_size=20)
)
def test_whole_numbers_and_names_come_back_as_given(numbers: list[int], names: list[str]) -> None:
    length = min(len(numbers), len(names))
    columns = {column.name: [VALUES[column.type][0]] * length for column in TABLES["measures"]}
    built = table_of("measures", {**columns, "replication": numbers[:length], "arm": names[:length]})
    assert built["replication"].to_pylist() == numbers[:length]
    assert built["arm"].to_pylist() == names[:length]


def test_numpy_and_arrow_arrays_of_any_layout_give_the_same_table() -> None:
    wanted = table_of("measures", filled("measures"))
    arrays: dict[str, Any] = {name: np.array(values) for name, values in filled("measures").items()}
    arrays["replication"] = np.array([1, 2, 3], dtype=np.uint16)
    arrays["arm"] = pa.array(["a", "b", "c"]).dictionary_encode()
    arrays["level"] = pa.chunked_array([["a"], ["b", "c"]])
    arrays["value"] = np.array([9, 0.5, 9, -1.0, 9, 2.0])[1::2]
    assert table_of("measures", arrays).equals(wanted)


def test_an_empty_table_has_its_types() -> None:
    built = table_of("claims", {column.name: [] for column in TABLES["claims"]})
    assert built.num_rows == 0
    assert built.schema.equals(arrow_schema("claims"))


def test_importing_the_contract_and_the_storage_imports_no_arrow() -> None:
    code = "import sys, sim.store.columns, sim.store.run_folder; sys.exit(bool({'pyarrow', 'numpy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
