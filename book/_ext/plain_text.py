"""Write each notebook as plain text beside its page, and name it in the page's download menu."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from sphinx.application import Sphinx

__all__ = ["plain_text", "setup"]

FENCE = re.compile(r"^(?::{3,}|`{3,})\{(\w[\w:-]*)\}[ \t]*(.*)$", re.M)
ROLE = re.compile(r"\{[\w:]+\}`([^`]*)`")


def plain_text(notebook: NotebookNode) -> str:
    """Give a notebook as Markdown that any editor shows: text, code, and what it printed.

    Figures and explorers become their text alternatives.
    """
    parts: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(_prose(cell.source))
            continue
        if cell.cell_type != "code":
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", []):
            parts.append(_output(output, cell))
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _prose(source: str) -> str:
    """Write directives of MyST as bold words, roles as their text, and drop fences and labels."""

    def title(match: re.Match[str]) -> str:
        kind = "" if match[1] in ("admonition", "dropdown") else match[1].capitalize()
        return f"**{': '.join(filter(None, (kind, match[2])))}**\n"

    text = FENCE.sub(title, source)
    text = re.sub(r"^:{3,}\s*$|^:\w+:.*$|^\([\w:-]+\)=$|^<!--.*?-->$", "", text, flags=re.M)
    text = re.sub(r"<summary[^>]*>(.*?)</summary>", r"**\1**", text)
    text = re.sub(r"</?details[^>]*>", "", text)
    return re.sub(r"\n{3,}", "\n\n", ROLE.sub(r"`\1`", text))


def _output(output: NotebookNode, cell: NotebookNode) -> str:
    data = output.get("data", {})
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    if "text/markdown" in data:
        return str(data["text/markdown"])
    if any(kind.startswith("image/") for kind in data):
        image = cell.metadata.get("mystnb", {}).get("image", {})
        return f"[Figure: {image.get('alt', 'see the page')}]"
    if "text/html" in data:
        page = BeautifulSoup(str(data["text/html"]), "html.parser")
        seen = [f"[Explorer: {image.get('alt')}]" for image in page.select("img")]
        blocks = page.select("p, li, summary, pre, tr, h4") or [page]
        return "\n".join([*seen, *(" ".join(b.get_text(" ").split()) for b in blocks)])
    text = str(data.get("text/plain", "")).rstrip()
    return f"```text\n{text}\n```" if text else ""


def name_it(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Add the text to the menu of downloads of a page that is a notebook."""
    if context.get("page_source_suffix") != ".ipynb":
        return
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            button = {"type": "link", "url": f"{page.rpartition('/')[2]}.md", "text": "plain text"}
            looks = {"icon": "fas fa-file-lines", "label": "download-text-button"}
            group["buttons"].append({**button, **looks, "tooltip": "Download as plain text"})


def write_all(app: Sphinx, error: Exception | None) -> None:
    """Write the texts beside the pages."""
    if error or app.builder.format != "html":
        return
    for page in app.env.found_docs:
        source = Path(app.env.doc2path(page))
        if source.suffix == ".ipynb":
            text = plain_text(nbformat.read(source, as_version=4))
            (Path(app.outdir) / f"{page}.md").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect behind the theme, and to the end."""
    app.connect("html-page-context", name_it, priority=900)
    app.connect("build-finished", write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
