"""Symbols of the chapters are those of the notation page: none without an entry, none unused."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from notebooks import BOOK

CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))
NOTATION = (BOOK / "appendix" / "notation.md").read_text(encoding="utf-8")

DISPLAYED = re.compile(r"^\$\$\n(.*?)\n\$\$", re.M | re.S)
INLINE = re.compile(r"(?<![\\$])\$([^$\n]+)\$")
CODE = re.compile(r"^```(?!\{).*?^```|`[^`\n]*`", re.M | re.S)
GREEK = re.compile(
    r"\\((?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    r"upsilon|phi|varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|ell))"
    r"(?![A-Za-z])"
)
STYLED = re.compile(r"\\(?:mathbf|mathcal|mathbb)\{\w\}")
WORDS = re.compile(r"\\(?:text|mathrm|operatorname\*?|begin|end)\{[^{}]*\}")


def symbols(formula: str) -> set[str]:
    """Find the letters of a formula, styled ones as they are written; no words, no operators."""
    rest = WORDS.sub(" ", formula)
    found = set(STYLED.findall(rest))
    rest = STYLED.sub(" ", rest)
    found |= {f"\\{name}" for name in GREEK.findall(rest)}
    rest = re.sub(r"\\[A-Za-z]+", " ", rest)
    return found | set(re.findall(r"[A-Za-z]", rest))


def formulas(text: str) -> list[str]:
    text = CODE.sub("", text)
    return DISPLAYED.findall(text) + INLINE.findall(DISPLAYED.sub("", text))


def defined() -> set[str]:
    """Give the symbols of the first columns, and of the paragraph on indices."""
    texts = re.findall(r"^\* - (.*)$", NOTATION, re.M)
    texts += re.findall(r"^Indices:.*?\n\n", NOTATION, re.M | re.S)
    return set().union(*(symbols(formula) for text in texts for formula in formulas(text)))


def used(path: Path) -> set[str]:
    notebook = nbformat.read(path, as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return set().union(*(symbols(formula) for text in texts for formula in formulas(text)))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_symbol_of_a_chapter_is_in_the_notation(path: Path) -> None:
    assert used(path) - defined() == set(), "define them in book/appendix/notation.md"


def test_every_symbol_of_the_notation_is_used() -> None:
    appendices = "".join(
        path.read_text(encoding="utf-8")
        for path in (BOOK / "appendix").glob("*.md")
        if path.name != "notation.md"
    )
    elsewhere = set().union(*(symbols(f) for f in formulas(appendices)))
    # Height and width of an image stand in the shapes of docstrings.
    assert defined() - elsewhere - set().union(*map(used, CHAPTERS)) == {"H"}


def test_symbols_of_a_formula() -> None:
    assert symbols(r"\mathbf{W} z_{ip} \in \mathbb{R}^C") == {
        r"\mathbf{W}", "z", "i", "p", r"\mathbb{R}", "C",
    }  # fmt: skip
    assert symbols(r"\operatorname*{mean}_{a} \log \ell_{ip} + L^{\text{in}}") == {
        "a", r"\ell", "i", "p", "L",
    }  # fmt: skip
    assert symbols(r"\begin{pmatrix} \Sigma_{11} \end{pmatrix} \lambda_0") == {
        r"\Sigma",
        r"\lambda",
    }


def test_formulas_are_found_but_not_code() -> None:
    text = "A $x$ costs `$HOME`.\n\n$$\ny = z\n$$ (eq-a)\n\n```sh\necho $PATH $q\n```\n"
    assert formulas(text) == ["y = z", "x"]
