"""Fetching public data sets: found in the manifest, downloaded, checked, converted."""
