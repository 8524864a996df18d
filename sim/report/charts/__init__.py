"""Charts of finished runs: aggregates of their tables, drawn by Vega-Lite; they must not know pages or files."""
