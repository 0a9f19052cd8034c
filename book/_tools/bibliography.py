"""Write the page of the bibliography from references.bib: JupyterLab shows no file of BibTeX.

``python book/_tools/bibliography.py``; a test fails while the page is not what the file says.
"""

from __future__ import annotations

import re
from pathlib import Path

from pybtex.backends.markdown import Backend
from pybtex.database import parse_file
from pybtex.style.formatting.plain import Style

BOOK = Path(__file__).resolve().parents[1]
SOURCE, PAGE = BOOK / "references.bib", BOOK / "appendix" / "bibliography.md"


def page(source: Path = SOURCE) -> str:
    """Give the page: every entry behind a target that is its key, sorted by author and year."""
    entries = Style().format_bibliography(parse_file(source))
    texts = [
        # The backend escapes what needs it only elsewhere.
        f"({entry.key})=\n" + re.sub(r"\\([-.:()])", r"\1", entry.text.render(Backend()))
        for entry in entries
    ]
    return "\n\n".join(["# Bibliography", *texts]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
