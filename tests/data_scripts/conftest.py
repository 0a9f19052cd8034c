"""What tests of downloads share: a server, no waiting, and a table of faults and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from loopback import CONTENT, Site, serving

from fetching import download


@pytest.fixture
def outcome(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Give a function that adds a fault and its outcome to the table."""
    return lambda fault, result: record_property("fault", (fault, result))


@pytest.fixture
def site() -> Iterator[Site]:
    """Give a server of `CONTENT`."""
    with serving(CONTENT) as one:
        yield one


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing, and keep for how long it would have been."""
    waited: list[float] = []
    monkeypatch.setattr(download.time, "sleep", waited.append)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return waited
