"""Checks of scenarios against baselines: whether outputs moved, where, by how much; knows no commands."""
