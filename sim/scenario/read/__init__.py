"""Input files that may be hostile: TOML, rosters, edge lists, graphs. It must not know the rules of scenarios."""
