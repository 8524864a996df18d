"""Docstrings of compiled functions: each names the arguments that it changes, with their shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import sim

MODEL = Path(sim.__file__).parent / "model"
FILES = [
    *sorted((MODEL / "kernel").glob("*.py")),
    MODEL / "world" / "initial_graph.py",
    MODEL / "world" / "block_draws.py",
]


@dataclass
class Compiled:
    """A compiled function, and the parameters that it changes."""

    node: ast.FunctionDef
    changed: set[str] = field(default_factory=set)

    @property
    def parameters(self) -> list[str]:
        return [argument.arg for argument in self.node.args.args]

    @property
    def text(self) -> str:
        return ast.get_docstring(self.node) or ""


def compiled_functions(source: str) -> dict[str, Compiled]:
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
            if decorators & {"njit", "staged"}:
                found[node.name] = Compiled(node)
    return found


def roots(expression: ast.expr, known: dict[str, set[str]]) -> set[str]:
    """Parameters whose memory an expression may give."""
    match expression:
        case ast.Name(id=name):
            return known.get(name, set())
        case ast.Attribute(value=value) | ast.Subscript(value=value):
            return roots(value, known)
        case ast.Call(func=ast.Attribute(value=value, attr="reshape")):
            return roots(value, known)
        case ast.Call(func=ast.Name(id=name), args=given) if name[0].isupper():  # a named tuple of them
            return set().union(*(roots(argument, known) for argument in given))
        case _:
            return set()


def pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Single targets of an assignment with what they are set to, where that is known."""
    if isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [None] * len(target.elts)
        for part, given in zip(target.elts, values, strict=True):
            yield from pairs(part, given)
    else:
        yield target, value


def changes(function: Compiled, others: dict[str, Compiled]) -> set[str]:
    """Parameters that a function changes, itself or through another compiled one."""
    known = {name: {name} for name in function.parameters}
    changed: set[str] = set()
    for node in [*ast.walk(function.node)] * 2:  # once more, with all names known
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target, value in (pair for whole in targets for pair in pairs(whole, node.value)):
                if isinstance(target, ast.Subscript):
                    changed |= roots(target, known)
                elif isinstance(target, ast.Name) and value is not None and isinstance(node, ast.Assign):
                    known[target.id] = known.get(target.id, set()) | roots(value, known)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in others:
            callee = others[node.func.id]
            for name, argument in zip(callee.parameters, node.args, strict=True):
                if name in callee.changed:
                    changed |= roots(argument, known)
    return changed


def with_changes(functions: dict[str, Compiled]) -> dict[str, Compiled]:
    """The functions, what each changes being found out."""
    while True:
        found = {name: changes(function, functions) for name, function in functions.items()}
        if all(found[name] == function.changed for name, function in functions.items()):
            return functions
        for name, function in functions.items():
            function.changed = found[name]


def says_that_it_changes(text: str, parameter: str) -> bool:
    """Whether a paragraph on changes, or the parameter's own entry, names it, with a shape or a place where it is."""
    entries = re.findall(r"^((?:\w+, )*\w+)\n((?: {4}.*\n?)+)", text, re.MULTILINE)
    own = [about for names, about in entries if parameter in names.split(", ") and "Changed" in about]
    named = re.compile(rf"``{parameter}\b")
    parts = [
        part for part in text.split("\n\n") if re.search(r"\bChanges |\bis changed\b", part) and named.search(part)
    ]
    return any(re.search(r"\b[Ss]hapes? |scratch|\bas ``\w+`` says|as stated there", part) for part in (*own, *parts))


FUNCTIONS = with_changes({k: v for file in FILES for k, v in compiled_functions(file.read_text("utf-8")).items()})


def test_compiled_functions_that_change_their_arguments_are_found() -> None:
    assert FUNCTIONS["sessions"].changed == {"fans", "lists", "tally", "group", "trace"}
    assert FUNCTIONS["append"].changed == {"lists"}
    assert FUNCTIONS["show"].changed == {"counts", "totals"}
    assert not FUNCTIONS["is_member"].changed
    assert sum(bool(function.changed) for function in FUNCTIONS.values()) >= 30


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.changed])
def test_a_compiled_function_says_which_arguments_it_changes(name: str) -> None:
    function = FUNCTIONS[name]
    silent = {parameter for parameter in function.changed if not says_that_it_changes(function.text, parameter)}
    assert not silent, f"{name} changes {sorted(silent)}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Does it.\n\nChanges ``out``, shape (M,) [fen].", True),
        ("Does it; ``out``, shape (M,), is changed.", True),
        ("Does it.\n\nParameters\n----------\nweight, out\n    Shapes (M,). Changed.", True),
        ("Does it into ``out``, shape (M,).", False),
        ("Does it.\n\nChanges ``outer``, shape (M,).", False),
        ("Does it.\n\nChanges ``out``.", False),
    ],
)
def test_a_docstring_must_name_the_argument_with_its_shape(text: str, says: bool) -> None:
    assert says_that_it_changes(text, "out") == says
