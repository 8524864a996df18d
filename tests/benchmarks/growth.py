"""What workload W costs the product as fans, influencers and days grow, on one thread; draws charts, asserts nothing.

    python tests/benchmarks/growth.py --out DIR [--json FILE] [--large]

Each point runs in a process of its own, so that its peak memory is its own. Charts need altair and vl-convert-python,
which are imported when the points have been measured; ``--from FILE`` draws those of an earlier run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BENCHMARK = Path(__file__).with_name("workload_w.py")
FANS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LARGE_FANS = (3_000_000, 10_000_000)
INFLUENCERS = (1_000, 10_000, 100_000)
DAYS = (5, 10, 20, 40, 80, 160)
BY_FANS_DAYS = 10
BY_DAYS_FANS = 100_000
SIZES = [f"{n:,}" for n in INFLUENCERS]
COLOURS = ["#0072b2", "#d55e00", "#009e73"]  # told apart by the colour-blind too
SHAPES = ["circle", "square", "triangle-up"]

Point = dict[str, Any]


def measure(fans: int, influencers: int, days: int, repeats: int) -> Point:
    """One point, in a child process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "w.json"
        size = ["--fans", str(fans), "--influencers", str(influencers), "--days", str(days)]
        how = ["--threads", "1", "--repeats", str(repeats), "--engines", "headshare", "--json", str(file)]
        subprocess.run([sys.executable, str(BENCHMARK), *size, *how], check=True, stdout=subprocess.DEVNULL)
        record = json.loads(file.read_text())["headshare"]
    speed = record["sessions_per_s"]
    return {
        "fans": fans,
        "influencers": influencers,
        "days": days,
        "sessions": record["sessions"],
        "seconds": round(record["sessions"] / speed, 4),
        "ns_per_session": round(1e9 / speed, 2),
        "peak_mb": record["peak_mb"],
    }


def sizes(large: bool) -> list[tuple[int, int, int]]:
    """Fans, influencers and days of all points."""
    by_fans = [(f, m, BY_FANS_DAYS) for m in INFLUENCERS for f in FANS + (LARGE_FANS if large else ())]
    by_days = [(BY_DAYS_FANS, m, d) for m in INFLUENCERS for d in DAYS]
    return list(dict.fromkeys(by_fans + by_days))


def draw(points: list[Point], out: Path) -> None:
    """Three panels as ``growth.svg`` and ``growth.png``."""
    import altair as alt  # type: ignore[import-not-found]  # no dependency of the project

    for point in points:
        point["accounts"] = f"{point['influencers']:,}"
    by_fans = [p for p in points if p["days"] == BY_FANS_DAYS]
    by_days = [p for p in points if p["fans"] == BY_DAYS_FANS]
    colour = alt.Color("accounts:N", sort=SIZES, title="Influencers", scale=alt.Scale(domain=SIZES, range=COLOURS))
    shape = alt.Shape("accounts:N", sort=SIZES, title="Influencers", scale=alt.Scale(domain=SIZES, range=SHAPES))

    def logarithmic(values: list[float]) -> dict[str, Any]:
        """A log axis over these values with some room, labelled at 1, 2, 5, 10, ... or, where it is long, at tens."""
        low, high = min(values) * 0.8, max(values) * 1.25
        steps = [n * 10**k for k in range(9) for n in ((1, 2, 5) if high / low < 300 else (1,))]
        ticks = [step for step in steps if low <= step <= high]
        return {"scale": alt.Scale(type="log", domain=[low, high]), "axis": alt.Axis(values=ticks, format=",")}

    def panel(chosen: list[Point], x: alt.X, y: alt.Y, title: str, under: str) -> alt.Chart:
        chart = alt.Chart(alt.Data(values=chosen), title=alt.Title(title, subtitle=under))
        marks = chart.mark_line(point=alt.OverlayMarkDef(size=70, filled=True), strokeWidth=2)
        return marks.encode(x=x, y=y, color=colour, shape=shape).properties(width=330, height=300)

    every_fan = logarithmic([p["fans"] for p in by_fans])
    every_fan["axis"].values = [10**k for k in range(4, 8)]
    fans = alt.X("fans:Q", title="Simulated fans", **every_fan)
    straight = alt.Scale(zero=True, nice=True)
    each = logarithmic([p["ns_per_session"] for p in by_fans])
    charts = [
        panel(
            by_fans,
            fans,
            alt.Y("ns_per_session:Q", title="Time per session [ns]", **each),
            "Time per session, by number of fans",
            f"{BY_FANS_DAYS} days; includes the daily tables of all influencers",
        ),
        panel(
            by_days,
            alt.X("days:Q", title="Simulated days", scale=straight, axis=alt.Axis(tickCount=5)),
            alt.Y("seconds:Q", title="Run time of the loop [s]", scale=straight, axis=alt.Axis(tickCount=6)),
            "Run time, by simulated days",
            f"{BY_DAYS_FANS:,} fans",
        ),
    ]
    if all(p["peak_mb"] is not None for p in by_fans):
        memory = alt.Axis(tickCount=6, format=",.0f")
        charts.append(
            panel(
                by_fans,
                fans,
                alt.Y("peak_mb:Q", title="Peak memory of the process [MB]", scale=straight, axis=memory),
                "Peak memory, by number of fans",
                f"{BY_FANS_DAYS} days; includes interpreter and compiled code",
            )
        )
    whole = (
        alt.hconcat(*charts, spacing=90, bounds="flush")
        .properties(title=alt.Title("Cost of workload W on one thread", fontSize=18, anchor="start", offset=16))
        .configure_axis(labelFontSize=13, titleFontSize=14, titleFontWeight="normal", gridColor="#e4e4e4")
        .configure_title(fontSize=15, subtitleFontSize=13, subtitleColor="#555", anchor="start")
        .configure_legend(labelFontSize=13, titleFontSize=13, orient="bottom", symbolSize=90)
        .configure_view(stroke=None)
    )
    whole.save(out / "growth.svg")
    whole.save(out / "growth.png", scale_factor=1.5)


def show(point: Point) -> None:
    """A row for people."""
    peak = "-" if point["peak_mb"] is None else f"{point['peak_mb']:,.0f}"
    size = f"{point['fans']:>11,}{point['influencers']:>13,}{point['days']:>6}{point['sessions']:>13,}"
    print(f"{size}{point['seconds']:>10.2f}{point['ns_per_session']:>9.0f}{peak:>10}", flush=True)


def main() -> None:
    """Measure, print, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the charts")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--from", type=Path, dest="earlier", help="figures of an earlier run: nothing is measured")
    parser.add_argument("--large", action="store_true", help="up to 10,000,000 fans")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each point; the median counts")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    print(f"{'fans':>11}{'influencers':>13}{'days':>6}{'sessions':>13}{'seconds':>10}{'ns each':>9}{'peak MB':>10}")
    points: list[Point] = []
    if given.earlier:
        points = json.loads(given.earlier.read_text())
    for size in [] if given.earlier else sizes(given.large):
        points.append(measure(*size, given.repeats))
        show(points[-1])
    if given.json:
        given.json.write_text(json.dumps(points, indent=2) + "\n")
    draw(points, given.out)


if __name__ == "__main__":
    main()
