"""Repair the pages of Jupyter Book 1.0.4: no live-code service, valid markup, ordered finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

__all__ = ["setup"]

# Markup of sphinx-exercise and sphinx-proof that is not valid.
FAULTS = (
    ' id="exercise-content"',
    ' id="proof-content"',
)


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Take the live-code service out: even switched off, it names another machine."""

    def names_thebe(asset: Any) -> bool:
        body = (getattr(asset, "attributes", None) or {}).get("body") or ""
        return "thebe" in f"{getattr(asset, 'filename', asset)}{body}".lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context.get(kind, []) if not names_thebe(asset)]


def order_search(app: Sphinx, config: Config) -> None:
    """Name the order of what a search finds, by a path that holds wherever the build is started."""
    config.html_search_scorer = str(Path(__file__).with_name("search_order.js"))


def repair_body(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Drop ids that are given twice."""
    body = context.get("body", "")
    for fault in FAULTS:
        body = body.replace(fault, "")
    context["body"] = body


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the repairs, after the extensions they repair."""
    app.connect("config-inited", order_search)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", repair_body, priority=901)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
