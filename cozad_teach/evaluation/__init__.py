"""Measure a detector: metrics, protocols, the leak audit and the baselines."""
