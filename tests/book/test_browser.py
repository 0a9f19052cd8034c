"""The pages in a real browser: no request leaves, nothing fails, everything can be reached."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import html_checks
import vendor
from notebooks import BOOK

# To look at the pages: COZAD_SHOTS=1 stores a picture of each here.
SHOTS = BOOK / "_build" / "shots" if os.environ.get("COZAD_SHOTS") else None
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *values: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(html: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Watched:
    """A tab that writes down what goes wrong in it."""

    def __init__(self, browser: Any, size: str = "desktop", scheme: str = "light") -> None:
        width, height = SIZES[size]
        self.tab = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.faults: list[str] = []
        self.tab.on("request", self.request)
        self.tab.on("requestfailed", lambda r: self.faults.append(f"failed: {r.url[:200]}"))
        self.tab.on(
            "response", lambda r: r.status < 400 or self.faults.append(f"{r.status}: {r.url}")
        )
        self.tab.on("console", lambda m: m.type != "error" or self.faults.append(m.text[:300]))
        self.tab.on("pageerror", lambda e: self.faults.append(str(e)[:300]))

    def request(self, request: Any) -> None:
        local = ("http://127.0.0.1:", "data:", "blob:", "file:")
        if not request.url.startswith(local):
            self.faults.append(f"asks another machine: {request.url}")

    def open(self, url: str) -> Any:
        self.tab.goto(url, wait_until="load")
        # A page that changes its theme fades: what counts are its colours at rest.
        self.tab.add_style_tag(content="* { transition: none !important; }")
        self.tab.wait_for_timeout(150)
        return self.tab


@pytest.fixture
def watch(browser: Any) -> Iterator[Any]:
    tabs: list[Watched] = []

    def new(*look: str) -> Watched:
        tabs.append(Watched(browser, *look))
        return tabs[-1]

    yield new
    for watched in tabs:
        watched.tab.close()


def names(html: Path) -> list[str]:
    return [p.relative_to(html).as_posix() for p in html_checks.pages(html)]


def explorers(html: Path) -> list[str]:
    return [n for n in names(html) if html_checks.parse(html / n).select(".explorer")]


@pytest.fixture(scope="module")
def axe() -> Path | None:
    """The accessibility checker, or nothing where it is not there and the network neither."""
    try:
        return vendor.fetch("tests") / "axe.min.js"
    except vendor.VendorError:
        return None


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# Rules that a theme can break, and those that it cannot.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
STRUCTURE = {"type": "tag", "values": AXE_TAGS}
# Of a page's structure, what a narrow screen alone can break: it makes more parts scroll.
NARROW = {"type": "rule", "values": ["scrollable-region-focusable", "target-size"]}
# Pages that have all that only a phone shows: menus, and a chapter's contents.
ON_A_PHONE = ("index.html", "chapters/01_first_result.html", "appendix/glossary.html")


# Marks one of all elements with text of their own that a style sheet cannot tell apart: by their
# tags, attributes and places among others, up to the root. Their colours are the same.
ONE_OF_EACH_LOOK = """() => {
  const looks = new Map([[document.documentElement, '']]), seen = new Set();
  const own = e => {
    const names = e.getAttributeNames().filter(n => n !== 'data-look').join();
    const place = [!e.previousElementSibling, !e.nextElementSibling];
    if (['TR', 'LI', 'DT', 'DD'].includes(e.tagName))
      place.push([...e.parentElement.children].indexOf(e) % 2);
    return [e.tagName, e.getAttribute('class'), e.getAttribute('style'), names, place];
  };
  const look = e => {
    if (!looks.has(e)) looks.set(e, look(e.parentElement) + '>' + JSON.stringify(own(e)));
    return looks.get(e);
  };
  for (const e of document.body.querySelectorAll('*')) {
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !seen.has(look(e))) {
      seen.add(look(e));
      e.setAttribute('data-look', '');
    }
  }
  return seen.size;
}"""


def serious(tab: Any, axe: Path, rules: dict[str, Any]) -> list[str]:
    """What axe finds by some rules. Of colours one element of each look is enough."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": rules}
    if not tab.evaluate("Boolean(window.axe)"):
        tab.add_script_tag(path=axe)
    where, colours = "document", list[str]()
    if rules is STRUCTURE:
        options["rules"] = {rule: {"enabled": False} for rule in COLOURS["values"]}
        colours = serious(tab, axe, COLOURS)
    elif rules is COLOURS:
        assert tab.evaluate(ONE_OF_EACH_LOOK) > 0
        where = "{include: [['[data-look]']]}"
    violations = tab.evaluate(f"options => axe.run({where}, options)", options)["violations"]
    return colours + [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


def rules_for(name: str, size: str, *, first: bool) -> dict[str, Any] | None:
    """Choose what can differ from what was looked at before: by size, then by theme."""
    if size == "desktop" or name in ON_A_PHONE:
        return STRUCTURE if first else COLOURS
    return NARROW if first else None


# Bytes that a page may ask for, with what its explorers show when they are moved.
LIGHT, WITH_EXPLORERS = 1_500_000, 4_000_000
WEIGHT = """async () => {
  document.querySelectorAll("img[loading=lazy]").forEach(img => img.loading = "eager");
  const waiting = () => [...document.images].some(img => !img.complete);
  for (let i = 0; i < 200 && waiting(); i++) await new Promise(r => setTimeout(r, 20));
  const all = ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind));
  return all.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
}"""

# Whether the page takes a theme within ten seconds.
FOLLOWS = """async wanted => {
  const theme = () => document.documentElement.dataset.theme;
  for (let i = 0; i < 200 && theme() !== wanted; i++) await new Promise(r => setTimeout(r, 50));
  return theme() === wanted;
}"""


@pytest.mark.parametrize(
    ("size", "schemes"), [("desktop", ("light", "dark")), ("phone", ("dark", "light"))]
)
def test_pages_are_quiet_accessible_and_fit(
    html: Path,
    server: str,
    watch: Any,
    axe: Path | None,
    record_property: Any,
    size: str,
    schemes: tuple[str, str],
) -> None:
    watched = watch(size, schemes[0])
    with_explorers = explorers(html)
    if SHOTS:
        SHOTS.mkdir(parents=True, exist_ok=True)
    problems = []
    for name in names(html):
        tab = watched.open(f"{server}/{name}")
        # Of what a phone shows, no theme changes the size.
        both = SHOTS or size == "desktop" or name in ON_A_PHONE
        looks = schemes if both else schemes[:1]
        for scheme in looks:
            tab.emulate_media(color_scheme=scheme)
            follows = tab.evaluate(FOLLOWS, scheme)
            found = watched.faults + ([] if follows else ["does not follow the browser's setting"])
            watched.faults = []
            if SHOTS:
                shot = name.removesuffix(".html").replace("/", "-")
                short = tab.evaluate("document.documentElement.scrollHeight") < 30_000
                tab.screenshot(path=SHOTS / f"{shot}-{size}-{scheme}.png", full_page=short)
            if (beyond := tab.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                found.append(f"is {beyond} pixels too wide")
            rules = rules_for(name, size, first=scheme == schemes[0])
            if axe and rules:
                found += serious(tab, axe, rules)
            problems += [f"{name}, {scheme}: {problem}" for problem in found]
        if size == "desktop":
            weight = tab.evaluate(WEIGHT)
            record_property("weight", (name, f"{weight / 1e6:.2f} MB"))
            assert weight > 100_000, f"{name}: most of the page was not counted"
            if weight > (WITH_EXPLORERS if name in with_explorers else LIGHT):
                problems.append(f"{name} weighs {weight / 1e6:.2f} MB")
    assert problems == []
    if axe is None:
        pytest.skip("all else is well, but axe-core could not be fetched: connect once")


def test_colours_that_fail_in_one_theme_alone_are_found(
    server: str, watch: Any, axe: Path | None
) -> None:
    """Although one element of each look is asked about."""
    if axe is None:
        pytest.skip("axe-core could not be fetched: connect once")
    tab = watch("desktop", "dark").open(f"{server}/chapters/04_confidence.html")
    tab.evaluate(FOLLOWS, "dark")
    assert serious(tab, axe, COLOURS) == []
    for rule, tag in {".highlight .k": '<span class="k"', "main p a": '="std std-doc"'}.items():
        before = tab.add_style_tag(
            content=f"html[data-theme=dark] {rule} {{ color: #444 !important; }}"
        )
        found = serious(tab, axe, COLOURS)
        assert any(problem.startswith("color-contrast") and tag in problem for problem in found)
        before.evaluate("element => element.remove()")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_slider_moves_by_keyboard_without_a_kernel(
    html: Path, server: str, watch: Any, scheme: str
) -> None:
    pages = explorers(html)
    assert pages, "no page has an explorer"
    for name in pages if scheme == "http" else pages[:2]:
        watched = watch()
        tab = watched.open(f"{server}/{name}" if scheme == "http" else (html / name).as_uri())
        for area in tab.locator(".explorer").all():
            slider = area.get_by_role("slider")
            assert area.locator("label").inner_text().strip(), f"{name}: a slider has no name"
            shown, spoken = [], []
            slider.focus()
            tab.keyboard.press("Home")
            for _ in range(3):
                shown.append(area.locator("img:visible").get_attribute("alt"))
                spoken.append(slider.get_attribute("aria-valuetext"))
                assert area.locator("output").inner_text() == spoken[-1]
                tab.keyboard.press("ArrowRight")
            frames = area.locator("img").count()
            assert len(set(shown)) == min(3, frames), f"{name}: {shown}"
            assert len(set(spoken)) == min(3, frames), f"{name}: {spoken}"
            tab.keyboard.press("End")
            picture = area.locator("img:visible")
            tab.wait_for_function(
                "picture => picture.naturalWidth > 0", arg=picture.element_handle()
            )
        assert watched.faults == [], name


def test_quiz_explains_the_chosen_answer(html: Path, server: str, watch: Any) -> None:
    pages = [n for n in names(html) if "cozad-quiz" in (html / n).read_text(encoding="utf-8")]
    assert pages, "no page has a quiz"
    tab = watch("phone").open(f"{server}/{pages[0]}")
    quiz = tab.locator(".cozad-quiz").first
    assert quiz.locator("details p:visible").count() == 0
    quiz.locator("summary").first.focus()
    tab.keyboard.press("Space")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    for place in (0, 1):
        assert quiz.locator("details p").nth(place).is_visible()
    assert quiz.locator("details p:visible").count() == 2
    quiz.locator("summary").first.click()
    assert quiz.locator("details p:visible").count() == 1
    assert quiz.locator("mjx-container, code").count() or "$" not in quiz.inner_text()


def test_search_finds_a_word_of_the_glossary(server: str, watch: Any) -> None:
    watched = watch()
    tab = watched.open(f"{server}/search.html?q=contamination")
    tab.wait_for_selector("ul.search li a")
    assert any("lossary" in text for text in tab.locator("ul.search li").all_inner_texts())
    assert watched.faults == []


def test_search_shows_chapters_and_glossary_before_functions(server: str, watch: Any) -> None:
    tab = watch().open(f"{server}/search.html?q=auroc")
    tab.wait_for_selector("ul.search li a")
    tab.wait_for_timeout(1000)
    found = tab.locator("ul.search li > a").evaluate_all("links => links.map(a => a.pathname)")
    functions = [i for i, path in enumerate(found) if "/appendix/api" in path]
    explained = [i for i, p in enumerate(found) if "/chapters/" in p or "/glossary" in p]
    assert explained and functions and max(explained) < min(functions)


def test_theme_can_be_switched_and_stays(server: str, watch: Any) -> None:
    tab = watch().open(f"{server}/index.html")
    seen = set()
    for _ in range(3):
        tab.locator(".theme-switch-button:visible").first.click()
        seen.add(tab.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}
