"""What is printed fits 80 columns, whatever the names, and is plain text where it is piped."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from support.small_runs import TINY, Told, sim, start, write

VERBS = ("run", "compare", "validate", "schema", "report", "plot", "graph", "trace", "new")
CHINESE = "分层扶持政策下的头部达人流量集中度对照实验组的第一个账号也就是最大的那一个达人账号"
LONG_NAME = "an-account-with-a-name-that-nobody-would-give-but-somebody-does-and-so-it-goes-on-and-on"
SURFACE = "a-surface-of-forty-characters-0123456789"
NAMES = tuple(f"{i} {name}" for i in range(5) for name in (CHINESE, LONG_NAME, "[bold]x[/bold]", "אינפלואנסר"))
TEXT = TINY.replace("count = 20\n", "").replace("surfaces.find", f"surfaces.{SURFACE}")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the command is called in, with a scenario, x.toml, and a roster of difficult names, r.csv."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    write(tmp_path, TEXT)
    columns = [f"a column that the model knows nothing of {i}" for i in range(4)]
    rows = [f"{name},{3000 - 100 * i},1,2,3,4" for i, name in enumerate(NAMES)]
    write(tmp_path, "\n".join([f"influencer,followers,{','.join(columns)}", *rows, ""]), "r.csv")
    return tmp_path


def is_plain(ended: Told) -> bool:
    """Whether it came to an end and prints plain text of 80 columns."""
    lines = (ended.out + ended.err).splitlines()
    return ended.code == 0 and max(map(cell_len, lines)) <= 80 and "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_80_columns_and_names_no_types_of_python(verb: str) -> None:
    with start(*([verb] if verb else []), "--help") as process:
        out, err = process.communicate(timeout=120)
    assert is_plain(Told(process.returncode, out, err))
    options = [line for line in out.splitlines() if line.startswith("│") and " --" in line]
    assert options
    assert not any("list[" in line or "<path>" in line for line in options)


@pytest.mark.usefixtures("here")
def test_the_graphs_measures_fit_80_columns() -> None:
    ended = sim("graph", "x.toml", "--roster", "r.csv", "--out", "edges.csv")
    assert is_plain(ended)
    assert "written: edges.csv" in ended.out
    lines = ended.out.splitlines()
    pairs = lines[lines.index("(Jaccard index, shared fans):") + 1 : -1]
    assert len(pairs) > 5
    for line in pairs:
        assert sum(name[:12] in line for name in NAMES) == 1 + (" and " in line[8:] and line.startswith("  0"))
    assert " ".join(ended.err.split()).startswith("roster: further columns, kept per account: a column that the model ")


def test_a_path_stays_in_one_piece(here: Path) -> None:
    path = here / ("x" * 100 + ".csv")
    out = sim("graph", "x.toml", "--roster", "r.csv", "--out", path).out
    assert f"written: {path}\n" in out


@pytest.mark.usefixtures("here")
def test_the_table_of_an_influencer_fits_80_columns() -> None:
    ended = sim("trace", "x.toml", "--roster", "r.csv", "--influencer", "0")
    heading, who, _, columns, *lines = ended.out.splitlines()
    assert CHINESE in who
    assert all(cell_len(line) <= 80 for line in (heading, columns, *lines))
    assert [line.split()[1] for line in lines[:-1:2]] == [SURFACE] * 2
    ends = {len(line) for line in lines[1:-1:2]} | {len(lines[-1]), len(columns)}
    assert len(ends) == 1


@pytest.mark.usefixtures("here")
def test_what_was_written_and_what_to_do_next_fit_80_columns() -> None:
    assert is_plain(sim("new", "x" * 50))
