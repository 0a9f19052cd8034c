"""Let a Markdown link name any label of another page, as JupyterLab needs it to open that page.

``[image AUROC](../appendix/glossary.md#term-image-auroc)`` opens in JupyterLab, where a role of
Sphinx leads nowhere. MyST itself finds only headings behind the ``#``.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["setup"]


def add_labels(app: Sphinx, env: BuildEnvironment) -> None:
    """Give every label, also of an equation, to the page on which it stands."""
    places = dict(env.get_domain("std").anonlabels)  # type: ignore[attr-defined]
    for label, (page, _) in env.get_domain("math").equations.items():  # type: ignore[attr-defined]
        places[label] = page, f"equation-{label}"
    for label, (page, place) in places.items():
        env.metadata[page].setdefault("myst_slugs", {}).setdefault(label, (0, place, label))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the moment at which all pages are read and no link is resolved."""
    app.connect("env-updated", add_labels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
