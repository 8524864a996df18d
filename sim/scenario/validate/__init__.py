"""Rules of a scenario, and how their findings become faults with lines. It knows nothing of what a run does."""
