"""Scenario files: read, validated, resolved; knows nothing of the model that runs them."""

from sim.scenario.read.edges import read_edges
from sim.scenario.read.follow_graph import FollowGraph, from_networkx
from sim.scenario.read.roster import Roster, read_roster
from sim.scenario.resolve.loading import Loaded, from_resolved, json_schema, load, resolved
from sim.scenario.schema.scenario import Scenario

__all__ = [
    "FollowGraph",
    "Loaded",
    "Roster",
    "Scenario",
    "from_networkx",
    "from_resolved",
    "json_schema",
    "load",
    "read_edges",
    "read_roster",
    "resolved",
]
