"""The speed goals, measured as ratios within one run."""
