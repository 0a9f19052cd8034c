"""Make a deck of slides for each chapter, which opens in a browser without a network.

``python book/_tools/slides.py`` writes ``build/slides``: a page for each ``book/slides/NN_*.md``,
an index, and all that they load. Figures, tables, equations, bets and the minutes of exercises come
out of the chapters; ``book/slides/README.md`` says how a deck is written.
"""

from __future__ import annotations

import re
import shutil
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

import vendor
from chapter_parts import Chapter, chapter, escaped
from cozad_book.experiments.quotes import QUOTE, fill
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder
from notebooks import BOOK, ROOT
from slide_parts import MARKDOWN, PARTS

SOURCES = BOOK / "slides"
TARGET = ROOT / "build" / "slides"
# A picture wider than this stands below the text, any other beside it.
WIDE = 1.6
_DIRECTIVE = re.compile(r"^\{(figure|table|printed|equation|bet|exercise) ([\w-]+)([^}]*)\}$")
_NOTES = re.compile(r"^Notes \((\d+) min\):\s*", re.MULTILINE)
_HEADING = re.compile(r"^## (.+?)(?: \{\.(\w+)\})?$", re.MULTILINE)


@dataclass
class Slide:
    """What the source says of one slide, and the pictures that it shows."""

    title: str
    look: str
    body: str
    notes: str
    minutes: int
    pictures: list[tuple[str, float]] = field(default_factory=list)


def read_slides(text: str, name: str) -> list[Slide]:
    """Split a source into its slides.

    Raises
    ------
    CozadError
        If a slide has no notes with minutes, or none but the first has no heading.
    """
    slides = []
    for number, part in enumerate(re.split(r"^---$", text, flags=re.MULTILINE), start=1):
        place = f"slide {number} of {name}"
        pieces = _NOTES.split(part.strip())
        if len(pieces) != 3:
            raise CozadError(f"{place} needs notes: end it with a line 'Notes (2 min): ...'")
        heading = _HEADING.search(pieces[0])
        if heading is None and number > 1:
            raise CozadError(f"{place} needs a heading: begin it with '## ...'")
        title, look = (heading[1], heading[2] or "") if heading else ("", "title")
        body = _HEADING.sub("", pieces[0], count=1).strip()
        slides.append(Slide(title, look, body, pieces[2].strip(), int(pieces[1])))
    return slides


def _figure(source: Chapter, name: str, slide: Slide, folder: Path) -> None:
    """Store a picture and note how it is shown."""
    figure = source.figure(name)
    path = folder / "figures" / f"{source.name}_{name}{figure.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(figure.content)
    if figure.suffix == ".svg":
        size = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', figure.content.decode())
        shape = float(size[1]) / float(size[2]) if size else 1.0
    elif figure.suffix == ".png":
        width, height = struct.unpack(">II", figure.content[16:24])
        shape = width / height
    else:
        with Image.open(path) as image:
            shape = image.width / image.height
    alt = figure.alt.replace('"', "&quot;")
    slide.pictures.append((f'<img src="figures/{path.name}" alt="{alt}">', shape))


def render(slide: Slide, source: Chapter, folder: Path) -> str:
    """Give a slide as HTML; its pictures are written into the folder."""
    lines = []
    for line in slide.body.splitlines():
        part = _DIRECTIVE.match(line)
        if part and part[1] == "figure":
            _figure(source, part[2], slide, folder)
        elif part:
            lines += ["", PARTS[part[1]](source, part[2], part[3]), ""]
        else:
            lines.append(line)
    words = MARKDOWN.render("\n".join(lines)).strip()
    pictures = "".join(picture for picture, _ in slide.pictures)
    shape = sum(shape for _, shape in slide.pictures)
    layout = "" if not pictures else "alone" if not words else "below" if shape > WIDE else "side"
    body = f'<div class="words">{words}</div>' if words else ""
    body += f'<div class="pictures">{pictures}</div>' if pictures else ""
    notes = MARKDOWN.render(f"**{slide.minutes} min.** {slide.notes}")
    if slide.look == "title":
        of = "CoZAD, step by step" + (f" · chapter {source.number}" if source.number else "")
        words = words.replace("<p>", '<p class="question">', 1)
        inner = f'<p class="of">{of}</p><h1>{escaped(source.title)}</h1>{words}'
    else:
        title = MARKDOWN.renderInline(slide.title)
        inner = f'<h2>{title}</h2><div class="body {layout}">{body}</div>'
    look = f' class="{slide.look}"' if slide.look else ""
    return f'<section{look}>{inner}<aside class="notes">{notes}</aside></section>'


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
{head}<link rel="stylesheet" href="slides.css"></head>
<body>{body}</body></html>
"""
HEAD = """<link rel="stylesheet" href="reveal/reset.css">
<link rel="stylesheet" href="reveal/reveal.css">
<script src="deck.js"></script><script src="reveal/mathjax/tex-chtml-full.js" defer></script>
<script src="reveal/reveal.js" defer></script><script src="reveal/notes.js" defer></script>
"""


def deck(path: Path, folder: Path, book: Path = BOOK) -> tuple[Chapter, list[Slide]]:
    """Write the deck of a source into a folder; give its chapter and its slides.

    Raises
    ------
    CozadError
        If the source names a part that its chapter lacks, or quotes a number that is out of date.
    """
    text = path.read_text(encoding="utf-8")
    if fill(text) != text:
        raise CozadError(f"{path.name} quotes old numbers: renew them by `cozad results --fill`")
    source = chapter(path.stem, book)
    slides = read_slides(QUOTE.sub(lambda quote: quote[3], text), path.name)
    body = "\n".join(render(slide, source, folder) for slide in slides)
    page = PAGE.format(
        title=escaped(source.title),
        head=HEAD,
        body=f'<main class="reveal"><div class="slides">{body}</div></main>',
    )
    (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")
    return source, slides


def _index(decks: list[tuple[Chapter, list[Slide]]]) -> str:
    rows = "".join(
        f'<tr><td class="n">{source.number or ""}</td>'
        f'<td><a href="{source.name}.html">{escaped(source.title)}</a></td>'
        f'<td class="n">{len(slides)}</td><td class="n">{sum(s.minutes for s in slides)}</td></tr>'
        for source, slides in decks
    )
    body = f"""<main class="index"><h1>Slides</h1>
<table><thead><tr><th class="n" scope="col">No.</th><th scope="col">Chapter</th>
<th class="n" scope="col">Slides</th><th class="n" scope="col">Minutes</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>Arrow keys or space go on; <kbd>S</kbd> opens the speaker's view with notes and a clock;
<kbd>Esc</kbd> shows all slides; <kbd>F</kbd> fills the screen; <kbd>T</kbd> changes between light
and dark. To print, add <code>?print-pdf</code> to the address and print to a file, without margins
and with background graphics.</p></main>"""
    return PAGE.format(title="Slides", head="", body=body)


def build(target: Path = TARGET) -> list[tuple[Chapter, list[Slide]]]:
    """Write all decks aside, then put them in the place of older ones."""
    loaded = vendor.fetch("slides")
    if target.exists() and not (target / "index.html").is_file():
        raise CozadError(f"{target} was not made by this command: move it away")
    with atomic_folder(target, replace=True) as folder:
        shutil.copytree(loaded, folder / "reveal")
        for file in ("slides.css", "deck.js"):
            shutil.copy(SOURCES / file, folder / file)
        decks = [deck(path, folder) for path in sorted(SOURCES.glob("[0-9][0-9]_*.md"))]
        (folder / "index.html").write_text(_index(decks), encoding="utf-8")
    return decks


def main() -> int:
    """Build the decks and say where they are."""
    try:
        decks = build()
    except vendor.VendorError as error:
        raise CozadError(str(error)) from error
    print(f"{len(decks)} decks, {sum(len(s) for _, s in decks)} slides: {TARGET / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("slides", main))
