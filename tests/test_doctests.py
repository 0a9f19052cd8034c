"""The examples in docstrings of the method are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import cozad_teach


def test_examples_give_what_they_say() -> None:
    shown = 0
    for info in pkgutil.walk_packages(cozad_teach.__path__, "cozad_teach."):
        result = doctest.testmod(importlib.import_module(info.name))
        assert result.failed == 0, info.name
        shown += result.attempted
    assert shown >= 10
