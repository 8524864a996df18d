"""Charts of finished runs: aggregates of their tables, drawn by Vega-Lite; they know no page and no file."""
