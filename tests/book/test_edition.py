"""Which version the pages are, how they are cited, and what CITATION.cff may hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import edition
import pytest
import yaml
from bs4 import BeautifulSoup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import html_checks

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

Words = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(pattern=r"^(https?|s?ftp)://.+")]


class Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=lambda n: n.replace("_", "-")
    )


class Person(Strict):
    family_names: Words
    given_names: Words | None = None
    orcid: Annotated[str, Field(pattern=r"^https://orcid\.org/(\d{4}-){3}\d{3}[\dX]$")] | None = (
        None
    )
    affiliation: Words | None = None
    email: Annotated[str, Field(pattern=r"^\S+@\S+\.\S+$")] | None = None


class Entity(Strict):
    name: Words


class Identifier(Strict):
    type: Literal["doi", "url", "swh", "other"]
    value: Words
    description: Words | None = None


class Paper(Strict):
    type: Literal["article", "conference-paper", "software", "generic"]
    title: Words
    authors: Annotated[list[Person | Entity], Field(min_length=1)]
    year: int
    url: Address
    identifiers: list[Identifier] = []
    notes: Words | None = None


class Citation(Strict):
    """The part of the schema of the Citation File Format 1.2.0 that the file uses."""

    cff_version: Literal["1.2.0"]
    message: Words
    title: Words
    type: Literal["software", "dataset"]
    version: Words
    authors: Annotated[list[Person | Entity], Field(min_length=1)]
    repository_code: Address | None = None
    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}(\.\d+)?/[\w:/;.()\[\]\\-]+$")] | None = None
    date_released: Any = None
    abstract: Words
    keywords: list[Words]
    license: Words
    references: list[Paper]


def test_citation_follows_the_schema() -> None:
    Citation.model_validate(yaml.safe_load(TEXT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("doi: 10.", "doi: https://doi.org/10."),
        ("https://orcid.org/0000", "0000"),
        ("cff-version: 1.2.0", "cff-version: 1.3.0"),
        ("keywords:", "key-words:"),
        ("version: 0.1.0\n", "version: 0.1\n"),  # which YAML reads as a number
    ],
)
def test_typical_slips_break_the_schema(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ValidationError):
        Citation.model_validate(yaml.safe_load(TEXT.replace(old, new)))


FILLED = """cff-version: 1.2.0
title: "A book"
version: 2.0.0
date-released: 2027-03-01
authors:
  - family-names: Noether
    given-names: Emmy
    orcid: https://orcid.org/0000-0002-1825-0097
  - name: The Göttingen group
repository-code: https://example.org/book
doi: 10.5281/zenodo.1234567
"""


def test_placeholders_are_found_and_filled_ones_are_not() -> None:
    assert edition.placeholders(FILLED) == []
    assert edition.placeholders(FILLED.replace("1234567", "00000000")) == ["doi"]
    assert edition.placeholders(FILLED.replace("Emmy", "PLACEHOLDER")) == ["given-names"]
    assert edition.placeholders(FILLED.replace("0002-1825-0097", "0000-0000-0000")) == ["orcid"]


def test_a_filled_citation_is_written_in_both_forms() -> None:
    assert (
        edition.cite(yaml.safe_load(FILLED), "1999")
        == """\
> Noether, Emmy; The Göttingen group. *A book.* Version 2.0.0, 2027. \
<https://doi.org/10.5281/zenodo.1234567> <https://example.org/book>

```bibtex
@software{cozad_step_by_step,
  author = {Noether, Emmy and {The Göttingen group}},
  title = {{A book}},
  version = {2.0.0},
  year = {2027},
  doi = {10.5281/zenodo.1234567},
  url = {https://example.org/book},
}
```"""
    )


def test_a_placeholder_reaches_no_page() -> None:
    written = edition.cite(yaml.safe_load(TEXT), "2026")
    assert edition.placeholders(f"a: {written}") == [] and VERSION in written


def test_every_page_says_its_version(html: Path) -> None:
    for path in html_checks.pages(html):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        if soup.find("meta", attrs={"http-equiv": "Refresh"}):
            continue
        (found,) = soup.select(".book-version")
        assert found.text == f"Version {VERSION}", path
    names = [path.name for path in html.glob("*.html")]
    front = (html / ("intro.html" if "intro.html" in names else "index.html")).read_text()
    assert re.search(r"<em>CoZAD, step by step\.</em> Version", front)
    assert not edition.PLACEHOLDER.search(front)
