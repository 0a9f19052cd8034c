"""Buttons that lead to the repository and to machines that run its notebooks, if it has an address.

`repository.url` of `_config.yml` is the one setting: while it is empty no page names a server.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

__all__ = ["COLAB_BRANCH", "setup", "theme_options"]

# What `_tools/colab.py` writes: the chapters with a first cell that brings the package.
COLAB_BRANCH = "colab"
SERVERS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
}


def theme_options(given: dict[str, Any]) -> dict[str, Any]:
    """Give the theme's options with the buttons on, or off where no repository is named."""
    named = bool(given.get("repository_url"))
    kinds = ("edit_page", "repository", "issues")
    switches = {f"use_{kind}_button": named for kind in kinds}
    launch = {**given.get("launch_buttons", {}), **(SERVERS if named else {})}
    return {**given, **switches, "launch_buttons": launch}


def switch_buttons(app: Sphinx, config: Config) -> None:
    """Set the theme's options before the theme reads them."""
    config.html_theme_options = theme_options(config.html_theme_options)


def lead_to_branch(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Let Colab open the chapters of its own branch, which begin by bringing the package."""
    branch = app.config.html_theme_options.get("repository_branch") or "main"
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace(f"/blob/{branch}/", f"/blob/{COLAB_BRANCH}/")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect ahead of the theme, and behind it."""
    app.connect("config-inited", switch_buttons, priority=100)
    app.connect("html-page-context", lead_to_branch, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
