"""A student's own detector: the functions that passed, kept in one file, and what they find."""
