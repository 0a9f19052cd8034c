"""Set the formulas of built pages once, by MathJax in Node.js, so that no page loads MathJax."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import vendor

SCRIPT = Path(__file__).with_name("typeset.js")
SHEET = "formulas.css"
FONTS = "vendor/mathjax/output/chtml/fonts/woff-v2"
TAG = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
FORMULA = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
LITERAL = re.compile(r"<(/?)(script|style|pre|code|head|textarea)\b")

Formula = tuple[str, bool]  # TeX, and whether it stands on a line of its own


class FormulaError(Exception):
    """A formula cannot be set; the message says which."""


def replace(page: str, give: Callable[[Formula], str]) -> str:
    """Replace what stands between TeX's delimiters, but not in code, scripts and attributes."""
    parts, literal = TAG.split(page), 0
    for i, part in enumerate(parts):
        if i % 2:
            if match := LITERAL.match(part):
                literal += -1 if match[1] else 1
        elif not literal and "\\" in part:
            parts[i] = FORMULA.sub(
                lambda m: give((html.unescape(m[1] or m[2]), m[1] is None)), part
            )
    return "".join(parts)


def find(page: str) -> set[Formula]:
    """List the formulas of a page."""
    found: set[Formula] = set()

    def keep(formula: Formula) -> str:
        found.add(formula)
        return ""

    replace(page, keep)
    return found


def typeset(formulas: list[Formula]) -> tuple[dict[Formula, str], str]:
    """Give the HTML of each formula, and the style sheet that all of them share.

    Raises
    ------
    FormulaError
        If MathJax does not understand a formula, or does not run.
    """
    engine = vendor.fetch("mathjax")
    job = {"fonts": FONTS, "formulas": formulas}
    result = subprocess.run(
        [vendor.node(), str(SCRIPT), str(engine)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise FormulaError(f"MathJax did not run: {result.stderr.strip()}")
    made = json.loads(result.stdout)
    for (tex, _), text in zip(formulas, made["html"], strict=True):
        if "mjx-merror" in text or "color: red" in text:
            raise FormulaError(f"MathJax does not understand {tex.strip()}")
    return dict(zip(formulas, made["html"], strict=True)), made["css"]
