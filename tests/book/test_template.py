"""What every chapter has: objectives, times, exercises before their answers, a quiz, key points."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import reading
from cozad_book.own.pieces import CHAPTERS as PIECES
from notebooks import BOOK

CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))
CAPSTONE = BOOK / "chapters" / "capstone.ipynb"

# The three parts of the opening admonition, then headings of level 2 that no chapter lacks: the
# explorer's goes on to say what is explored. All others tell the chapter's own story.
OPENING = ("You will learn", "You need", "Time")
EXPLORE = "Explore: "
LANDMARKS = (
    "What can go wrong",
    "Your detector",
    "Quiz",
    "Full run",
    "Key points",
    "References",
)
DIFFICULTIES = ("easy", "medium", "hard")

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def prose(notebook: NotebookNode) -> str:
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def outside_code(text: str) -> str:
    """Blank out plain code blocks, in which # is no heading."""
    return re.sub(r"^```(?!\{).*?^```", "", text, flags=re.M | re.S)


def sections(notebook: NotebookNode) -> dict[str, str]:
    """Give title and content, code cells included, of each section of level 2, in order."""
    parts: dict[str, str] = {}
    heading = ""
    for cell in notebook.cells:
        text = outside_code(cell.source) if cell.cell_type == "markdown" else cell.source
        if cell.cell_type != "markdown":
            parts[heading] = parts.get(heading, "") + text + "\n"
            continue
        for line in text.splitlines():
            if match := re.match(r"## (.+)", line):
                heading = match[1].strip()
                assert heading not in parts, f"the heading {heading!r} occurs twice"
                parts[heading] = ""
            else:
                parts[heading] = parts.get(heading, "") + line + "\n"
    return parts


def exercises(notebook: NotebookNode) -> list[str]:
    return re.findall(r"^(`{3,}|:{3,})\{exercise\}(.*?)^\1\s*$", prose(notebook), re.M | re.S)


@each_chapter
def test_opening_says_what_is_learnt_needed_and_how_long(path: Path) -> None:
    first = read(path).cells[0].source
    titles = re.findall(r"^# (.+)", prose(read(path)), re.M)
    assert len(titles) == 1 and first.startswith(f"# {titles[0]}"), "one title, at the top"
    opening = sections(read(path))[""]
    assert re.search(r"^(:::|```)\{(admonition|tip|note|important)\}", opening, re.M)
    at = [opening.find(name) for name in OPENING]
    assert -1 not in at and at == sorted(at), f"the opening needs {', '.join(OPENING)}, in order"
    learn, need, time = (opening[a:b] for a, b in zip(at, [*at[1:], len(opening)], strict=True))
    assert 3 <= len(re.findall(r"^\s*[-*] ", learn, re.M)) <= 5, "three to five things to learn"
    assert re.search(r"\{(doc|ref)\}`|\]\(", need), "link what is needed"
    assert len(re.findall(r"\d+\s*(?:min|s\b|seconds?|minutes?)", time)) >= 2, (
        "times for reading and exercises"
    )


def test_minutes_follow_the_rule_in_chapter_and_readme() -> None:
    """Check each chapter's minutes for reading and exercises; the first page computes them."""
    index = (BOOK / "index.md").read_text(encoding="utf-8")
    readme = (BOOK.parent / "README.md").read_text(encoding="utf-8")
    for path in [*CHAPTERS, CAPSTONE]:
        notebook = read(path)
        pattern = r"\*\*Time\*\*: (\d+) min\w* reading, (\d+) min"
        time = re.search(pattern, notebook.cells[0].source)
        assert time, f"{path.name}: **Time**: N min reading, N min exercises"
        ruled = reading.reading_minutes(notebook), reading.exercise_minutes(notebook)
        assert tuple(map(int, time.groups())) == ruled, f"{path.name}: see book/_tools/reading.py"
        in_readme = re.search(rf"{path.name}\).*\| (\d+) \| (\d+) \|$", readme, re.M)
        assert path.name in index and in_readme, f"{path.name} is not on the first page or README"
        assert time.groups() == in_readme.groups(), path.name


@each_chapter
def test_sections_are_there_in_order_and_not_empty(path: Path) -> None:
    parts = sections(read(path))
    found = [h.partition(EXPLORE)[1] or h for h in parts if h.startswith((EXPLORE, *LANDMARKS))]
    assert found == [EXPLORE, *LANDMARKS]
    assert [h for h, text in parts.items() if not text.strip()] == [], "empty sections"


def test_headings_say_what_is_below_them() -> None:
    """What could head a section of any chapter, such as "Why", would stand in two of them."""
    own = [h for path in CHAPTERS for h in sections(read(path)) if h and h not in LANDMARKS]
    assert sorted(own) == sorted(set(own))
    assert not {"Why", "The idea in a picture", "A small run", "The equation"} & {*own}


@each_chapter
def test_headings_step_down_one_level_at_a_time(path: Path) -> None:
    levels = [len(h) for h in re.findall(r"^(#+) ", outside_code(prose(read(path))), re.M)]
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


@each_chapter
def test_the_equation_is_numbered_and_referred_to(path: Path) -> None:
    text = prose(read(path))
    labels = re.findall(r"^\$\$\s*\(([\w:-]+)\)", text, re.M)
    labels += re.findall(r"\{math\}[^`:]*?:label: *([\w:-]+)", text, re.S)
    assert labels, "no equation has a label"
    unused = [label for label in labels if "{eq}`" + label + "`" not in text]
    assert unused == [], "equations that the text never refers to"


@each_chapter
def test_code_and_functions_come_from_the_package(path: Path) -> None:
    code = "\n".join(c.source for c in read(path).cells if c.cell_type == "code")
    assert "from cozad_teach" in code or "import cozad_teach" in code
    assert "show_source(" in code, "show the package's own source, never a copy"


# What gives the answer of an exercise away: functions whose source chapters show. Without any, the
# package has none that is like it.
ANSWERS = {
    "confidence.iqr_threshold": {"iqr_threshold"},
    "confidence.soft_weights": {"soft_weights"},
    "confidence.weigh_repeatedly": {"support_weights"},
    "confidence.weighted_covariance": {"gaussian_statistics"},
    "contrastive.alignment": {"alignment"},
    "contrastive.info_nce": {"info_nce_loss"},
    "contrastive.supervised": {"supervised_contrastive_loss"},
    "covariance.decay_strength": {"decay_strength"},
    "covariance.loss_covariance": {"loss_covariance"},
    "cozad.covariance_with_prior": {"gaussian_statistics"},
    "cozad.nearest_elsewhere": {"nearest_distances", "patch_distances"},
    "evaluation.average_precision": {"average_precision"},
    "evaluation.paired_interval": set(),
    "evaluation.per_region_overlap": {"pro_area"},
    "experiments.contaminated_support": set(),
    "experiments.seed_interval": {"over_seeds"},
    "factorial.interaction": {"interactions"},
    "factorial.main_effects": {"main_effects"},
    "features.mean_pool": {"mean_pool"},
    "features.standardise": {"standardise"},
    "maml.inner_loop": {"inner_loop"},
    "maml.outer_gradient": {"outer_gradient"},
    "maml.reptile_step": {"outer_gradient"},
    "metrics.image_auroc": {"auroc"},
    "scoring.image_scores": {"image_scores"},
    "scoring.mahalanobis": {"mahalanobis"},
    "thresholds.alarm_limits": {"first_drift"},
    "thresholds.conformal_threshold": {"conformal_threshold"},
    "training.feature_bytes": {"feature_bytes"},
    "training.round_to_bits": set(),
}


def test_exercises_come_before_their_answers_and_the_package_after() -> None:
    """In the order of the book: what one chapter shows, no later exercise may ask for."""
    asked: set[str] = set()
    shown: dict[str, str] = {}
    for path in CHAPTERS:
        for cell in read(path).cells:
            if cell.cell_type != "code":
                continue
            for name in re.findall(r'^check_exercise\("([\w.]+)"', cell.source, re.M):
                early = ANSWERS[name] & set(shown)
                assert not early, f"{name} in {path.name}: {early} stands above, in {shown}"
                asked.add(name)
            for listed in re.findall(r"^show_source\(([^)]*)\)", cell.source, re.M):
                for name in re.findall(r"(\w+)\s*(?:,|$)", listed):
                    shown.setdefault(name, path.name)
    assert asked == set(ANSWERS)
    missing = [
        name for name, functions in ANSWERS.items() if functions and not functions & {*shown}
    ]
    assert not missing, "show the package's version, to be compared with one's own"


@each_chapter
def test_every_figure_has_a_text_alternative(path: Path) -> None:
    missing = []
    for i, cell in enumerate(read(path).cells):
        kinds = {kind for o in cell.get("outputs", []) for kind in o.get("data", {})}
        shows = any(kind.startswith("image/") for kind in kinds)
        if shows and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip():
            missing.append(f"cell {i}: add mystnb.image.alt to the metadata of the cell")
        if cell.cell_type == "markdown":
            missing += [f"cell {i}: {m}" for m in re.findall(r"!\[\s*\]\([^)]*\)", cell.source)]
            figures = re.findall(r"\{(?:figure|image)\}(.*?)(?:```|:::)", cell.source, re.S)
            missing += [f"cell {i}: a figure" for f in figures if ":alt:" not in f]
        if "frame_slider(" in cell.source and cell.cell_type == "code":
            assert "alt=" in cell.source, f"cell {i}: an explorer without alt"
    assert missing == []


@each_chapter
def test_terms_link_to_the_glossary_where_they_are_used_first_and_only_there(path: Path) -> None:
    notebook = read(path)
    figures = [c.metadata.get("mystnb", {}).get("figure", {}) for c in notebook.cells]
    text = "\n\n".join([prose(notebook), *(f.get("caption", "") for f in figures)])
    linked = re.findall(r"glossary\.md#(term-[\w-]+)\)", text)
    assert len(linked) >= 3 and sorted(linked) == sorted(set(linked))


@pytest.mark.parametrize(
    "path", [*CHAPTERS, *(BOOK / "appendix").glob("*.ipynb")], ids=lambda path: path.stem
)
def test_links_are_those_that_jupyterlab_can_open(path: Path) -> None:
    notebook = read(path)
    figures = [c.metadata.get("mystnb", {}).get("figure", {}) for c in notebook.cells]
    text = "\n\n".join([prose(notebook), *(f.get("caption", "") for f in figures)])
    roles = re.findall(r"\{(?:term|doc|numref|cite(?::\w+)?)\}`[^`]*`", text)
    assert roles == [], "write [text](file.md#label)"
    own = set(re.findall(r"^\$\$\s*\(([\w:-]+)\)", text, re.M))
    used = set(re.findall(r"\{eq\}`([^`]+)`", text))
    assert used <= own, "name the notebook of an equation: [(2.1)](02_features.ipynb#eq-...)"
    files = set(re.findall(r"\]\(([^()#:]+)(?:#[\w-]+)?\)", text))
    assert files and [f for f in files if not (path.parent / f).is_file()] == []


@each_chapter
def test_code_that_the_pages_fold_is_folded_in_jupyterlab_too(path: Path) -> None:
    for cell in read(path).cells:
        if {"hide-input", "remove-input"} & set(cell.metadata.get("tags", [])):
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.id


@each_chapter
def test_exercises_say_how_hard_and_how_long_and_can_be_checked(path: Path) -> None:
    notebook = read(path)
    found = exercises(notebook)
    assert 2 <= len(found) <= 4
    for _, text in found:
        assert any(word in text.lower() for word in DIFFICULTIES), "difficulty: easy, medium, hard"
        assert re.search(r"\d+ min", text), "minutes"
        assert re.search(r":label: *\S+", text), "a label"
    solutions = re.findall(r'^<details class="solution">$', prose(notebook), re.M)
    assert len(solutions) == len(found), "every exercise needs a solution"
    tagged = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    assert len(tagged) == len(solutions), "`make student` leaves out cells tagged as solution"
    for cell in tagged:
        assert re.fullmatch(r'<details class="solution">.*</details>\s*', cell.source, re.S)
    for _, text in found:
        assert "hint" in text.lower(), "every exercise needs a hint"
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert len(re.findall(r"^check_exercise\(", code, re.M)) == len(found)


@each_chapter
def test_bets_stand_before_results_and_the_own_detector_before_the_quiz(path: Path) -> None:
    cells = read(path).cells
    bets = [i for i, c in enumerate(cells) if "predict_first(" in c.source]
    assert len(bets) >= 2, "two results at least are worth a bet"
    for i in bets:
        assert cells[i + 1].cell_type == "code" and cells[i + 1].outputs, "no result follows"
        assert "remove-input" in cells[i].metadata.tags
    own = [i for i, c in enumerate(cells) if "my_detector(" in c.source]
    number = int(path.stem[:2])
    assert len(own) == 1 and f"my_detector(chapter={number})" in cells[own[0]].source
    assert cells[own[0] + 1].source.startswith("## Quiz")
    checked = {name for c in cells for name in re.findall(r'check_exercise\("([^"]+)"', c.source)}
    assert set(PIECES.get(number, ())) <= checked, "a piece of the detector without its exercise"


@pytest.mark.parametrize("path", [*CHAPTERS, CAPSTONE], ids=lambda p: p.stem)
def test_shown_code_fits_its_page(path: Path) -> None:
    """Lines of code end at column 76, but for strings, which nothing breaks."""
    wide = []
    for cell in read(path).cells:
        folded = {"hide-input", "remove-input"} & set(cell.metadata.get("tags", []))
        texts = [cell.source] if cell.cell_type == "code" and not folded else []
        listings = (
            str(o.get("data", {}).get("text/markdown", "")) for o in cell.get("outputs", [])
        )
        texts += [text for text in listings if text.startswith("````python")]
        lines = [line for text in texts for line in text.splitlines()]
        wide += [f"{cell.id}: {line}" for line in lines if len(line) > 76 and '"' not in line]
    assert wide == []


@each_chapter
def test_explorer_quiz_pitfalls_and_key_points_are_what_they_say(path: Path) -> None:
    parts = sections(read(path))
    assert "frame_slider(" in next(text for h, text in parts.items() if h.startswith(EXPLORE))
    assert "Question(" in parts["Quiz"]
    assert len(re.findall(r"^\s*[-*] ", parts["Key points"], re.M)) >= 3
    assert "bibliography.md#" in parts["References"]


def test_sections_reads_headings_but_not_code() -> None:
    text = "# T\n\nopening\n\n## Why\n\nbecause\n\n```python\n## no heading\n```\n\n## Quiz\n"
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("Question()")]
    parts = sections(nbformat.v4.new_notebook(cells=cells))
    assert list(parts) == ["", "Why", "Quiz"]
    assert "because" in parts["Why"] and "Question()" in parts["Quiz"]
