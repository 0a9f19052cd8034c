"""A table of what went wrong on purpose, and what came of it, at the end of the tests' output."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_ROWS: list[tuple[str, str]] = []


@pytest.fixture
def outcome() -> Callable[[str, str], None]:
    """Give a function that adds a fault and its outcome to the table."""
    return lambda fault, result: _ROWS.append((fault, result))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _ROWS:
        terminalreporter.section("faults while a data set is fetched")
        width = max(len(fault) for fault, _ in _ROWS)
        for fault, result in _ROWS:
            terminalreporter.line(f"{fault:{width}}  {result}")
