"""Calls of the face that an editor must accept or refuse; mypy reads them, and reports a refusal that isn't one too."""

from __future__ import annotations

import sim


def accepted() -> None:
    run = sim.run(
        "minimal", engine="reference", threads=2, out="run", replications=3, report=lambda now: print(now.days)
    )
    for checked in sim.check("scenarios", policy="claims", reason="why", baselines="b"):
        print(checked.name, checked.holds)
    graph = sim.follow_graph(sim.load("minimal"), "tiered", replication=1, day=30, engine="compiled")
    print(len(graph.fans), sim.trace("minimal", fan=3).sessions, sim.trace("minimal", influencer="a").rows)
    sim.write_report([run, "other"], "page.html").unlink()


def refused() -> None:
    sim.run("minimal", engine="fast")  # type: ignore[arg-type]
    sim.run("minimal", thread=2)  # type: ignore[call-arg]
    sim.check("minimal", policy="exactly")  # type: ignore[arg-type]
    sim.follow_graph("minimal", day="last")  # type: ignore[arg-type]
    print(sim.trace("minimal", fan=3).rows)  # type: ignore[attr-defined]
    sim.trace("minimal")  # type: ignore[call-overload]
