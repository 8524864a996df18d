"""Line numbers of TOML paths: equal to where they were written, for all that tomllib reads."""

import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenario.read.toml_lines import MAX_TOML_DEPTH, TooDeepError, index

pytestmark = pytest.mark.quick


class _Writer:
    """Writes random TOML and notes the line of every path."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.places: dict[tuple[Any, ...], int] = {}
        self.pending = ""  # what is on the present line already
        self.count = 0

    def key(self) -> tuple[str, str]:
        self.count += 1
        name = f"k{self.count}"
        return self.rng.choice(
            [
                (name, name),
                (f"{name}.[#", f'"{name}.[#"'),
                (f"{name} '", f'"{name} \'"'),
                (f'{name}"', f"'{name}\"'"),
                (f"{name}\t", f'"{name}\\t"'),
            ]
        )

    def put(self, path: tuple[Any, ...]) -> None:
        self.places.setdefault(path, len(self.lines) + 1)

    def value(self, path: tuple[Any, ...], depth: int) -> str:
        """A value that starts on the present line; the lines that it spans are added by the way."""
        scalars = [
            "1",
            "-2.5e3",
            "true",
            "1979-05-27T07:32:00Z",
            '"a # [b] = \\"c\\""',
            "'x = \"'",
            '""',
            "''",
            '"""q"""""',
        ]
        kind = self.rng.randrange(7) if depth < 3 else 0
        if kind == 1:
            open_text = '"""a \\" ["' if self.rng.random() < 0.5 else "'''x ''"
            close = '""" ' if open_text.startswith('"') else "''' "
            self.next_line(self.pending + open_text)
            self.next_line("[not.a.table]")
            self.pending = "not = 1 # either"
            return close
        if kind == 2:
            parts = []
            for _ in range(self.rng.randrange(3)):
                name, raw = self.key()
                self.put((*path, name))
                parts.append(f"{raw} = {self.rng.choice(scalars)}")
            return "{" + ", ".join(parts) + "}"
        if kind == 3:
            self.next_line(self.pending + "[ # ]")
            self.pending = ""
            for i in range(self.rng.randrange(4)):
                self.put((*path, i))
                text = self.value((*path, i), depth + 1)
                self.next_line(f"{self.pending}{text}, # ,")
                self.pending = ""
            return "]"
        return self.rng.choice(scalars)

    def next_line(self, text: str) -> None:
        self.lines.append(text)

    def pairs(self, table: tuple[Any, ...]) -> None:
        for _ in range(self.rng.randrange(4)):
            names = [self.key() for _ in range(self.rng.choice([1, 1, 1, 3]))]
            path = table
            for name, _ in names:
                path = (*path, name)
                self.put(path)
            self.pending = (
                self.rng.choice(["", "  "]) + self.rng.choice([".", " . "]).join(raw for _, raw in names) + " = "
            )
            text = self.value(path, 0)
            self.next_line(f"{self.pending}{text}{self.rng.choice(['', ' # = [x]'])}")
            if self.rng.random() < 0.3:
                self.next_line(self.rng.choice(["", "# [comment]", "\t"]))

    def document(self) -> str:
        self.pairs(())
        for _ in range(self.rng.randrange(5)):
            name, raw = self.key()
            if self.rng.random() < 0.4:
                self.put((name,))
                for i in range(self.rng.randint(1, 3)):
                    self.put((name, i))
                    self.next_line(f"[[{raw}]]")
                    self.pairs((name, i))
                    inner, inner_raw = self.key()
                    self.put((name, i, inner))
                    self.next_line(f"[{raw}.{inner_raw}]")
                    self.pairs((name, i, inner))
            else:
                self.put((name,))
                inner, inner_raw = self.key()
                self.put((name, inner))
                self.next_line(f"[ {raw} . {inner_raw} ] # ]")
                self.pairs((name, inner))
                if self.rng.random() < 0.5:
                    self.places[(name,)] = len(self.lines) + 1
                    self.next_line(f"[{raw}]")
                    self.pairs((name,))
        return self.rng.choice(["\n", "\r\n"]).join([*self.lines, ""])


def paths_of(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from paths_of(entry, (*path, key))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_every_path_that_tomllib_reads_has_the_line_where_it_was_written(seed: int) -> None:
    writer = _Writer(random.Random(seed))
    text = writer.document()
    lines = index(text)
    paths = set(paths_of(tomllib.loads(text)))
    assert paths == set(writer.places)
    assert {path: lines.of(path) for path in paths} == writer.places


def test_a_path_that_isn_t_there_has_the_line_of_its_parent() -> None:
    lines = index("a = 1\n\n[b.c]\nd = 2\n")
    assert [lines.of(path) for path in (("b", "c", "x", 3), ("b", "x"), ("x",), ())] == [3, 3, 1, 1]


def test_nesting_is_capped_at_the_same_depth_in_every_form() -> None:
    def forms(depth: int) -> list[str]:
        dotted = ".".join("a" * depth)
        return [f"{dotted} = 1", f"[{dotted}]", "a = " + "[" * (depth - 1) + "]" * (depth - 1)]

    for text in forms(MAX_TOML_DEPTH):
        assert index(text + "\n").of(("a",)) == 1
        tomllib.loads(text)
    for text in forms(MAX_TOML_DEPTH + 1):
        with pytest.raises(TooDeepError):
            index("\n" + text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="ab.=[]{}\"'#,\n\r \\1\t", max_size=60))
def test_the_line_index_reads_all_that_tomllib_reads(text: str) -> None:
    lines = index(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert all(lines.knows(path) for path in paths_of(data) if not any(isinstance(part, int) for part in path))
