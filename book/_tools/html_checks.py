"""Checks over the built pages that need no browser; a finding is one line: page, problem."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# Attributes by which a page makes the browser fetch something.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
CSS_URL = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")]+)""")


@cache
def parse(page: Path) -> BeautifulSoup:
    """Parse a page once."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def pages(html: Path) -> list[Path]:
    """List the pages of the book, without those of its assets."""
    return [p for p in sorted(html.rglob("*.html")) if "_static" not in p.relative_to(html).parts]


def is_external(url: str) -> bool:
    """Tell whether a browser would ask another machine for the URL."""
    return url.startswith("//") or urlsplit(url).scheme in {"http", "https", "ftp", "ws", "wss"}


def links(html: Path) -> list[str]:
    """Find links and assets that lead nowhere, fragments included."""
    program = str(Path(sys.executable).with_name("lychee"))
    options = ["--offline", "--include-fragments", "--index-files", "index.html"]
    result = subprocess.run(
        [program, *options, "--no-progress", "--format", "json", *map(str, pages(html))],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode not in (0, 2):  # 2: some links lead nowhere
        return [f"lychee failed: {result.stderr.strip()}"]
    found = [
        f"{Path(page).relative_to(html)}: {unquote(link['url'])}: {link['status']['text']}"
        for page, failed in json.loads(result.stdout)["error_map"].items()
        for link in failed
    ]
    for sheet in sorted(html.rglob("*.css")):
        for url in CSS_URL.findall(sheet.read_text(encoding="utf-8")):
            path = urlsplit(url)
            if not path.scheme and path.path and not (sheet.parent / unquote(path.path)).exists():
                found.append(f"{sheet.relative_to(html)}: {url} does not exist")
    return found


def requests(html: Path) -> list[str]:
    """Find what would make a browser ask another machine."""
    found = []
    for page in pages(html):
        name = page.relative_to(html)
        for tag, attribute in LOADED.items():
            for element in parse(page).find_all(tag):
                if is_external(str(element.get(attribute) or "")):
                    found.append(f"{name}: <{tag}> loads {element[attribute]}")
        for style in parse(page).find_all("style"):
            found += [f"{name}: loads {u}" for u in CSS_URL.findall(style.text) if is_external(u)]
        for script in parse(page).find_all("script", src=False):
            kind = str(script.get("type") or "text/javascript")
            if kind in {"text/javascript", "module"} and re.search(r"https?://", script.text):
                found.append(f"{name}: an inline script names a server")
    for sheet in sorted(html.rglob("*.css")):
        for url in CSS_URL.findall(sheet.read_text(encoding="utf-8")):
            if is_external(url):
                found.append(f"{sheet.relative_to(html)}: loads {url}")
    return found


def structure(html: Path) -> list[str]:
    """Find missing alternatives, titles and languages, and headings that are not single."""
    found = []
    for page in pages(html):
        soup, name = parse(page), page.relative_to(html)
        if name.name == "index.html" and soup.find("meta", attrs={"http-equiv": "Refresh"}):
            continue
        for image in soup.find_all("img"):
            if not str(image.get("alt") or "").strip():
                found.append(f"{name}: no alt text on {str(image.get('src'))[:60]}")
        # The theme repeats the title in a part that is only printed.
        if (count := len(soup.select("h1:not(#jb-print-docs-body h1)"))) != 1:
            found.append(f"{name}: {count} headings of level 1")
        if not soup.title or not soup.title.text.strip():
            found.append(f"{name}: no title")
        if not soup.html or not soup.html.get("lang"):
            found.append(f"{name}: no language")
        repeated = [
            i for i, n in Counter(str(e["id"]) for e in soup.select("[id]")).items() if n > 1
        ]
        found += [f"{name}: the id {i} occurs twice" for i in repeated]
        found += [f"{name}: not resolved: {e.text[:60]}" for e in soup.select(".problematic")]
        found += [f"{name}: an error output" for _ in soup.select(".output.traceback")]
    return found


def equations(html: Path) -> list[str]:
    """Find labelled equations without a number, and numbers given twice."""
    found, seen = [], Counter[str]()
    for page in pages(html):
        for block in parse(page).select("div.math[id^=equation-]"):
            number = block.select_one(".eqno")
            text = number.get_text().strip().rstrip("#¶") if number else ""
            if not re.fullmatch(r"\([\d.]+\)", text):
                found.append(f"{page.relative_to(html)}: {block['id']} has no number")
            seen[text] += 1
    return found + [f"the equation number {n} occurs {k} times" for n, k in seen.items() if k > 1]


def search(html: Path) -> list[str]:
    """Find pages that the search index does not know."""
    index = html / "searchindex.js"
    if not index.is_file():
        return ["searchindex.js is missing"]
    text = index.read_text(encoding="utf-8")
    match = re.search(r'"?docnames"?:\s*\[([^\]]*)\]', text)
    known = set(re.findall(r'"([^"]+)"', match[1])) if match else set()
    expected = {p.relative_to(html).with_suffix("").as_posix() for p in pages(html)}
    return [
        f"{name}: not in the search index"
        for name in sorted(expected - known - {"genindex", "search", "py-modindex"})
    ]


CHECKS = (links, requests, structure, equations, search)


def check(html: Path) -> list[str]:
    """Run all checks over the pages in a folder."""
    if not pages(html):
        return [f"{html}: there are no pages"]
    return [finding for run in CHECKS for finding in run(html)]
