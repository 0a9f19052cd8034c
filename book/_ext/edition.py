"""Say on every page which version of the book it is, and how to cite that, from CITATION.cff."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import cozad_teach

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

__all__ = ["cite", "placeholders", "setup"]

MARK = "<!-- the entry of CITATION.cff -->"
CITATION = Path(cozad_teach.__file__).parents[1] / "CITATION.cff"
# What the publisher has to fill in: words, and numbers that nobody can have.
PLACEHOLDER = re.compile(r"PLACEHOLDER|0000-0000-0000-0000|zenodo\.0+\b")


def placeholders(text: str) -> list[str]:
    """Name the fields of a CITATION.cff that are not filled in yet."""
    rows = (row.strip(" -").partition(": ") for row in text.splitlines() if row[:1] != "#")
    return [field for field, _, value in rows if PLACEHOLDER.search(value)]


def _name(author: dict[str, str]) -> str:
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def cite(citation: dict[str, Any], year: str) -> str:
    """Write how to cite, as Markdown: a sentence, and an entry for BibTeX.

    What is a placeholder yet is left out; `year` stands where there is no date of release.
    """
    authors = [a for a in map(_name, citation["authors"]) if not PLACEHOLDER.search(a)]
    year = str(citation.get("date-released", year))[:4]
    title, version = citation["title"], citation["version"]
    text = f"> {'; '.join(authors)}. *{title}.* Version {version}, {year}."
    fields = {
        # Braces keep the name of a group in one piece.
        "author": " and ".join(a if "," in a else f"{{{a}}}" for a in authors),
        "title": f"{{{title}}}",
        "version": version,
        "year": year,
    }
    for name, field in {"doi": "doi", "repository-code": "url"}.items():
        value = str(citation.get(name, ""))
        if value and not PLACEHOLDER.search(value):
            text += f" <https://doi.org/{value}>" if field == "doi" else f" <{value}>"
            fields[field] = value
    entry = "".join(f"  {key} = {{{value}}},\n" for key, value in fields.items())
    return f"{text}\n\n```bibtex\n@software{{cozad_step_by_step,\n{entry}}}\n```"


def _insert(app: Sphinx, page: str, source: list[str]) -> None:
    if MARK in source[0]:
        citation = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
        source[0] = source[0].replace(MARK, cite(citation, app.config.copyright))


def _name_version(app: Sphinx, config: Config) -> None:
    config.version = config.release = cozad_teach.__version__
    footer = f'<p class="book-version">Version {cozad_teach.__version__}</p>'
    config.html_theme_options["extra_footer"] = footer


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both."""
    app.connect("config-inited", _name_version)
    app.connect("source-read", _insert)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
