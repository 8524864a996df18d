"""Patches of a scenario: arms and phases. They know nothing of files or lines."""
