"""The command ``cozad``."""
