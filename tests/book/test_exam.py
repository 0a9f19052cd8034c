"""The bank of questions tells right from wrong; exams hold no key; marks say what went wrong."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import chapter_parts
import exam
from drawing import choose, questions_of, templates

SEEDS = range(200)
# Equations that questions name by their number.
NAMED = {
    "(2.1)": "eq-mean-pool",
    "(2.5)": "eq-statistics",
    "(2.6)": "eq-mahalanobis",
    "(2.7)": "eq-image-score",
    "(3.4)": "eq-alignment",
    "(4.1)": "eq-threshold",
    "(4.2)": "eq-weights",
    "(7.3)": "eq-place-means",
    "(7.6)": "eq-patch-distance",
}


def test_the_bank_covers_the_book() -> None:
    assert len(templates()) >= 20
    assert {t.chapter for t in templates()} == set(range(1, 13))
    assert len({t.name for t in templates()}) == len(templates())


@pytest.mark.parametrize("template", templates(), ids=lambda t: t.name)
def test_right_passes_and_wrong_fails_for_every_seed(template) -> None:  # type: ignore[no-untyped-def]
    texts, seen = set(), set()
    for seed in SEEDS:
        question = template.draw(np.random.default_rng([seed, 1]))
        texts.add(question.text)
        values = [question.answer, *question.mistakes.values()]
        assert np.isfinite(values).all() and abs(question.answer) > 1e-3
        assert question.is_right(question.answer)
        assert question.is_right(float(f"{question.answer:.3g}"))  # three digits are enough
        for why, value in question.mistakes.items():
            assert not question.is_right(value), why
            assert question.diagnosis(value) == why
        seen |= set(question.mistakes)
        assert len(question.mistakes) >= 1
    assert len(seen) >= 2
    assert len(texts) >= (10 if question.whole else 40)


def test_numbers_of_equations_are_those_of_the_book() -> None:
    named = set()
    for template in templates():
        named |= set(re.findall(r"\(\d+\.\d\)", template.draw(np.random.default_rng(0)).text))
    assert named == set(NAMED)
    chapters = {c.number: c for c in chapter_parts.chapters()}
    for number, label in NAMED.items():
        chapter = chapters[int(number.strip("()").split(".")[0])]
        assert f"({chapter.equation(label)[1]})" == number


@pytest.fixture
def written(tmp_path: Path) -> Path:
    names = tmp_path / "names.csv"
    names.write_text("id,name\nada,Ada Lovelace\ngrace,=Grace\n", encoding="utf-8")
    out = tmp_path / "exam"
    assert exam.main(["--seed", "7", "--students", str(names), "--out", str(out)]) == 0
    return out


def fill(path: Path, answers: dict[int, str]) -> None:
    """Answer as a student does."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id.startswith("answer-"):
            n = int(cell.id.removeprefix("answer-"))
            cell.source = cell.source.replace("None", answers.get(n, "None"))
    nbformat.write(notebook, path)


def test_students_get_their_own_numbers_and_no_key(written: Path) -> None:
    key = json.loads((written / "teacher" / "key.json").read_text(encoding="utf-8"))
    texts = {}
    for path in sorted((written / "students").iterdir()):
        notebook = nbformat.read(path, as_version=4)
        texts[path.stem] = "\n".join(cell.source for cell in notebook.cells)
        raw = path.read_text(encoding="utf-8")
        for question in key["students"][path.stem]["questions"]:
            assert repr(question["answer"]) not in raw or float(question["answer"]).is_integer()
            assert not any(why in raw for why in question["wrong"])
        assert not re.search("tolerance|wrong|template|teacher", raw) and str(written) not in raw
    assert set(texts) == {"ada", "grace"} and texts["ada"] != texts["grace"]
    titles = [re.findall(r"^## \d+\. (.+)$", text, re.MULTILINE) for text in texts.values()]
    assert titles[0] == titles[1] and len(titles[0]) == 12
    assert sorted({re.search(r"chapter (\d+)", t)[1] for t in titles[0]}, key=int) == [
        str(n) for n in range(1, 13)
    ]


def test_marks_are_right_and_say_what_went_wrong(written: Path, tmp_path: Path) -> None:
    key_path = written / "teacher" / "key.json"
    key = json.loads(key_path.read_text(encoding="utf-8"))
    questions = key["students"]["ada"]["questions"]
    answers = {n: f"{q['answer']:.4g}" for n, q in enumerate(questions, start=1)}
    why, value = next(iter(questions[2]["wrong"].items()))
    answers[3] = repr(value)
    answers[4] = "__import__('os').system('touch pwned')"
    del answers[5]
    fill(written / "students" / "ada.ipynb", answers)
    (written / "students" / "grace.ipynb").unlink()
    out = tmp_path / "marks.csv"
    arguments = ["--mark", str(written / "students"), "--key", str(key_path), "--out", str(out)]
    assert exam.main(arguments) == 0
    with out.open(encoding="utf-8", newline="") as stream:
        ada, grace = csv.DictReader(stream)
    assert (ada["points"], ada["of"], ada["q3"], ada["q1"]) == ("45", "60", "0", "5")
    assert f"q3: {why}" in ada["remarks"] and "q4: no number" in ada["remarks"]
    assert grace["points"] == "0" and "nothing came back" in grace["remarks"]
    assert grace["name"] == "'=Grace"
    assert not Path("pwned").exists()
    assert exam.main(arguments) == 2  # a table that is there is not written over


def test_the_same_seed_gives_the_same_exam() -> None:
    chosen = choose(7, 12)
    assert [t.name for t in chosen] == [t.name for t in choose(7, 12)]
    first, again = questions_of(7, "ada", chosen), questions_of(7, "ada", chosen)
    assert [q.text for q in first] == [q.text for q in again]
    assert [t.name for t in choose(8, 12)] != [t.name for t in chosen]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nAda\n", "columns id and name"),
        ("id,name\na,A\nA,B\n", "occurs twice"),
        ("id,name\n../x,A\n", "is no id"),
        ("id,name\na,J\udce9r\n", "is no table"),
    ],
)
def test_bad_lists_are_refused(tmp_path: Path, capsys, text: str, message: str) -> None:  # type: ignore[no-untyped-def]
    names = tmp_path / "names.csv"
    names.write_text(text, encoding="utf-8", errors="surrogateescape")
    out = tmp_path / "exam"
    assert exam.main(["--seed", "7", "--students", str(names), "--out", str(out)]) == 2
    assert message in capsys.readouterr().err and not out.exists()
