"""Measures of a run's results, as pure functions of arrays; they must not know the model, files or experiments."""
