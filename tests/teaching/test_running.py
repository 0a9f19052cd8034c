"""Whatever an answer does, the checker ends with a true sentence, and nothing is left behind."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from cozad_book.checking import running
from cozad_book.checking.exercises import all_exercises, check_exercise
from cozad_book.checking.limits import OutOfTime, time_limit
from cozad_book.checking.running import Fault, run_answer

X = np.array([1.0, 2.0])


class Broken:
    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise SystemExit

    def __repr__(self) -> str:
        raise ValueError

    __str__ = __repr__


class Mute(Exception):
    def __str__(self) -> str:
        raise Mute


class Loud(Exception):
    def __str__(self) -> str:
        raise SystemExit


def fails(error: BaseException) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        raise error

    return function


def endless_recursion(x: Any) -> Any:
    return endless_recursion(x)


def endless_list(x: Any) -> Any:
    parts: list[Any] = []
    parts.append(parts)
    return parts


@pytest.mark.parametrize(
    ("result", "named"),
    [
        ("1.5", "str"),
        (["1", "2"], "list of text"),
        ([1.0, "2"], "list of text"),
        (np.array(["1", "2"]), "ndarray of text"),
        (b"1", "bytes"),
        (1 + 0j, "complex numbers"),
        (np.array([1 + 5j, 2]), "complex numbers"),
        (torch.tensor([1 + 1j]), "complex numbers"),
        ([torch.tensor(1j)], "complex numbers"),
        ({"a": 1}, "dict"),
        ({1.0, 2.0}, "set"),
        (object(), "object"),
        ([object(), 1], "list of object"),
        ([1.0, None], "list of NoneType"),
        (np.array([None, 1]), "ndarray of NoneType"),
        ([[1, 2], [3]], "list"),
        (np.datetime64("2020-01-01"), "datetime64"),
        ((x for x in X), "a generator"),
        (Broken, "type"),
        (lambda: 1, "function"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_its_name(result: Any, named: str) -> None:
    outcome = run_answer(lambda x: result, (X,))
    assert isinstance(outcome, Fault) and outcome.kind == "type"
    assert outcome.sentence.startswith(f"your function returns {named}")


@pytest.mark.parametrize(
    "result",
    [
        [1, 2],
        (np.float32(1), np.int8(2)),
        [True, 2],
        [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)],
        [[torch.tensor(1)], [torch.tensor(2, dtype=torch.bfloat16)]],
        torch.tensor([1.0, 2.0], requires_grad=True),
        [Fraction(1), Fraction(2)],
        [10**30, 2],
        np.ma.array([1, 2]),
    ],
)
def test_numbers_are_taken_in_any_wrapping(result: Any) -> None:
    outcome = run_answer(lambda x: result, (X,))
    assert isinstance(outcome, np.ndarray) and outcome.dtype == np.float64
    assert outcome.ravel()[1] == 2


def test_a_result_is_copied_before_the_next_call_changes_it() -> None:
    same = np.zeros(2)

    def function(x: np.ndarray) -> np.ndarray:
        same[:] = x
        return same

    first = run_answer(function, (X,))
    run_answer(function, (X + 5,))
    assert np.array_equal(first, X)


@pytest.mark.parametrize(
    ("function", "fragment"),
    [
        (fails(SystemExit(3)), "stops with SystemExit: 3 (a function ends with `return`"),
        (fails(GeneratorExit()), "stops with GeneratorExit"),
        (fails(Mute()), "stops with Mute"),
        (fails(Loud()), "stops with Loud"),
        (fails(ValueError("a\n  b" + 999 * "c")), "stops with ValueError: a b"),
        (lambda x: Broken(), "stops with SystemExit"),
        (lambda x: [Broken()], "your function "),
        (endless_recursion, "stops with RecursionError"),
        (endless_list, "your function "),
        (fails(KeyboardInterrupt()), "when the stop button (■) was pressed"),
        (lambda x: x[7], "(line "),
        (lambda x: np.linalg.inv(x), "np.linalg.inv(x), "),
        (functools.partial(fails(ValueError()), X), "accept 1 argument."),
    ],
)
def test_nothing_escapes_the_checker(function: Any, fragment: str) -> None:
    outcome = run_answer(function, (X,))
    assert isinstance(outcome, Fault), outcome
    assert fragment in outcome.sentence and len(outcome.sentence) < 600
    for name in ("features.mean_pool", "contrastive.alignment"):
        assert check_exercise(name, function).status == "failed"


def test_an_exception_names_the_students_line_not_that_of_a_library() -> None:
    def helper(x: np.ndarray) -> np.ndarray:
        return np.linalg.inv(x)  # of a vector

    def function(x: np.ndarray) -> np.ndarray:
        return helper(x) + 1

    line = helper.__code__.co_firstlineno + 1
    sentence = run_answer(function, (X,)).sentence
    assert sentence.endswith(f"(line {line}: `return np.linalg.inv(x)  # of a vector`)")


def swallows(x: Any) -> Any:
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            x = x + 1


def counts(x: Any) -> Any:
    n = 0
    while n < 10:
        n = n * 1
    return x


def swallows_everything(x: Any) -> Any:
    while True:
        try:
            while True:
                pass
        except:  # noqa: E722
            pass


@pytest.mark.parametrize("function", [swallows, counts, swallows_everything])
def test_an_endless_loop_is_stopped(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_LIMIT_S", 0.3)
    before = signal.getsignal(signal.SIGALRM), sys.gettrace()
    started = time.monotonic()
    verdict = check_exercise("features.mean_pool", function)
    assert time.monotonic() - started < 5
    assert verdict.status == "failed" and "did not end within 0.3 seconds" in verdict.message
    assert "each loop" in verdict.message and "■" in verdict.message
    assert (signal.getsignal(signal.SIGALRM), sys.gettrace()) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_that_was_set_before_rings_after_all() -> None:
    rung = []
    former = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with time_limit(5):
            time.sleep(0.01)
        time.sleep(0.4)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_an_import_is_never_stopped_half_way(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_slow_module.py").write_text("import time\ntime.sleep(0.6)\nX = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def function(x: np.ndarray) -> int:
        import a_slow_module

        return a_slow_module.X

    monkeypatch.setattr(running, "_LIMIT_S", 0.25)
    assert run_answer(function, (X,)) == 1


def test_off_the_main_thread_there_is_no_limit_and_no_error() -> None:
    found: list[Any] = []

    def run() -> None:
        with contextlib.suppress(OutOfTime), time_limit(0.01):
            time.sleep(0.1)
            found.append(run_answer(lambda x: x, (X,)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert np.array_equal(found[0], X)


def nested() -> tuple[Any, ...]:
    return ([(X.copy(), X + 1), [X + 2]], {"a": X + 3}, torch.ones(2), np.array([np.nan]))


def set_item(a: Any, b: Any, c: Any, d: Any) -> Any:
    a[0][1][0] = 9
    return 1


def subtract(a: Any, b: Any, c: Any, d: Any) -> Any:
    for x, _ in a[:1]:
        x -= 1
    return 1


def pop(a: Any, b: Any, c: Any, d: Any) -> Any:
    a.pop()
    return 1


def empty(a: Any, b: Any, c: Any, d: Any) -> Any:
    b.clear()
    return 1


def replace(a: Any, b: Any, c: Any, d: Any) -> Any:
    b["a"] = 2
    return 1


def in_torch(a: Any, b: Any, c: Any, d: Any) -> Any:
    c.mul_(2)
    return 1


def to_number(a: Any, b: Any, c: Any, d: Any) -> Any:
    np.nan_to_num(d, copy=False)
    return 1


@pytest.mark.parametrize("function", [set_item, subtract, pop, empty, replace, in_torch, to_number])
def test_a_changed_argument_is_noticed_at_any_depth(function: Any) -> None:
    outcome = run_answer(function, nested())
    assert isinstance(outcome, Fault) and outcome.kind == "in place"


def test_unchanged_arguments_are_no_fault() -> None:
    assert run_answer(lambda a, b, c, d: 1, nested()) == 1


def test_tasks_that_are_changed_are_noticed() -> None:
    def centred(theta: np.ndarray, tasks: Any, rate: float) -> np.ndarray:
        for _, y, _, _ in tasks:
            y -= y.mean()
        return theta

    def popped(theta: np.ndarray, tasks: Any, rate: float) -> np.ndarray:
        tasks.pop()
        return theta

    for function in (centred, popped):
        assert "changes its input" in check_exercise("maml.outer_gradient", function).message


def left_behind() -> dict[str, Any]:
    return {
        "numpy random": np.random.get_state()[1].tolist(),
        "python random": random.getstate(),
        "torch random": torch.get_rng_state().tolist(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "errors": np.geterr(),
        "print": np.get_printoptions(),
        "filters": list(warnings.filters),
        "functions": (np.mean, np.linalg.norm, torch.mean, abs, torch.Tensor.mean, running.Fault),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "stdout": sys.stdout,
        "path": list(sys.path),
        "depth": sys.getrecursionlimit(),
    }


def test_nothing_that_an_answer_changes_reaches_later_cells(tmp_path: Any) -> None:
    import builtins

    def messy(z: np.ndarray) -> np.ndarray:
        np.random.seed(1), random.seed(1), torch.manual_seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.set_num_threads(torch.get_num_threads() + 1)
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        warnings.simplefilter("always")
        for space, name in ((np, "mean"), (np, "asarray"), (np.linalg, "norm"), (torch, "mean")):
            setattr(space, name, lambda *_, **__: 3.0)
        for space, name in ((builtins, "abs"), (torch.Tensor, "mean"), (running, "Fault")):
            setattr(space, name, lambda *_, **__: 3.0)
        np.isclose = np.allclose = lambda *_, **__: True
        os.chdir(tmp_path)
        os.environ["NEW"] = "1"
        sys.stdout = sys.stderr
        sys.path.insert(0, "elsewhere")
        sys.setrecursionlimit(2000)
        return z

    before = left_behind()
    assert check_exercise("features.mean_pool", messy).status == "failed"
    assert left_behind() == before
    from tests.teaching.test_exercises import pool_by_shifts

    assert check_exercise("features.mean_pool", pool_by_shifts).passed


def test_an_answer_cannot_ask_for_the_right_one() -> None:
    name = "contrastive.alignment"
    known = all_exercises()[name].reference

    def looks_it_up(e: np.ndarray) -> Any:
        return all_exercises()[name].reference(e)

    def caught(e: np.ndarray) -> Any:
        try:
            return known(e)
        except BaseException:
            return 0.0

    for function in (looks_it_up, known, lambda e: known(e), caught):
        verdict = check_exercise(name, function)
        assert verdict.status == "failed" and "write it yourself" in verdict.message
    assert known(np.eye(2)) == pytest.approx(2), "afterwards it answers again"


def test_a_function_that_prints_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    def prints(z: np.ndarray) -> None:
        print("the sum is", z.sum())

    verdict = check_exercise("features.mean_pool", prints)
    assert verdict.status == "failed"
    assert "prints, and returns nothing: `return` the result" in verdict.message
    assert "the sum is" in capsys.readouterr().out
    assert check_exercise("features.mean_pool", lambda z: print()).status == "to do"


def test_one_wrong_number_is_not_counted() -> None:
    verdict = check_exercise("contrastive.alignment", lambda e: 17.0)
    assert "1 of 1" not in verdict.message
    assert verdict.message.startswith("On 5 embeddings of 3 numbers, it gives 17, expected is ")


def test_a_function_of_the_package_is_no_answer() -> None:
    from cozad_teach.confidence import iqr_threshold
    from cozad_teach.evaluation import metrics

    def by_import(scores: Any, gamma: float) -> Any:
        return iqr_threshold(torch.from_numpy(scores), gamma).numpy()

    def inside(scores: Any, gamma: float) -> Any:
        def helper(values: Any) -> Any:
            return iqr_threshold(torch.from_numpy(values), gamma)

        with contextlib.suppress(Exception):
            return helper(scores)

    for answer in (by_import, inside):
        verdict = check_exercise("confidence.iqr_threshold", answer)
        assert verdict.status == "failed"
        assert "calls `iqr_threshold` of `cozad_teach.confidence`: write it yourself" in (
            verdict.message
        )
    verdict = check_exercise("metrics.image_auroc", metrics.image_auroc)
    assert not verdict.passed and "`image_auroc` of `cozad_teach.evaluation.metrics`" in (
        verdict.message
    )

    def right(scores: Any, gamma: float) -> Any:
        from cozad_teach import settings  # to import is not to call

        print(settings.LITE.gamma)
        low, high = np.percentile(scores, [25, 75])
        return high + gamma * (high - low)

    before = sys.getprofile()
    assert check_exercise("confidence.iqr_threshold", right).passed
    assert sys.getprofile() is before


def test_a_function_of_the_bank_is_no_answer_by_whatever_name() -> None:
    from cozad_book.exercises.features_mean_pool import _mean_around as around

    def pooled(features: np.ndarray) -> np.ndarray:
        return around(features, 1, 1)

    verdict = check_exercise("features.mean_pool", pooled)
    assert verdict.status == "failed"
    assert "calls `_mean_around` of `cozad_book.exercises.features_mean_pool`" in verdict.message


def test_what_the_capstone_gives_may_be_called() -> None:
    from cozad_book import given

    def embedded(z: torch.Tensor, A: torch.Tensor) -> torch.Tensor:
        given.unpack(torch.zeros(6))
        turned = z + z @ A.mT
        return turned * z.shape[-1] ** 0.5 / turned.norm(dim=-1, keepdim=True)

    assert check_exercise("capstone.embed", embedded).passed
