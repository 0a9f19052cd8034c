"""Ask the addresses of the data sets whether they still answer, without fetching anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import requests

from fetching.manifest import DatasetInfo
from fetching.watch import Meter, watched
from fetching.web import Interrupted, Refused, answer, check_kind, check_status, span

__all__ = ["Link", "check_links"]

_ASKED_A_PROGRAM = (401, 403, 405, 429)  # a person with a browser may be let in


class Link(NamedTuple):
    """An address of a data set, whether it answers, and how."""

    name: str
    url: str
    works: bool
    how: str


def check_links(sets: Iterable[DatasetInfo]) -> Iterator[Link]:
    """Ask the home page and each mirror of data sets.

    Parameters
    ----------
    sets : iterable of DatasetInfo
        Of the manifest.

    Yields
    ------
    Link
        A mirror works if it offers a file, of the length that is known; a home page, if it is
        there, even for browsers only.
    """
    for info in sets:
        yield Link(info.name, info.homepage, *_asked(info.homepage, None, None))
        for archive in info.archives:
            for url in archive.mirrors:
                yield Link(info.name, url, *_asked(url, archive.file, archive.bytes))


def _asked(url: str, file: str | None, size: int | None) -> tuple[bool, str]:
    found = [(False, "")]

    def ask(_: Meter) -> None:
        for method in ("HEAD", "GET"):  # not all servers know the first
            with answer(url, method=method) as reply:
                found.append(_judged(reply, file, size))
            if found[-1][0]:
                return

    try:
        watched(ask)
    except (Refused, Interrupted) as error:
        return False, str(error)
    return found[-1]


def _judged(reply: requests.Response, file: str | None, size: int | None) -> tuple[bool, str]:
    try:
        check_status(reply)
        if file is None:
            return True, "works"
        check_kind(reply, b"", file)
    except (Refused, Interrupted) as error:
        return file is None and reply.status_code in _ASKED_A_PROGRAM, str(error)
    length = span(reply)[1]
    if None not in (size, length) and size != length:
        return False, f"offers {length} bytes where the file has {size}"
    return True, "works" if length is None else f"works ({length} bytes)"
