"""The site: versions side by side, found again by every way, from a disk as from a server."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import archives
import book_site
import html_checks
from cozad_teach.errors import CozadError

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><div class="bd-sidebar-primary"><div class="sidebar-primary-item">
<a class="navbar-brand" href="{up}index.html">Home</a></div></div>
<main><article><h1>{title}</h1><p id="deep">Text</p></article></main>
<footer><p class="book-version">Version {version}</p></footer></body></html>
"""


def add_release(root: Path, version: str, pages: list[str], *, draft: bool = False) -> Path:
    """Write a release with a stand-in for a book, and for what comes along."""
    folder = root / "release" / version
    folder.mkdir(parents=True)
    book = {
        name: PAGE.format(title=name, version=version, up="../" * name.count("/")).encode()
        for name in pages
    }
    archives.write_zip(folder / f"book-{version}.zip", {**book, "_static/a.css": b""}, 0)
    archives.write_zip(folder / f"student-{version}.zip", {"01.ipynb": b"{}"}, 0)
    slides = {"index.html": PAGE.format(title="Slides", version=version, up="").encode()}
    archives.write_zip(folder / f"slides-{version}.zip", slides, 0)
    (folder / f"book-{version}.pdf").write_bytes(b"%PDF-")
    about = {"version": version, "commit": version * 8, "draft": draft}
    (folder / "release.json").write_text(json.dumps(about))
    (folder / "SHA256SUMS").write_text(archives.sums(folder))
    return folder


FIRST = ["index.html", "chapters/01.html", "chapters/gone.html"]
SECOND = ["index.html", "chapters/01.html", "chapters/new.html"]
Make = Callable[..., list[book_site.Edition]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def run(**options: Any) -> list[book_site.Edition]:
        return book_site.make_site(tmp_path / "release", tmp_path / "site", **options)

    return run


@pytest.fixture
def site(tmp_path: Path, make: Make) -> Path:
    """A site of two versions, of which the second came later."""
    add_release(tmp_path, "0.9.0", FIRST)
    make()
    add_release(tmp_path, "0.10.0", SECOND)
    make()
    return tmp_path / "site"


def test_a_second_version_keeps_the_first(tmp_path: Path, make: Make) -> None:
    add_release(tmp_path, "0.9.0", FIRST)
    make()
    first = archives.contents(tmp_path / "site" / "0.9.0")
    shutil.rmtree(tmp_path / "release")  # as in a fresh checkout
    add_release(tmp_path, "0.10.0", SECOND)
    assert [edition.version for edition in make()] == ["0.10.0", "0.9.0"]
    site = tmp_path / "site"
    assert archives.contents(site / "0.9.0") == first
    assert "chapters/new.html" in archives.contents(site / "0.10.0")
    listed = json.loads((site / "versions.json").read_text())
    assert [entry["version"] for entry in listed] == ["0.10.0", "0.9.0"]
    assert listed[1]["pages"] == sorted(FIRST)
    assert not list(tmp_path.glob(".*"))


def test_every_link_leads_somewhere(site: Path) -> None:
    assert html_checks.links(site) == []
    assert html_checks.requests(site) == []
    assert not [path for path in site.rglob("*") if path.is_symlink()]
    text = (site / "index.html").read_text()
    for v in ("0.9.0", "0.10.0"):
        for name in (f"book-{v}.pdf", f"student-{v}.zip", f"slides-{v}.zip", "SHA256SUMS"):
            assert f'href="{v}/downloads/{name}"' in text
        assert f'href="{v}/slides/index.html"' in text


def test_latest_leads_to_the_newest_version(site: Path) -> None:
    def leads(name: str) -> str:
        place = re.findall(r'url=([^"]+)"', (site / "latest" / name).read_text())
        return os.path.relpath((site / "latest" / name).parent / place[0], site)

    assert leads("index.html") == "0.10.0/index.html"
    assert leads("chapters/new.html") == "0.10.0/chapters/new.html"
    assert leads("chapters/gone.html") == "0.10.0/index.html"


def test_only_an_address_brings_a_sitemap(site: Path, make: Make) -> None:
    assert not (site / "sitemap.xml").exists() and not (site / "robots.txt").exists()
    assert "<base" not in (site / "404.html").read_text()
    make(url="https://example.org/book/")
    tree = ElementTree.parse(site / "sitemap.xml")
    found = [element.text for element in tree.iter() if element.tag.endswith("loc")]
    assert found == [f"https://example.org/book/0.10.0/{name}" for name in sorted(SECOND)]
    assert "Sitemap: https://example.org/book/sitemap.xml" in (site / "robots.txt").read_text()
    assert '<base href="/book/">' in (site / "404.html").read_text()
    make()
    assert not (site / "sitemap.xml").exists()
    with pytest.raises(CozadError, match=r"SITE_URL is example.org: give .* as https://"):
        make(url="example.org")


def test_drafts_are_not_published(tmp_path: Path, make: Make) -> None:
    with pytest.raises(CozadError, match="no release; for a release: make release"):
        make()
    add_release(tmp_path, "0.9.0", FIRST)
    add_release(tmp_path, "0.10.0", SECOND, draft=True)
    assert [edition.version for edition in make(drafts=True)] == ["0.10.0", "0.9.0"]
    assert [edition.version for edition in make()] == ["0.9.0"]
    assert not (tmp_path / "site" / "0.10.0").exists()


def test_what_is_not_as_it_was_made_is_refused(tmp_path: Path, make: Make) -> None:
    folder = add_release(tmp_path, "0.9.0", FIRST)
    (folder / "book-0.9.0.pdf").write_bytes(b"%PDF-2")
    with pytest.raises(CozadError, match=r"0.9.0 is not as it was made: .*make release"):
        make()
    assert not (tmp_path / "site").exists()


def test_nothing_of_the_users_is_replaced(site: Path, make: Make) -> None:
    (site / "CNAME").write_text("example.org\n")
    with pytest.raises(CozadError, match="holds CNAME, which make did not put there"):
        make()
    (site / "CNAME").unlink()
    (site / "0.9.0" / ".git").mkdir()
    with pytest.raises(CozadError, match="holds a git checkout"):
        make()
    assert (site / "0.9.0" / "index.html").is_file()


def test_a_site_that_fails_leaves_the_older_one(
    site: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = archives.contents(site)
    monkeypatch.setattr(book_site, "write_top", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make()
    assert archives.contents(site) == kept


def test_the_switch_works_from_a_disk(site: Path, browser: Any) -> None:
    page = browser.new_page()
    asked, errors = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / "0.9.0" / "chapters" / "01.html").as_uri())
    assert page.text_content(".version-note").startswith("This page is of version 0.9.0.")
    page.click(".version-switch summary")
    assert page.locator(".version-switch a").all_text_contents() == ["0.10.0 (newest)", "0.9.0"]
    page.click(".version-switch a >> nth=0")
    assert page.url.endswith("/0.10.0/chapters/01.html")
    assert page.locator(".version-note").count() == 0
    page.goto((site / "0.9.0" / "chapters" / "gone.html").as_uri())
    page.click(".version-note a")
    assert page.url.endswith("/0.10.0/index.html")
    page.goto((site / "latest" / "chapters" / "01.html").as_uri() + "#deep")
    page.wait_for_url("**/0.10.0/chapters/01.html#deep")
    page.click("text=Downloads and other versions")
    assert page.url.endswith("/site/index.html")
    assert all(url.startswith("file:") for url in asked) and errors == []
    page.close()


def test_a_missing_page_leads_home_from_any_depth(site: Path, browser: Any) -> None:
    page = browser.new_page()
    text = (site / "404.html").read_text()
    page.route("**/*", lambda route: route.fulfill(status=404, content_type="text/html", body=text))
    for asked, home in {
        "/0.9.0/chapters/none.html": "/",
        "/book/latest/none/at/all.html": "/book/",
        "/none.html": "/",
    }.items():
        page.goto(f"http://127.0.0.1:1{asked}")
        link = page.eval_on_selector("a", "a => a.href")
        assert link == f"http://127.0.0.1:1{home}index.html"
    page.close()
