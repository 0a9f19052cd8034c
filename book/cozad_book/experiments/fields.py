"""What a file of the results ledger holds, as far as anything looks it up."""

from __future__ import annotations

from typing import Any

from cozad_teach.files import values as read

__all__ = ["check_content"]

_words = read.text(1000)
_number = read.number(-1e12, 1e12)
_values = read.mapping(_words, read.row(_number, _number, _number))
_CONTENT = {
    "question": _words,
    "command": _words,
    "made_with": read.including(settings=_words, hardware=_words, torch=_words),
    "results": read.listed(
        read.including(
            data=_words, protocol=_words, method=_words, seeds=read.whole(1, 10_000), values=_values
        )
    ),
    "differences": read.listed(
        read.including(data=_words, protocol=_words, method=_words, other=_words, values=_values)
    ),
    "rows": read.listed(
        read.including(
            what=_words, other=_words, wanted=_words, note=_words, ratio=read.optional(_number)
        )
    ),
    "trainings": read.listed(
        read.including(
            seed=read.whole(0, 2**64 - 1),
            trained_on=_words,
            auxiliary=read.listed(_words),
            seconds=_number,
            memory_mb=read.optional(_number),
            losses=read.listed(read.row(_number, _number, _number)),
        )
    ),
    "runs": read.listed(
        read.including(
            data=_words,
            protocol=_words,
            method=_words,
            seed=read.whole(0, 2**64 - 1),
            values=read.mapping(_words, read.optional(_number)),
            intervals=read.mapping(_words, read.row(_number, _number)),
        )
    ),
}


def check_content(content: Any) -> None:
    """Check what was read from a file of the ledger, which need not hold every table.

    Raises
    ------
    Wrong
        If a value is of another kind than what looks it up would expect.
    """
    if not isinstance(content, dict):
        raise read.wrong(content, "it", "a table of names")
    for key in _CONTENT.keys() & content.keys():
        _CONTENT[key](content[key], key)
