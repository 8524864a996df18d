"""The tables of a run: every column with its type, whether it can be null, and its meaning; the one contract of them.

It knows nothing of files, models or measures, and imports pyarrow only when a table is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.store.column_values import ColumnType, array_of, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

OWN = "*"
"""Name that stands for the user's own columns."""


@dataclass(frozen=True)
class Column:
    """One column of a table: name, plain type, meaning with its unit, and whether it can be null.

    A name that ends with ``*`` stands for any number of columns, in the order they are given: ``exposure_*``. A mere
    ``*`` stands for the user's own (:func:`own_columns`).
    """

    name: str
    type: ColumnType
    meaning: str
    nullable: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether the name is a pattern for columns that depend on the scenario."""
        return self.name.endswith("*")


_ARM = Column("arm", "string", "the arm's name in the scenario")
_CONTROL = Column("control", "string", "the arm that it is compared with")
_REPLICATION = Column("replication", "int64", "number of the replication, from 0")
_TIME = Column("time_days", "float64", "time of the snapshot [days since day 0]")
_WINDOW = Column(
    "window_days", "float64", "length of the trailing window of a flow [days]; null for a stock", nullable=True
)
_POPULATION = Column(
    "population",
    "string",
    "whose: all (that ever entered), active (here now), partners, shops (both of day 0); or a group: head, middle, "
    "small (accounts by followers at day 0: the largest 1 %, the next 19 %, the others), newcomers (that came later), "
    "small_agencies, middle_agencies, large_agencies (up to 5, up to 20, more accounts at day 0), feed, discovery, "
    "commerce, live (kinds of surfaces); or COLUMN=VALUE (accounts by a column of the roster that a claim names)",
)
_LEVEL = Column("level", "string", "holders: influencer, agency, vertical, fan, platform")
_QUANTITY = Column(
    "quantity", "string", "what they have: followers, exposure, reads, orders, gmv, tips, income, profit, utility, ..."
)
_MEASURE = Column("measure", "string", "how it is summed up: head_share_01, gini, theil, head_turnover_01, ...")
_WHAT = (_TIME, _WINDOW, _POPULATION, _LEVEL, _QUANTITY, _MEASURE)


def _amount(name: str, meaning: str) -> Column:
    return Column(name, "float64", meaning + "; null when undefined", nullable=True)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "int64", meaning)


TABLES: Mapping[str, tuple[Column, ...]] = {
    "measures": (_ARM, _REPLICATION, *_WHAT, _amount("value", "the measure, in the unit that its name states")),
    "comparison": (
        _ARM,
        _CONTROL,
        *_WHAT,
        _amount("mean_control", "the control's mean over the pairs in which both are defined"),
        _amount("mean_arm", "the arm's mean over the same pairs"),
        _amount("difference", "mean of arm - control, paired by replication"),
        _amount("ci_low", "lower end of the difference's 95 % interval"),
        _amount("ci_high", "upper end of the difference's 95 % interval"),
        _amount("p_value", "of no difference, in [0, 1]"),
        _amount("p_holm", "p_value adjusted by Holm within the confirmatory tests; null for exploratory rows"),
        _amount("vr_total", "(Var arm + Var control) / Var(difference)"),
        _amount("vr_streams", "Var(difference, same population, independent streams) / Var(difference)"),
        _count("n_pairs", "pairs of replications in which both are defined"),
    ),
    "claims": (
        Column("claim", "string", "the claim's name in the scenario"),
        _ARM,
        Column("control", "string", "the arm that it is compared with; null where groups of one are", nullable=True),
        Column("group", "string", "group of holders that the claim is on; null when on all", nullable=True),
        Column("baseline_group", "string", "group that it is compared with; null when none", nullable=True),
        *_WHAT,
        Column("direction", "string", "where the arm or group is said to lie: lower, higher"),
        Column("margin", "float64", "smallest difference that matters, in the measure's unit"),
        _amount(
            "estimate",
            "the difference, in the measure's unit: arm - control; group - baseline_group without a control; arm - "
            "control of that difference with both",
        ),
        _amount("ci_low", "lower end of its adjusted interval"),
        _amount("ci_high", "upper end of its adjusted interval"),
        Column("verdict", "string", "supported, refuted, negligible, undecided"),
    ),
    "influencers": (
        _ARM,
        _REPLICATION,
        Column("influencer", "string", "id, the same in every arm"),
        Column("vertical", "string", "the influencer's vertical"),
        Column("agency", "string", "the influencer's agency at day 0; null without one", nullable=True),
        Column("agency_end", "string", "its agency at the end; null without one", nullable=True),
        Column("status_end", "string", "waiting (never entered), incubating, established, cut, left; at the end"),
        Column("joined_days", "float64", "when a newcomer was to enter [days]; null for those of day 0", nullable=True),
        Column("gone_days", "float64", "when it was cut or left [days]; null while it is here", nullable=True),
        Column("quality", "float64", "in (0, 1), at day 0 or entry"),
        Column("posts_per_day", "float64", "posting rate at day 0 or entry [posts per day]"),
        Column("live_hours_per_day", "float64", "hours on air at day 0 or entry [hours per day]"),
        Column("shop", "bool", "whether the influencer sells at day 0"),
        Column("shop_end", "bool", "whether it sells at the end"),
        Column("conversion_prob", "float64", "orders per click; null if it never sells", nullable=True),
        Column("order_value_fen", "int64", "value of an order [fen]; null if it never sells", nullable=True),
        _count("followers_start", "followers at day 0 [people]"),
        _count("followers_end", "followers at the end [people]"),
        _count(
            "exposure_*",
            "impressions on the surface of that name, a column for each surface, warm-up included [people]",
        ),
        _count("exposure_reserved", "impressions in reserved slots, warm-up included [people]"),
        _count("exposure_organic", "impressions in the other slots, warm-up included [people]"),
        _count("reads", "impressions examined, warm-up included [people]"),
        _count("clicks", "clicks, warm-up included [people]"),
        _count("follows", "new follows [people]"),
        _count("follows_reserved", "new follows from reserved slots, whoever was in them [people]"),
        _count("unfollows", "unfollows [people]"),
        _count("orders", "orders, warm-up included [real orders]"),
        _count("gmv_fen", "turnover, warm-up included [fen]"),
        _count("tips_fen", "tips, warm-up included [fen]"),
        _count(
            "income_fen",
            "its own part of commission, tips, pay per read and subsidy, before its costs, warm-up included [fen]",
        ),
        Column(
            "*",
            "string",
            "each column of the roster that is no attribute of the model, numbers as float64; named as in the file, "
            "with roster_ before a name that is taken; null for newcomers and where the cell is empty",
            nullable=True,
        ),
    ),
    "agencies": (
        _ARM,
        _REPLICATION,
        _TIME,
        Column("agency", "string", "the agency's id"),
        Column("tier", "string", "its tier; null when it has none", nullable=True),
        _count("n_accounts", "accounts of its roster"),
        _count("followers", "their followers [people]"),
        Column("reads_per_month", "float64", "their reads [people per 30 days]"),
        Column("posts_per_month", "float64", "their posts [per 30 days]"),
        Column("gmv_fen_per_year", "float64", "their turnover, annualised while shorter [fen per 365 days]"),
        _count("n_cut", "accounts that it had at the review before and that have been cut since"),
        _count("profit_fen", "its part of their income less its costs, since the review before [fen]"),
    ),
    "surfaces": (
        _ARM,
        _REPLICATION,
        Column("surface", "string", "the surface's name in the scenario"),
        _count("n_sessions", "sessions that opened it, warm-up included, as in all columns of this table"),
        _count("n_slots", "slots offered"),
        _count("n_impressions", "slots filled"),
        _count("n_reserved", "slots reserved for support, the same in every arm"),
        _count("n_support_unfilled", "reserved slots filled organically, the support list being exhausted"),
        _count("n_empty", "slots left empty"),
        _count("n_custom", "slots kept for custom products, whoever is in them, the same in every arm"),
        _count("n_reads", "impressions examined"),
        _count("n_clicks", "clicks"),
        _count("n_follows", "new follows"),
        _count("n_reserved_follows", "new follows from reserved slots, whoever was in them"),
        _count("n_referrals", "visits to shops that clicks led on to [people]"),
        _count("n_orders", "orders [real orders]"),
        _count("gmv_fen", "turnover [fen]"),
        _count("tips_fen", "tips [fen]"),
    ),
    "refreshes": (
        _ARM,
        _REPLICATION,
        _TIME,
        Column("surface", "string", "the surface's name in the scenario"),
        _count("n_follows", "new follows on it so far"),
        _count("n_reserved_follows", "those of them that were won in reserved slots, whoever was in them"),
        _amount(
            "support_head_share",
            "share of the initial head in what the support list draws, in [0, 1], segments weighed by their sessions",
        ),
        _amount("organic_head_share", "the same of the organic table, without what is explored"),
    ),
    "lorenz": (
        _ARM,
        _REPLICATION,
        _TIME,
        _WINDOW,
        _POPULATION,
        _LEVEL,
        _QUANTITY,
        Column("holder_share", "float64", "share of the holders, the smallest first, in [0, 1]"),
        Column("amount_share", "float64", "share of the quantity that they have, in [0, 1]"),
    ),
    "transitions": (
        _ARM,
        _REPLICATION,
        _count("decile_start", "decile of followers at day 0, 1 the smallest tenth, 10 the largest"),
        _count("decile_end", "decile of followers at the end; of equal accounts the first is the highest"),
        _count("n", "influencers that went from the one to the other"),
    ),
    "tier_transitions": (
        _ARM,
        _REPLICATION,
        Column("tier_from", "string", "tier of an agency at a review; null: none", nullable=True),
        Column("tier_to", "string", "its tier at the next review; null: none", nullable=True),
        _count("n", "agencies and reviews; those that kept their tier are counted too"),
    ),
    "epochs": (
        _ARM,
        _REPLICATION,
        _TIME,
        Column(
            "event",
            "string",
            "population (who there is), the kind of a control event, or sessions (those up to the next event)",
        ),
        Column("digest", "string", "of what such events have decided, of what sessions have counted so far"),
    ),
    "decomposition": (
        _ARM,
        _CONTROL,
        _REPLICATION,
        _amount("initial_head_share", "S0, followers of the initial head / all followers, at day 0"),
        _amount("new_follow_share_control", "w of the control: new / (old + new) follows"),
        _amount("new_follow_share_arm", "w of the arm"),
        _amount("head_share_of_new_control", "n_H of the control: the initial head's share of the new follows"),
        _amount("head_share_of_new_arm", "n_H of the arm"),
        _amount("difference", "initial head's share at the end, arm - control = allocation + volume"),
        _amount("allocation", "mean w x difference of n_H: other accounts are followed"),
        _amount("volume", "difference of w x (mean n_H - S0): more or fewer follows"),
    ),
}


def exposure_column(surface: str) -> str:
    """Column of ``influencers`` that counts the impressions on a surface.

    >>> exposure_column("find-people")
    'exposure_find_people'
    """
    return f"exposure_{surface.replace('-', '_')}"


def own_columns(table: str, given: Iterable[tuple[str, ColumnType]], extra: Sequence[str] = ()) -> list[Column]:
    """Columns of the user's own, by names and types, as a table has them: ``roster_`` before a name that is taken.

    Capitals make no difference, for many readers of tables make none. ``extra`` are the table's other dynamic columns.

    >>> [own.name for own in own_columns("influencers", [("city", "string"), ("Reads", "float64")])]
    ['city', 'roster_Reads']
    """
    pattern = next(column for column in TABLES[table] if column.name == OWN)
    wanted, taken = list(given), {column.name.casefold() for column in columns_of(table, extra)}
    later = Counter(name.casefold() for name, _ in wanted)
    found = []
    for name, kind in wanted:
        later[name.casefold()] -= 1
        free = name
        while free.casefold() in taken or (free != name and later[free.casefold()]):
            free = f"roster_{free}"
        taken.add(free.casefold())
        found.append(Column(free, kind, pattern.meaning, pattern.nullable))
    return found


def columns_of(table: str, extra_columns: Sequence[str | Column] = ()) -> tuple[Column, ...]:
    """Columns of a table in order, its patterns replaced by the columns given.

    Parameters
    ----------
    table
        Name of a table, a key of ``TABLES``.
    extra_columns
        Full names of the dynamic columns, in their order, each of which fits the table's pattern; and
        ``own_columns`` for the pattern ``*``.

    Raises
    ------
    ValueError
        No such table; a name that fits no pattern, is there twice, or is a fixed column's.

    >>> [column.name for column in columns_of("influencers", ["exposure_feed"])][18:20]
    ['exposure_feed', 'exposure_reserved']
    """
    if table not in TABLES:
        raise ValueError(f"no table {table!r}; there are {', '.join(TABLES)}")
    fixed = {column.name for column in TABLES[table]}
    patterns = [column.name[:-1] for column in TABLES[table] if column.dynamic and column.name != OWN]
    named = [column if isinstance(column, str) else column.name for column in extra_columns]
    for position, name in enumerate(named):
        fits = any(name.startswith(prefix) and len(name) > len(prefix) for prefix in patterns)
        fits = fits if isinstance(extra_columns[position], str) else OWN in fixed
        if not fits or name in fixed or name in named[:position]:
            raise ValueError(f"table {table}: column {name!r} is not in the contract, or is there twice")
    columns: list[Column] = []
    for column in TABLES[table]:
        if column.name == OWN:
            columns += [own for own in extra_columns if isinstance(own, Column)]
        elif column.dynamic:
            names = [n for n in extra_columns if isinstance(n, str) and n.startswith(column.name[:-1])]
            columns += [Column(name, column.type, column.meaning, column.nullable) for name in names]
        else:
            columns.append(column)
    return tuple(columns)


def arrow_schema(table: str, extra_columns: Sequence[str | Column] = ()) -> pa.Schema:
    """Arrow schema of a table; arguments and errors as in :func:`columns_of`."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(column.name, arrow_type(column.type), nullable=column.nullable)
            for column in columns_of(table, extra_columns)
        ]
    )


def table_of(name: str, columns: Mapping[str, Sequence[Any] | Any], extra: Sequence[str | Column] = ()) -> pa.Table:
    """Arrow table that satisfies the contract exactly: columns, their order, types and nulls.

    Parameters
    ----------
    name
        Name of the table, a key of ``TABLES``.
    columns
        Values by column name, in any order: NumPy or Arrow arrays or sequences, of one length. Integers are taken for
        floats, not the other way round. Not changed.
    extra
        The dynamic columns, as :func:`columns_of` has them.

    Returns
    -------
    pyarrow.Table
        NaN became null; an infinite value stays.

    Raises
    ------
    ValueError
        A column is missing, unknown, of another type or length, or has a null where the contract has none; the message
        names it.
    """
    import pyarrow as pa

    wanted = columns_of(name, extra)
    names = {column.name for column in wanted}
    missing = [column.name for column in wanted if column.name not in columns]
    unknown = [given for given in columns if given not in names]
    if missing or unknown:
        parts = (("missing", missing), ("not in the contract", unknown))
        faults = [f"{what}: {', '.join(map(repr, given))}" for what, given in parts if given]
        raise ValueError(f"table {name}: columns {'; columns '.join(faults)}")
    arrays: list[pa.ChunkedArray] = []
    for column in wanted:
        try:
            array = array_of(column.type, column.nullable, columns[column.name])
        # TypeError and OverflowError are how Arrow refuses some values; all say that this column is wrong.
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"table {name}: column {column.name!r}: {error}") from error
        if arrays and len(array) != len(arrays[0]):
            raise ValueError(
                f"table {name}: column {column.name!r}: {len(array)} rows where {wanted[0].name!r} has {len(arrays[0])}"
            )
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=arrow_schema(name, extra))
