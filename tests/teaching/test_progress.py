"""The sign of life while a cell trains."""

from __future__ import annotations

import pytest

from cozad_book.progress import StepCounter


def test_steps_are_counted_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    count = StepCounter(25)
    assert capsys.readouterr().out == "meta-steps, of 25:", "at once, before the first step"
    for _ in range(25):
        count(None)
    assert capsys.readouterr().out == " 10 20 25\n"
