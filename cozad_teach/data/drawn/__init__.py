"""Drawn materials and their defects."""
