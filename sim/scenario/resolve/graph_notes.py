"""What a user should know of how a follow graph was read, and where it and a roster contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.formatting import escaped
from sim.scenario.read.roster_notes import skipped_text

if TYPE_CHECKING:
    from sim.scenario.read.follow_graph import FollowGraph
    from sim.scenario.read.roster import Roster
    from sim.scenario.resolve.loading import Loaded

__all__ = ["contradictions", "graph_notes"]

FACTOR = 2.0
"""By how much an account's share of the roster's followers may differ from its share of the graph's follows ..."""
DEVIATIONS = 4.0
"""... and by how many standard deviations of a draw with that share, beyond one follow."""


def contradictions(roster: Roster, graph: FollowGraph) -> str | None:
    """What to say where the follows aren't shared out as the roster's followers are; None: they are, within chance.

    The follows are taken for a sample of the followers: an account with the share p of the roster's followers is
    expected to have p E of the E follows, give or take the square root of p (1 - p) E. It differs where its follows are
    off by a factor of more than two and by more than one and four of these.
    """
    import numpy as np

    if roster.followers is None:
        return None
    unused = "followers of the roster aren't used for who follows whom"
    total = float(roster.followers.sum())
    if total == 0:
        return f"{unused}: they are all 0"
    follows, n = graph.in_degrees().astype(np.float64), float(len(graph.fan))
    share = roster.followers / total
    expected = share * n
    off = np.abs(follows - expected)
    is_far = (follows > FACTOR * expected) | (expected > FACTOR * follows)
    differs = is_far & (off > 1.0 + DEVIATIONS * np.sqrt(expected * (1.0 - share)))
    if not differs.any():
        return None
    most = int(np.argmax(np.where(differs, off, 0.0)))
    shares = f"{100 * share[most]:.3g} % of the followers, {100 * follows[most] / n:.3g} % of the follows"
    count = f"{int(differs.sum())} of {len(graph.influencers)} accounts have another share of the graph's follows"
    return f"{unused}: {count}, most of all {escaped(graph.influencers[most])} ({shares})"


def graph_notes(loaded: Loaded) -> list[str]:
    """All of it, one sentence each; nothing where the scenario has no follow graph."""
    graph = loaded.graph
    if graph is None:
        return []
    notes = list(graph.notes)
    directed = loaded.scenario.influencers.follow_graph_directed
    if graph.columns is not None and not (directed and graph.columns == ("fan", "influencer")):
        fan, influencer = graph.columns
        ordered = f'"{fan}" is who follows, "{influencer}" who is followed'
        notes.insert(0, f"of the columns, {ordered if directed else f'{fan} and {influencer} follow each other'}")
    contradiction = None if loaded.roster is None else contradictions(loaded.roster, graph)
    if contradiction:
        notes.append(contradiction)
    if graph.n_skipped:
        notes.append(skipped_text(graph.n_skipped, graph.skipped, graph.place))
    return [f"follow graph: {note}" for note in notes]
