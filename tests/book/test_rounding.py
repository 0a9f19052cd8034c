"""What counts as the same output on another processor."""

from __future__ import annotations

import nbformat
import pytest

from rounding import same_but_for_rounding, settle


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("AUROC 0.731 of 24", "AUROC 0.732 of 24"),
        ("0.999", "1.000"),
        ("-0.0004 to +0.0002", "-0.0005 to +0.0001"),
        ("a    -0.001\nb     0.100", "a     0.000\nb     0.100"),
        ("<td>0.000</td>", "<td>-0.001</td>"),
        ("1.44e+08", "1.45e+08"),
        ("9.9e+07", "1.0e+08"),
        ("3e-05", "2e-05"),
        ("0.171", "0.17"),  # as format "g" leaves a 0 out
        ("γ=0.1, κ=4.0.", "γ=0.2, κ=4.0."),
    ],
)
def test_one_unit_of_the_last_decimal_is_forgiven(stored: str, new: str) -> None:
    assert same_but_for_rounding(stored, new) and same_but_for_rounding(new, stored)


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("0.731", "0.733"),
        ("0.731", "0.75"),
        ("+0.731", "-0.731"),
        ("-0.001", "0.001"),
        ("24 images", "25 images"),
        ("1.44e+08", "1.46e+08"),
        ("1.44e+08", "1.44e+09"),
        ("0.5 good", "0.5 bad"),
        ("0.5", "0.5 0.5"),
        ("0.5 1.0", "1.0 0.5"),
        ("version 1.2.3", "version 1.2.4"),
        ("v0.5", "v0.6"),
        ("nan", "0.001"),
        ("", "0.1"),
    ],
)
def test_all_else_is_not(stored: str, new: str) -> None:
    assert not same_but_for_rounding(stored, new)
    assert not same_but_for_rounding(new, stored)


def test_settling_keeps_what_is_new_and_reaches_every_text() -> None:
    stored = {"data": {"text/plain": "0.731", "text/html": "<b>0.1</b>"}, "n": 1, "gone": 2}
    new = {"data": {"text/plain": "0.732", "text/html": "<b>0.3</b>"}, "n": 2, "more": "0.5"}
    settled = settle([nbformat.from_dict(new)], [stored])
    assert settled == [
        {"data": {"text/plain": "0.731", "text/html": "<b>0.3</b>"}, "n": 2, "more": "0.5"}
    ]
    assert isinstance(settled[0], nbformat.NotebookNode)
    assert settle(["0.1", "0.2"], ["0.1"]) == ["0.1", "0.2"]
