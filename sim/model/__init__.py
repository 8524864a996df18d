"""The simulated platform: two planes, two engines, one trace; knows nothing of experiments, reports or analysis."""
