"""The models of a scenario: every key with type, bounds, unit and description. They know no files and no runs."""
