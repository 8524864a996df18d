"""Measures of what a run left behind, as pure functions of arrays; they know no model, no files, no experiments."""
