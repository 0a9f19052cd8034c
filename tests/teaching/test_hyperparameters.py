"""The table of settings: none is missing, and what is said elsewhere comes from the settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from cozad_book.hyperparameters import CHAPTER_OF, hyperparameters
from cozad_teach.settings import LITE, PAPER, SOURCES

NOTATION = Path(__file__).resolve().parents[2] / "book" / "appendix" / "notation.md"
NONE_OF_THE_METHOD = {"name", "precision", "images_per_category"}


def test_each_setting_of_the_method_stands_once_in_the_table() -> None:
    names = {field.name for field in dataclasses.fields(LITE)}
    assert set(CHAPTER_OF) == names - NONE_OF_THE_METHOD
    assert [row[0] for row in hyperparameters().rows] == list(CHAPTER_OF)
    chapters = [chapter for _, chapter in CHAPTER_OF.values()]
    assert chapters == sorted(chapters)


def test_values_and_their_sources_are_those_of_the_settings() -> None:
    rows = {row[0]: row for row in hyperparameters().rows}
    assert rows["gamma"][1:4] == ["γ", "-1", "1.5 (predecessor)"]
    assert rows["by_place"][2:4] == ["yes", "no (paper)"]
    assert rows["temperature"][3] == "not said"
    assert {name for name, row in rows.items() if row[3] != "not said"} == set(SOURCES)
    assert rows["inner_learning_rate"][3].startswith(f"{PAPER.inner_learning_rate:g} (")


def test_symbols_are_those_of_the_notation() -> None:
    notation = NOTATION.read_text(encoding="utf-8")
    of_tex = {"ρ": "rho", "τ": "tau", "ω": "omega", "γ": "gamma", "κ": "kappa", "η": "eta"}
    of_tex |= {"α": "alpha", "β": "beta", "λ0": "lambda_0", "n0": "n_0", "size of ξ": "xi"}
    for symbol, _ in CHAPTER_OF.values():
        assert of_tex.get(symbol, symbol) in notation, symbol
