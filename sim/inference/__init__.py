"""Statistics of paired arms: differences, intervals, tests, verdicts. They must not know runs, files or measures."""
