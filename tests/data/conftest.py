"""A table of what went wrong on purpose, and what came of it, at the end of the tests' output."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def outcome(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Give a function that adds a fault and its outcome to the table."""
    return lambda fault, result: record_property("fault", (fault, result))
