"""Statistics of paired arms: differences, intervals, tests, verdicts. They know no runs, no files, no measures."""
