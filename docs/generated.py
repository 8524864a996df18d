"""Directives that write the reference from the source itself: scenario keys, tables, measures, commands.

``scenario-keys``, ``fixed-keys``, ``run-table``, ``measurable``, ``measures``, ``charts`` and ``command`` make tables,
so that no page repeats by hand what the code says. Each key and column can be linked to, by ``key-...`` and
``column-...``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import typer
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

from sim.cli.app import app as commands
from sim.report.catalogue import charts, charts_of_several
from sim.scenario import json_schema
from sim.scenario.patch import patches as arms
from sim.scenario.patch import phases
from sim.scenario.schema.measurable import Measurable, Measure, built_in_measures
from sim.store.columns import TABLES

__all__ = ["scenario_tables", "setup"]

Schema = Mapping[str, Any]
Cell = list[nodes.Node]
DRAWN = {"Constant", "Uniform", "Lognormal", "Pareto"}


# Scenario keys


@cache
def scenario_tables() -> dict[str, Schema]:
    """Every table of a scenario by the path of its keys, ``surfaces.NAME.ranking``; the top is ``""``."""
    schema = json_schema()
    definitions = schema["$defs"]
    found: dict[str, Schema] = {}

    def visit(path: str, whole: Schema) -> None:
        found[path] = whole
        for key, entry in whole.get("properties", {}).items():
            inner = f"{path}.{key}" if path else key
            if _is_named(entry):
                of_each = entry["additionalProperties"]
                table = definitions[_name(of_each)] if "$ref" in of_each else of_each
                if table.get("type") == "object":
                    visit(f"{inner}.NAME", table)
            elif "$ref" in entry:
                visit(inner, definitions[_name(entry)])
            elif _choices(entry) and not DRAWN & {_name(each) for each in _choices(entry)}:
                for each in _choices(entry):
                    kind = definitions[_name(each)]
                    visit(f"{inner}:{kind['properties']['model']['const']}", kind)

    visit("", schema)
    return found | {f"distribution:{name.lower()}": definitions[name] for name in sorted(DRAWN)}


def _name(entry: Schema) -> str:
    return str(entry.get("$ref", "")).rpartition("/")[2]


def _is_named(entry: Schema) -> bool:
    """Whether the entry is a table of tables with names of the user's own."""
    return isinstance(entry.get("additionalProperties"), dict)


def _choices(entry: Schema) -> list[Schema]:
    """The tables that an entry can be, where there are several."""
    return [each for each in entry.get("anyOf", []) if "$ref" in each]


def _number(value: float, separator: str = ",") -> str:
    if value != int(value):
        return str(value)
    power = f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    return power if value >= 10**7 and float(power) == value else f"{int(value):,}".replace(",", separator)


def _range(entry: Schema) -> str:
    low, above = entry.get("minimum"), entry.get("exclusiveMinimum")
    high = entry.get("maximum")
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    parts = [f"over {_number(above)}"] if above is not None else []
    parts += [f"at least {_number(low)}"] if low is not None else []
    parts += [f"up to {_number(high)}"] if high is not None else []
    return ", ".join(parts)


def _type(entry: Schema) -> str:
    """Type and range in words."""
    if "const" in entry:
        return f"``{entry['const']}``"
    if "enum" in entry:
        return "one of " + ", ".join(f"``{each}``" for each in entry["enum"])
    if _is_named(entry):
        inner = entry["additionalProperties"]
        is_table = "$ref" in inner or inner.get("type") == "object"
        return f"tables by name{_size(entry)}" if is_table else f"{_type(inner)}, by name"
    if "anyOf" in entry:
        if DRAWN & {_name(each) for each in entry["anyOf"]}:
            return "number or `distribution <distributions>`"
        rest = [each for each in entry["anyOf"] if each.get("type") != "null"]
        if "$ref" in rest[0]:
            return "table of one kind"
        return " or ".join(map(_type, rest)) + ("; may be left out" if rest != entry["anyOf"] else "")
    if "$ref" in entry:
        return "table"
    if entry["type"] == "array":
        return f"list, each {_type(entry['items'])}{_size(entry)}"
    if entry["type"] == "string":
        return f"text{_size(entry)}" + (f", ``{entry['pattern']}``" if "pattern" in entry else "")
    kinds = {"integer": "whole number", "number": "number", "boolean": "true or false", "object": "table of keys"}
    kind = kinds[entry["type"]]
    return ", ".join(part for part in (kind, _range(entry)) if part)


def _size(entry: Schema) -> str:
    most = entry.get("maxItems") or entry.get("maxProperties") or entry.get("maxLength")
    what = " characters" if "maxLength" in entry else ""
    return f", up to {most:,}{what}" if most else ""


def _default(entry: Schema, required: bool) -> str:
    if required:
        return "**required**"
    default = entry.get("default")
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"``{str(default).lower()}``"
    if isinstance(default, dict):
        if default.get("kind") == "constant":
            return f"``{_number(default['value'], '_')}``"
        return f"``{default['model']}``" if "model" in default else "its own defaults" if default else "none"
    if isinstance(default, (int, float)):
        return f"``{_number(default, '_')}``"
    return f'``"{default}"``' if isinstance(default, str) and default else "empty"


def _meaning(entry: Schema, path: str) -> str:
    text = str(entry.get("description", ""))
    unit = f" [{entry['unit']}]" if "unit" in entry and f"[{entry['unit']}]" not in text else ""
    below = [each for each in scenario_tables() if re.fullmatch(rf"{re.escape(path)}(\.NAME)?(:.*)?", each)]
    own = "" if text or not below else str(scenario_tables()[below[0]].get("description", "")).split("\n")[0]
    return f"{text or own}{unit}"


class ScenarioKeys(Directive):
    """``scenario-keys:: surfaces.NAME``: what a table is for, and its keys."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The description of the table, and a row for each key."""
        path = self.arguments[0] if self.arguments else ""
        if path not in scenario_tables():
            raise self.error(f"no table {path!r} in the schema; there are {', '.join(scenario_tables())}")
        table = scenario_tables()[path]
        required = table.get("required", ())
        rows = []
        for key, entry in table.get("properties", {}).items():
            inner = f"{path}.{key}" if path else key
            texts = (_type(entry), _default(entry, key in required), _meaning(entry, inner))
            rows.append(([_named(key, f"key-{inner}")], *(_inline(text) for text in texts)))
        about = [_paragraph(text) for text in str(table.get("description", "")).split("\n\n") if path and text]
        return [*about, _table(("key", "type and range", "default", "meaning [unit]"), (22, 22, 13, 43), rows, "keys")]


class FixedKeys(Directive):
    """``fixed-keys:: arms``: what no arm, or no phase, can patch."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A list of keys."""
        fixed = {"arms": arms.FIXED, "phases": phases.FIXED}[self.arguments[0]]
        keys = (".".join(str(part).replace("*", "NAME") for part in path) for path in fixed)
        items = [nodes.list_item("", nodes.paragraph("", "", nodes.literal("", key))) for key in keys]
        return [nodes.bullet_list("", *items, classes=["keys"])]


# Tables of a run


class RunTable(Directive):
    """``run-table:: measures``: the columns of a table."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A row for each column."""
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"no table {name!r}; there are {', '.join(TABLES)}")
        rows = []
        for column in TABLES[name]:
            kind = f"{column.type}, can be null" if column.nullable else column.type
            rows.append(([_named(column.name, f"column-{name}-{column.name}")], _inline(kind), _inline(column.meaning)))
        return [_table(("column", "type", "meaning [unit]"), (28, 17, 55), rows)]


class Measured(Directive):
    """``measurable::``: which measures there are of which quantities, populations and levels."""

    def run(self) -> list[nodes.Node]:
        """A row for each scope, all of whose combinations exist."""
        rows = [
            (
                _inline(scope.level),
                *(_words(each) for each in (scope.populations, scope.quantities, [m.name for m in measures])),
            )
            for scope, measures in Measurable(built_in_measures()).scopes.items()
        ]
        return [_table(("level", "population", "quantity", "measure"), (13, 25, 31, 31), rows)]


class Measures(Directive):
    """``measures::``: what each measure is, as it is declared."""

    def run(self) -> list[nodes.Node]:
        """A row for each measure; of one name there may be several, of different quantities."""
        rows = [
            (
                [
                    _named(
                        measure.name,
                        f"measure-{measure.name}-{measure.scopes[0].level}-{measure.scopes[0].quantities[0]}",
                    )
                ],
                _meaning_of(measure),
                _inline(", ".join(part for part in (measure.range, measure.unit) if part)),
                _inline("2 %" if measure.margin is None else f"{measure.margin:g}"),
                _inline(measure.more_concentrated or ""),
            )
            for measure in built_in_measures()
        ]
        head = ("measure", "is", "range, unit", "margin", "more concentrated when")
        return [_table(head, (22, 44, 16, 8, 10), rows)]


def _meaning_of(measure: Measure) -> Cell:
    """What a measure is, its formula, and the function that computes it."""
    cell = _inline(f"{measure.doc}: ``{measure.formula}``" if measure.formula else measure.doc)
    if not measure.source:
        return cell
    name = nodes.literal("", measure.source.rpartition(".")[2])
    link = pending_xref("", name, refdomain="py", reftype="func", reftarget=measure.source, refexplicit=True)
    return [*cell, nodes.Text(" ("), link, nodes.Text(")")]


def _words(names: Iterable[str]) -> Cell:
    return _inline(", ".join(f"``{name}``" for name in names))


# Commands


class Charts(Directive):
    """``charts::``: the charts of a report by name."""

    def run(self) -> list[nodes.Node]:
        """A row for each chart."""
        rows = [
            (
                [_named(name, f"chart-{name}")],
                _inline("several runs" if chart.of_several else "one run"),
                _inline(chart.doc),
            )
            for name, chart in (charts() | charts_of_several()).items()
        ]
        return [_table(("chart", "of", "shows"), (20, 15, 65), rows)]


class Command(Directive):
    """``command:: run``: usage, arguments and options of a verb; without a name, the verbs."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """What ``sim --help`` and ``sim VERB --help`` say."""
        group: Any = typer.main.get_command(commands)
        if not self.arguments:
            verbs = [(name, verb) for name, verb in group.commands.items() if not verb.hidden]
            rows = [(_inline(f"`sim {name} <{name}>`"), _inline(verb.help or "")) for name, verb in verbs]
            return [_table(("command", "what it does"), (20, 80), rows)]
        name = self.arguments[0]
        if name not in group.commands:
            raise self.error(f"no command {name!r}; there are {', '.join(group.commands)}")
        verb = group.commands[name]
        context = typer.Context(verb, info_name=f"sim {name}")
        rows, usage = [], f"sim {name} [OPTIONS]"
        for parameter in verb.get_params(context):
            record = parameter.get_help_record(context)
            word = _word(parameter)
            if parameter.param_type_name == "argument":
                usage += f" {word}"
            if record is not None:
                target = _named(word, f"option-{name}-{parameter.name}")
                rows.append(([target], _inline(" ".join(record[1].split()))))
        return [
            nodes.literal_block(usage, usage, language="none"),
            _paragraph(verb.help or ""),
            _table(("argument or option", "meaning"), (35, 65), rows),
        ]


def _word(parameter: Any) -> str:
    """How an argument or option is written: ``RUN...``, ``-q, --quiet``, ``--out PATH``."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper()) + ("..." if parameter.nargs < 0 else "")
    names = ", ".join(sorted(parameter.opts, key=len))
    if isinstance(parameter.default, bool) or parameter.name == "help":
        return names
    kind = str(parameter.get_help_record(typer.Context(typer.main.get_command(commands)))[0]).lower()
    return f"{names} {'PATH' if 'path' in kind else 'N' if 'int' in kind else 'NAME'}"


# Nodes


def _inline(text: str) -> Cell:
    """Text with ``literal`` or `literal`, **strong** and `title <target>`."""
    cell: Cell = []
    for part in re.split(r"(``.+?``|\*\*.+?\*\*|`.+?`)", text):
        if part.startswith("``"):
            cell.append(nodes.literal("", part[2:-2]))
        elif part.startswith("**"):
            cell.append(nodes.strong("", part[2:-2]))
        elif part.startswith("`") and not part.endswith(">`"):
            cell.append(nodes.literal("", part[1:-1]))
        elif part.startswith("`"):
            title, target = part[1:-2].split(" <")
            cell.append(_link(title, target))
        elif part:
            cell.append(nodes.Text(part))
    return cell


def _link(title: str, label: str) -> nodes.Node:
    """A link to a label of any page."""
    inner = nodes.inline("", title)
    return pending_xref("", inner, refdomain="std", reftype="ref", reftarget=label, refexplicit=True, refwarn=True)


def _named(name: str, target: str) -> nodes.Node:
    """A key or column that can be linked to."""
    return nodes.literal("", name, ids=[nodes.make_id(target)])


def _paragraph(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", *_inline(" ".join(text.split())))


def _table(
    head: tuple[str, ...], widths: tuple[int, ...], rows: Iterable[tuple[Cell, ...]], kind: str = ""
) -> nodes.table:
    def row(cells: Iterable[Cell]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))

    columns = [nodes.colspec(colwidth=width) for width in widths]
    top = nodes.thead("", row([nodes.Text(word)] for word in head))
    body = nodes.tbody("", *(row(cells) for cells in rows))
    group = nodes.tgroup("", *columns, top, body, cols=len(head))
    return nodes.table("", group, classes=["reference", "colwidths-given", *kind.split()])


def _breakable(_app: Sphinx, doctree: nodes.document, _page: str) -> None:
    """Let a long name in a table break after a point or an underscore."""
    for literal in [each for table in doctree.findall(nodes.table) for each in table.findall(nodes.literal)]:
        parts = re.split(r"(?<=[\w*]\.)(?=\w)|(?<=_)(?=\w)", literal.astext())
        broken = [node for part in parts for node in (nodes.raw("", "<wbr>", format="html"), nodes.Text(part))]
        literal[:] = broken[1:]


# Docstrings

_ARRAY = re.compile(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[((?:[^\[\]]|\[.*?\])+)\]\]")
_KEPT: dict[str, list[str]] = {}


def _keep(_app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep an attribute's docstring from being read as ``type: description``, as NumPy's style has it."""
    if what in ("attribute", "data", "property"):
        _KEPT[name] = list(lines)


def _give_back(_app: Sphinx, _what: str, name: str, _object: object, _options: object, lines: list[str]) -> None:
    if name in _KEPT:
        lines[:] = _KEPT.pop(name)


def _shorten(*event: Any) -> tuple[str | None, str | None]:
    """Write a type of arrays as the source does."""
    short = (part and _ARRAY.sub(r"NDArray[\1]", part) for part in event[-2:])
    return tuple(short)  # type: ignore[return-value]


def setup(app: Sphinx) -> dict[str, Any]:
    """Offer the directives."""
    app.add_directive("scenario-keys", ScenarioKeys)
    app.add_directive("fixed-keys", FixedKeys)
    app.add_directive("run-table", RunTable)
    app.add_directive("measurable", Measured)
    app.add_directive("measures", Measures)
    app.add_directive("charts", Charts)
    app.add_directive("command", Command)
    app.connect("doctree-resolved", _breakable)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("autodoc-process-docstring", _keep, priority=400)  # Napoleon's own is 500
    app.connect("autodoc-process-docstring", _give_back, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
