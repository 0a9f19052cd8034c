"""Exercise cozad.nearest_elsewhere. The wrong answers are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def nearest_elsewhere(embeddings: np.ndarray, radius: int) -> np.ndarray:
    """Give each patch of (h, w, D) its distance to the nearest one beyond the radius, (h, w)."""
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


def _places(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices(embeddings.shape[:2])
    return rows.ravel(), columns.ravel()


def _apart(embeddings: np.ndarray) -> np.ndarray:
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    return np.asarray(np.linalg.norm(patches[:, None] - patches, axis=-1))


def _least(embeddings: np.ndarray, near: np.ndarray) -> np.ndarray:
    found = np.where(near, np.inf, _apart(embeddings)).min(axis=1)
    return np.asarray(found.reshape(embeddings.shape[:2]))


def _itself(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return np.zeros(embeddings.shape[:2])


def _only_not_itself(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, 0)


def _by_number(embeddings: np.ndarray, radius: int) -> np.ndarray:
    numbers = np.arange(embeddings[..., 0].size)
    return _least(embeddings, abs(numbers[:, None] - numbers) <= radius)


def _diamond(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) + abs(columns[:, None] - columns) <= radius)


def _at_the_radius(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, radius - 1)


def _farthest(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return np.asarray(_apart(embeddings).max(axis=1).reshape(embeddings.shape[:2]))


def _squared(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, radius) ** 2


def _inside(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    apart = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
    return _least(embeddings, (apart > radius) | (apart == 0))


def _both_far(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.minimum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


def _circle(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    return _least(embeddings, np.hypot(rows[:, None] - rows, columns[:, None] - columns) <= radius)


def _rows_alone(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, _ = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) <= radius)


def _one_side(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = (rows[:, None] - rows <= radius) & (columns[:, None] - columns <= radius)
    return _least(embeddings, near)


def _sum_of_sizes(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    apart = abs(patches[:, None] - patches).sum(-1)
    return np.where(near, np.inf, apart).min(1).reshape(embeddings.shape[:2])


def _number(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return np.where(near, np.inf, _apart(embeddings)).argmin(1).reshape(embeddings.shape[:2])


def _without_window(
    embeddings: np.ndarray,
    radius: int,
    window: Callable[[int, int, int], slice],
    empty: float = np.inf,
) -> np.ndarray:
    """Leave out a window of rows and columns, which `window` may get wrong."""
    height, width, _ = embeddings.shape
    nearest = np.empty((height, width))
    for i, j in np.ndindex(height, width):
        apart = np.linalg.norm(embeddings - embeddings[i, j], axis=-1)
        apart[window(i, radius, height), window(j, radius, width)] = empty
        nearest[i, j] = apart.min()
    return nearest


def _rows_by_height(embeddings: np.ndarray, radius: int) -> np.ndarray:
    height, width, _ = embeddings.shape
    rows, columns = np.arange(height * width) // height, np.arange(height * width) % height
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


def _finite(nearest: np.ndarray, instead: float) -> np.ndarray:
    return np.where(np.isinf(nearest), instead, nearest)


def _mean_elsewhere(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    far = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) > radius
    total = (_apart(embeddings) * far).sum(1) / far.sum(1)
    return np.where(far.any(1), total, np.inf).reshape(embeddings.shape[:2])


def _columns_alone(embeddings: np.ndarray, radius: int) -> np.ndarray:
    _, columns = _places(embeddings)
    return _least(embeddings, abs(columns[:, None] - columns) <= radius)


def _nearest_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(31)
    shapes = (
        *((4, 5, 3, 1, False), (9, 8, 2, 3, False), (3, 4, 2, 2, False)),
        *((3, 8, 4, 1, True), (2, 9, 5, 2, True), (2, 3, 4, 2, True), (4, 3, 2, 0, True)),
    )
    return tuple(
        Case(f"a grid of {h} x {w} and a radius of {r}", (random.normal(size=(h, w, d)), r), hidden)
        for h, w, d, r, hidden in shapes
    )


EXERCISE = Exercise(
    name="cozad.nearest_elsewhere",
    reference=nearest_elsewhere,
    cases=_nearest_cases(),
    mistakes=(
        Mistake(
            "finds itself",
            _itself,
            "All distances are 0: the nearest patch is the patch itself, or you put a 0 where "
            "a pair is too close. Put infinity there.",
        ),
        Mistake(
            "only itself is left out",
            _only_not_itself,
            "You leave out the patch itself, but not its neighbours within the radius, which "
            "look like it because they see the same pixels.",
        ),
        Mistake(
            "counts along the rows",
            _by_number,
            "You compare the numbers of patches. The last of a row and the first of the next "
            "one follow each other and are far apart: compare rows and columns.",
        ),
        Mistake(
            "diamond",
            _diamond,
            "You add the distances in rows and columns, which leaves out a diamond. A square "
            "is meant: the larger of the two counts.",
        ),
        Mistake(
            "at the radius",
            _at_the_radius,
            "Patches exactly at the radius count in your answer. They should be left out.",
        ),
        Mistake(
            "farthest",
            _farthest,
            "You give the distance to the farthest patch. The nearest one is wanted.",
        ),
        Mistake(
            "squared",
            _squared,
            "Your distances are squared.",
        ),
        Mistake(
            "inside the radius",
            _inside,
            "You search among the neighbours. Search everywhere else.",
        ),
        Mistake(
            "both far",
            _both_far,
            "You want rows *and* columns to be far. One of them is enough: a patch far "
            "away in the same row counts.",
        ),
        Mistake(
            "circle",
            _circle,
            "You leave out a circle. A square is meant: the larger of the distances in "
            "rows and columns counts.",
        ),
        Mistake(
            "rows alone",
            _rows_alone,
            "You compare rows alone. A patch far away in the same row counts too.",
        ),
        Mistake(
            "one side alone",
            _one_side,
            "You look to one side only. Distances have no sign: `abs`.",
        ),
        Mistake(
            "other distance",
            _sum_of_sizes,
            "You add the sizes of the differences. The Euclidean distance is wanted: "
            "the root of the sum of squares.",
        ),
        Mistake(
            "number of the patch",
            _number,
            "You return which patch is nearest. Return how far away it is.",
        ),
        Mistake(
            "negative start",
            lambda e, radius: _without_window(e, radius, lambda i, r, n: slice(i - r, i + r + 1)),
            "Near the upper or left border your slice starts below 0, which Python counts from "
            "the end, so that nothing is left out. Start it at max(i - radius, 0).",
        ),
        Mistake(
            "ends too early",
            lambda e, radius: _without_window(
                e, radius, lambda i, r, n: slice(max(i - r, 0), i + r)
            ),
            "Your slice ends too early: it leaves its end out, so that the row i + radius counts.",
        ),
        Mistake(
            "places by the height",
            _rows_by_height,
            "The patches of a flattened grid follow each other along the rows: number n lies in "
            "row `n // w` and column `n % w`, with the width w.",
        ),
        Mistake(
            "0 for none",
            lambda e, radius: _finite(nearest_elsewhere(e, radius), 0.0),
            "Where no patch is far enough you give 0. Give infinity there.",
        ),
        Mistake(
            "not a number for none",
            lambda e, radius: _finite(nearest_elsewhere(e, radius), np.nan),
            "Where no patch is far enough your answer is not a number. Give infinity there.",
        ),
        Mistake(
            "too far by one",
            lambda e, radius: nearest_elsewhere(e, radius + 1),
            "You leave out one row and one column too many on each side: patches at radius + 1 "
            "count.",
        ),
        Mistake(
            "cosine distance",
            lambda e, radius: nearest_elsewhere(
                e / np.linalg.norm(e, axis=-1, keepdims=True), radius
            ),
            "You scale the embeddings to unit length. Take the distance of the embeddings as "
            "they are.",
        ),
        Mistake(
            "per channel",
            lambda e, radius: nearest_elsewhere(e, radius) / np.sqrt(e.shape[-1]),
            "You take the mean over the numbers of an embedding. The Euclidean distance takes "
            "their sum.",
        ),
        Mistake(
            "mean elsewhere",
            _mean_elsewhere,
            "You average over all patches elsewhere. The nearest one is wanted.",
        ),
        Mistake(
            "columns alone",
            _columns_alone,
            "You compare columns alone. A patch far away in the same column counts too.",
        ),
    ),
)
