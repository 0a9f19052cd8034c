"""Metrics of pixels, exact and fast."""
