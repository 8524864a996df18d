"""Input files that may be hostile: TOML, rosters, edge lists, graphs. It knows no rules of scenarios."""
