"""Make build/site, the folder to publish, of the releases in build/release.

Each version of the book has a folder of its own; versions that only the site has stay. SITE_URL in
the environment, where the site's address is known, adds robots.txt and sitemap.xml, and lets
404.html lead home from everywhere. No link needs an address, a link of the disk or a server.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import Version

import archives
import own_folder
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder, only_writer
from notebooks import ROOT

TITLE = "CoZAD, step by step"
OWN = Path(__file__).with_name("site_files")
TOP = {"index.html", "404.html", "latest", "versions.json", "versions.js", "robots.txt"}
TOP |= {"sitemap.xml", ".nojekyll", *(path.name for path in OWN.iterdir())}
# How the files of a release are called on the first page, by the beginnings of their names.
KINDS = {
    "book-{v}.pdf": "the book as PDF",
    "book-{v}.zip": "the book as pages to read without a network",
    "student-{v}.zip": "chapters for students, without solutions",
    "slides-{v}.zip": "slides",
    "cozad_teach-{v}-py3-none-any.whl": "the package",
    "cozad_teach-{v}.tar.gz": "the package's source",
    "NOTES.md": "what is new",
    "SHA256SUMS": "sums to check the files by",
}


@dataclass
class Edition:
    """One version of the book on the site."""

    version: str
    commit: str
    pages: list[str]
    files: list[str]


def page(title: str, body: str, *, head: str = "", style: str = "site.css") -> str:
    """Write a page of the site itself."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n{head}"
        f'<link rel="stylesheet" href="{style}">\n</head>\n<body class="site-page">\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def redirect(place: str) -> str:
    """Write a page that leads on; with a script, to the same section."""
    head = (
        f'<meta http-equiv="refresh" content="0; url={place}">\n<link rel="canonical" '
        f'href="{place}">\n<script>location.replace("{place}" + location.search + location.hash)'
        "</script>\n"
    )
    up = place.split("/").count("..") * "../"
    return page(
        TITLE, f'<p><a href="{place}">On to the page</a></p>', head=head, style=f"{up}site.css"
    )


def add_switch(text: str, version: str, name: str) -> str:
    """Add to a page of the book the switch of versions, and the way to the site's first page."""
    up = "../" * (name.count("/") + 1)
    text = text.replace("</head>", f'<link rel="stylesheet" href="{up}site.css">\n</head>', 1)
    away = f'<p><a href="{up}index.html">Downloads and other versions</a></p>'
    mark = f'<p class="book-version">Version {version}</p>'
    text = text.replace(mark, mark + away, 1)
    scripts = (
        f'<script src="{up}versions.js"></script>\n<script src="{up}switch.js"'
        f' data-version="{version}" data-page="{escape(name)}" data-root="{up}"></script>\n'
    )
    before, end, after = text.rpartition("</body>")
    return f"{before}{scripts}{end}{after}" if end else text


def add_release(release: Path, site: Path) -> Edition:
    """Put the book of a release, and its files, on the site."""
    about = json.loads((release / "release.json").read_text(encoding="utf-8"))
    if (release / "SHA256SUMS").read_text(encoding="utf-8") != archives.sums(release):
        raise CozadError(f"{release} is not as it was made: make it anew (make release)")
    version = about["version"]
    book = release / f"book-{version}.zip"
    if not book.is_file():
        raise CozadError(f"{book} is not there: make the release anew (make release)")
    pages = []
    for name, data in archives.zip_contents(book).items():
        path = site / version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".html") and not name.startswith("_"):
            pages.append(name)
            data = add_switch(data.decode(), version, name).encode()
        path.write_bytes(data)
    files = [k.format(v=version) for k in KINDS]
    files = [name for name in files if (release / name).is_file()]
    (site / version / "downloads").mkdir()
    for name in files:
        shutil.copyfile(release / name, site / version / "downloads" / name)
    slides = release / f"slides-{version}.zip"
    if slides.is_file():
        shutil.unpack_archive(slides, site / version / "slides")
    return Edition(version, about["commit"], sorted(pages), files)


def front_page(editions: list[Edition], site: Path) -> str:
    """Write the first page: the newest version, then the older ones, with what each has."""
    parts = ["<p>Build a zero-shot image anomaly detector, chapter by chapter.</p>"]
    for edition in editions:
        v = edition.version
        rows = [f'<li><a href="{v}/index.html">Read version {v}</a></li>']
        if (site / v / "slides" / "index.html").is_file():
            rows.append(f'<li><a href="{v}/slides/index.html">Slides of version {v}</a></li>')
        for name in edition.files:
            kind = next(text for key, text in KINDS.items() if key.format(v=v) == name)
            rows.append(f'<li><a href="{v}/downloads/{name}">{name}</a>: {kind}</li>')
        newest = " (newest)" if edition is editions[0] else ""
        parts.append(f"<h2>Version {v}{newest}</h2>\n<ul>\n" + "\n".join(rows) + "\n</ul>")
    return page(TITLE, "\n".join(parts))


def not_found(url: str, editions: list[Edition]) -> str:
    """Write what a host shows for an address that leads nowhere, at whatever depth that is.

    Without the site's address a script takes it from the one that was asked for: it ends where
    that of a version begins.
    """
    base = f'<base href="{escape(urlsplit(url).path.rstrip("/"))}/">\n' if url else ""
    names = json.dumps(["latest", *(edition.version for edition in editions)])
    script = (
        "<script>\n(() => {\n  const parts = location.pathname.split('/');\n"
        f"  const depth = parts.findIndex((part) => {names}.includes(part));\n"
        "  const base = document.createElement('base');\n"
        "  base.href = parts.slice(0, depth < 0 ? -1 : depth).join('/') + '/';\n"
        "  document.head.append(base);\n})();\n</script>\n"
    )
    body = '<p>There is no such page. <a href="index.html">All versions of the book</a></p>'
    return page("Page not found", body, head=base or script)


def write_top(site: Path, editions: list[Edition], url: str) -> None:
    """Write what is around the versions."""
    newest = editions[0]
    data = json.dumps([asdict(edition) for edition in editions], indent=1) + "\n"
    files = {
        "versions.json": data,
        "versions.js": f"window.cozadVersions = {data.rstrip()};\n",
        "index.html": front_page(editions, site),
        "404.html": not_found(url, editions),
        ".nojekyll": "",  # else a host leaves out what begins with _
    }
    if url:
        pages = "".join(
            f"<url><loc>{escape(url)}/{newest.version}/{name}</loc></url>\n"
            for name in newest.pages
        )
        files["sitemap.xml"] = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n'
        )
        files["robots.txt"] = f"User-agent: *\nAllow: /\nSitemap: {url}/sitemap.xml\n"
    for name in sorted({name for edition in editions for name in edition.pages}):
        there = name if name in newest.pages else "index.html"
        files[f"latest/{name}"] = redirect(
            f"{'../' * (name.count('/') + 1)}{newest.version}/{there}"
        )
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    shutil.copytree(OWN, site, dirs_exist_ok=True)


def kept_editions(old: Path) -> list[Edition]:
    """Give the versions of the site that is there; stop if it holds what is not of this tool."""
    if reason := own_folder.obstacle(old.parent, old.name, deep=True):
        raise CozadError(f"{old} {reason}")
    names = {path.name for path in old.iterdir()} if old.is_dir() else set()
    if not names:
        return []
    data = old / "versions.json"
    kept = json.loads(data.read_text(encoding="utf-8")) if data.is_file() else []
    editions = [Edition(**entry) for entry in kept]
    if foreign := sorted(names - TOP - {edition.version for edition in editions}):
        raise CozadError(f"{old} holds {', '.join(foreign)}, which make did not put there: move it")
    return editions


def make_site(releases: Path, site: Path, *, url: str = "", drafts: bool = False) -> list[Edition]:
    """Write the site aside, then put it in place of the older one; give its versions."""
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise CozadError(f"SITE_URL is {url}: give the site's address, as https://example.org/book")
    found = [path.parent for path in sorted(releases.glob("[!.]*/release.json"))]
    about = {path: json.loads((path / "release.json").read_text()) for path in found}
    chosen = [path for path in found if drafts or not about[path]["draft"]]
    with only_writer(site):
        kept = {edition.version: edition for edition in kept_editions(site)}
        if not chosen and not kept:
            drawn = "only drafts, for a trial: make site DRAFT=1" if found else "no release"
            raise CozadError(f"{releases} holds {drawn}; for a release: make release")
        with atomic_folder(site, replace=True) as new:
            new.mkdir()
            editions = [add_release(path, new) for path in chosen]
            for version in kept.keys() - {entry["version"] for entry in about.values()}:
                shutil.copytree(site / version, new / version)
                editions.append(kept[version])
            editions.sort(key=lambda edition: Version(edition.version), reverse=True)
            write_top(new, editions, url.rstrip("/"))
    return editions


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--drafts", action="store_true", help="drafts too, for a trial")
    options = parser.parse_args(arguments)
    site, url = ROOT / "build" / "site", os.environ.get("SITE_URL", "")
    editions = make_site(ROOT / "build" / "release", site, url=url, drafts=options.drafts)
    print(f"{', '.join(edition.version for edition in editions)} in {os.path.relpath(site)}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("site", lambda: main(sys.argv[1:])))
