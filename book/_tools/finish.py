"""Finish built pages: formulas are set, explorers are plain, needless scripts are gone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import formulas
import html_checks
import page_explorers

# The theme's icons are in its style sheet too; this script draws them a second time.
ICONS = re.compile(r'[ \t]*<script defer src="[^"]*scripts/fontawesome\.js[^>]*></script>\n?')
# The theme puts the whole index of the search on every page; only the page of the search asks it.
SEARCH = re.compile(
    r'[ \t]*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js"></script>\n?'
)
MATHJAX = re.compile(
    r"[ \t]*<script>window\.MathJax = .*?</script>\n?"
    r'|[ \t]*<script[^>]*"[^"]*mathjax/[^>]*></script>\n?'
)


def finish(html: Path) -> None:
    """Rewrite all pages in a folder.

    Raises
    ------
    formulas.FormulaError
        If a formula cannot be set.
    """
    pages = {page: page.read_text(encoding="utf-8") for page in html_checks.pages(html)}
    found = sorted({formula for text in pages.values() for formula in formulas.find(text)})
    typeset, sheet = formulas.typeset(found)
    (html / "_static" / formulas.SHEET).write_text(sheet, encoding="utf-8")
    for page, text in pages.items():
        root = os.path.relpath(html, page.parent)

        def save(name: str, content: bytes, root: str = root) -> str:
            (html / "_images").mkdir(exist_ok=True)
            (html / "_images" / name).write_bytes(content)
            return f"{root}/_images/{name}"

        text = ICONS.sub("", MATHJAX.sub("", text))
        if page.name != "search.html":
            text = SEARCH.sub("", text)
        made = page_explorers.replace(text, save)
        if made != text:
            made = _add(made, f'<script defer src="{root}/_static/explorer.js"></script>')
        text = formulas.replace(made, typeset.__getitem__)
        if text != made:
            link = f'<link rel="stylesheet" href="{root}/_static/{formulas.SHEET}">'
            text = _add(text, link)
        page.write_text(text, encoding="utf-8")


def _add(page: str, element: str) -> str:
    """Put an element at the end of the head."""
    return page.replace("</head>", f"{element}\n</head>", 1)
