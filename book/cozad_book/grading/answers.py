"""Find the answer to an exercise in the cells of a notebook, and what it needs of other cells.

This parses what strangers wrote, and so runs inside the sandbox only.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

from cozad_book.listings import names_looked_up

__all__ = ["AnswerError", "Cell", "function_in"]

# Magics of a whole cell whose code counts all the same.
_MEASURED = re.compile(r"\A\s*%%(?:time|timeit|capture|prun)\b.*")


class Cell(NamedTuple):
    """A cell of code.

    Attributes
    ----------
    place : str
        What a message calls it, such as ``cell 12``.
    code : str
        As it was handed in.
    """

    place: str
    code: str


class AnswerError(Exception):
    """There is no function to check; the text says why."""


class _Statement(NamedTuple):
    cell: int
    node: ast.stmt


def function_in(cells: Sequence[Cell], exercise: str, name: str = "") -> Any:
    """Give the function that answers an exercise.

    Parameters
    ----------
    cells : sequence of Cell
        In their order. Of a cell only those statements are run that the function needs.
    exercise : str
        The function is what ``check_exercise(exercise, …)`` is given, the last time that it is
        called.
    name : str
        The function's name, where nothing calls ``check_exercise``.

    Returns
    -------
    object
        Whatever stands there; the checker says so if it is no function.

    Raises
    ------
    AnswerError
        If nothing answers the exercise, or the code around the answer does not run.
    """
    parsed = [_parsed(cell, exercise) for cell in cells]
    at, answer = _asked_for(parsed, exercise, name)
    known = [_Statement(i, node) for i, nodes in enumerate(parsed[: at + 1]) for node in nodes]
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        linecache.cache[cell.place] = (0, None, cell.code.splitlines(True), cell.place)
    for statement in _needed(answer, known):
        place = cells[statement.cell].place
        module = ast.Module([statement.node], [])
        try:
            exec(compile(module, place, "exec"), space)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            line = statement.node.lineno
            raise AnswerError(f"{place} stops in line {line} with {told[:300]}") from error
    try:
        return eval(compile(ast.Expression(answer), cells[at].place, "eval"), space)
    except Exception as error:
        raise AnswerError(
            f"{cells[at].place} stops with {type(error).__name__}: {error}"
        ) from error


def _parsed(cell: Cell, exercise: str) -> list[ast.stmt]:
    code = _MEASURED.sub("", cell.code)
    try:
        try:
            return ast.parse(code).body
        except SyntaxError:  # as a rule a magic, such as %matplotlib
            return ast.parse(TransformerManager().transform_cell(code)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if "check_exercise" in cell.code and exercise in cell.code:
            line = getattr(error, "lineno", None)
            where = f"line {line} of {cell.place}" if line else cell.place
            text = getattr(error, "msg", None) or type(error).__name__
            raise AnswerError(f"{where} is no Python: {text}") from error
        return []


def _asked_for(parsed: list[list[ast.stmt]], exercise: str, name: str) -> tuple[int, ast.expr]:
    """Give the last cell that has the exercise checked, and the expression that it hands over."""
    for i in reversed(range(len(parsed))):
        calls = [call for node in parsed[i] for call in ast.walk(node) if _checks(call, exercise)]
        if calls:
            return i, _second_argument(calls[-1])
    for i in reversed(range(len(parsed))):
        if any(isinstance(n, ast.FunctionDef) and n.name == name for n in parsed[i]):
            return i, ast.copy_location(ast.Name(name, ast.Load()), parsed[i][0])
    raise AnswerError("no answer is there: its cell is missing, or calls no `check_exercise`")


def _checks(node: ast.AST, exercise: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    named = getattr(node.func, "id", getattr(node.func, "attr", ""))
    first = node.args[0] if node.args else _keyword(node, "name")
    return named == "check_exercise" and getattr(first, "value", None) == exercise


def _second_argument(node: ast.AST) -> ast.expr:
    assert isinstance(node, ast.Call)
    given = node.args[1] if len(node.args) > 1 else _keyword(node, "function")
    if given is None:
        raise AnswerError("`check_exercise` is given no function")
    return given


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _needed(answer: ast.expr, known: Sequence[_Statement]) -> list[_Statement]:
    """Give the statements, in their order, that bind what the answer looks up, at any depth."""
    wanted = names_looked_up(ast.unparse(answer))
    looked_for = set(dir(builtins))
    # `from numpy import *` may bind anything.
    chosen = {i: s for i, s in enumerate(known) if "*" in _bound(s.node)}
    while wanted:
        name = wanted.pop()
        looked_for.add(name)
        for i in _that_bind(name, known):
            if i not in chosen:
                chosen[i] = known[i]
                wanted |= _looked_up(known[i].node) - looked_for
    return [chosen[i] for i in sorted(chosen)]


def _that_bind(name: str, known: Sequence[_Statement]) -> Iterator[int]:
    """Give the last statement that binds a name anew, and those behind it that change it."""
    for i in reversed(range(len(known))):
        node = known[i].node
        if name in _bound(node):
            yield i
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
                return
            if isinstance(node, ast.Assign | ast.AnnAssign) and name not in _looked_up(node):
                return


def _bound(node: ast.stmt) -> set[str]:
    """Give the names that a statement binds, inside `if`, `try` and loops too."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    found = set[str]()
    for part in ast.walk(node):
        if isinstance(part, ast.alias):
            found.add(part.asname or part.name.partition(".")[0])
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            found.add(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
    return found


def _looked_up(node: ast.stmt) -> set[str]:
    try:
        return names_looked_up(ast.unparse(node))
    except (SyntaxError, RecursionError):
        return set()
