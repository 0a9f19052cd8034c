"""Exercise cozad.nearest_elsewhere."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _places(embeddings):
    rows, columns = np.indices(embeddings.shape[:2])
    return rows.ravel(), columns.ravel()


def _apart(embeddings):
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    return np.asarray(np.linalg.norm(patches[:, None] - patches, axis=-1))


def _least(embeddings, near):
    found = np.where(near, np.inf, _apart(embeddings)).min(axis=1)
    return np.asarray(found.reshape(embeddings.shape[:2]))


def _without_window(embeddings, radius, window, empty=np.inf):
    """Leave out a window of rows and columns, which `window` may get wrong."""
    height, width, _ = embeddings.shape
    nearest = np.empty((height, width))
    for i, j in np.ndindex(height, width):
        apart = np.linalg.norm(embeddings - embeddings[i, j], axis=-1)
        apart[window(i, radius, height), window(j, radius, width)] = empty
        nearest[i, j] = apart.min()
    return nearest


def _finite(nearest, instead):
    return np.where(np.isinf(nearest), instead, nearest)


def _nearest_cases():
    random = np.random.default_rng(31)
    shapes = (
        *((4, 5, 3, 1, False), (9, 8, 2, 3, False), (3, 4, 2, 2, False)),
        *((3, 8, 4, 1, True), (2, 9, 5, 2, True), (2, 3, 4, 2, True), (4, 3, 2, 0, True)),
    )
    return tuple(
        Case(f"a grid of {h} x {w} and a radius of {r}", (random.normal(size=(h, w, d)), r), hidden)
        for h, w, d, r, hidden in shapes
    )


EXERCISE = Exercise("cozad.nearest_elsewhere", cases=_nearest_cases())


@EXERCISE.right
def nearest_elsewhere(embeddings: np.ndarray, radius: int) -> np.ndarray:
    """Give each patch of (h, w, D) its distance to the nearest one beyond the radius, (h, w)."""
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


@EXERCISE.wrong
def finds_itself(embeddings, radius):
    """All distances are 0: the nearest patch is the patch itself, or you put a 0 where a pair is
    too close. Put infinity there."""
    return np.zeros(embeddings.shape[:2])


@EXERCISE.wrong
def only_itself_is_left_out(embeddings, radius):
    """You leave out the patch itself, but not its neighbours within the radius, which look like it
    because they see the same pixels."""
    return nearest_elsewhere(embeddings, 0)


@EXERCISE.wrong
def counts_along_the_rows(embeddings, radius):
    """You compare the numbers of patches. The last of a row and the first of the next one follow
    each other and are far apart: compare rows and columns."""
    numbers = np.arange(embeddings[..., 0].size)
    return _least(embeddings, abs(numbers[:, None] - numbers) <= radius)


@EXERCISE.wrong
def diamond(embeddings, radius):
    """You add the distances in rows and columns, which leaves out a diamond. A square is meant: the
    larger of the two counts."""
    rows, columns = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) + abs(columns[:, None] - columns) <= radius)


@EXERCISE.wrong
def at_the_radius(embeddings, radius):
    """Patches exactly at the radius count in your answer. They should be left out."""
    return nearest_elsewhere(embeddings, radius - 1)


@EXERCISE.wrong
def farthest(embeddings, radius):
    """You give the distance to the farthest patch. The nearest one is wanted."""
    return np.asarray(_apart(embeddings).max(axis=1).reshape(embeddings.shape[:2]))


@EXERCISE.wrong
def squared(embeddings, radius):
    """Your distances are squared."""
    return nearest_elsewhere(embeddings, radius) ** 2


@EXERCISE.wrong
def inside_the_radius(embeddings, radius):
    """You search among the neighbours. Search everywhere else."""
    rows, columns = _places(embeddings)
    apart = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
    return _least(embeddings, (apart > radius) | (apart == 0))


@EXERCISE.wrong
def both_far(embeddings, radius):
    """You want rows *and* columns to be far. One of them is enough: a patch far away in the same
    row counts."""
    rows, columns = _places(embeddings)
    near = np.minimum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


@EXERCISE.wrong
def circle(embeddings, radius):
    """You leave out a circle. A square is meant: the larger of the distances in rows and columns
    counts."""
    rows, columns = _places(embeddings)
    return _least(embeddings, np.hypot(rows[:, None] - rows, columns[:, None] - columns) <= radius)


@EXERCISE.wrong
def rows_alone(embeddings, radius):
    """You compare rows alone. A patch far away in the same row counts too."""
    rows, _ = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) <= radius)


@EXERCISE.wrong
def one_side_alone(embeddings, radius):
    """You look to one side only. Distances have no sign: `abs`."""
    rows, columns = _places(embeddings)
    near = (rows[:, None] - rows <= radius) & (columns[:, None] - columns <= radius)
    return _least(embeddings, near)


@EXERCISE.wrong
def other_distance(embeddings, radius):
    """You add the sizes of the differences. The Euclidean distance is wanted: the root of the sum
    of squares."""
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    apart = abs(patches[:, None] - patches).sum(-1)
    return np.where(near, np.inf, apart).min(1).reshape(embeddings.shape[:2])


@EXERCISE.wrong
def number_of_the_patch(embeddings, radius):
    """You return which patch is nearest. Return how far away it is."""
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return np.where(near, np.inf, _apart(embeddings)).argmin(1).reshape(embeddings.shape[:2])


@EXERCISE.wrong
def negative_start(e, radius):
    """Near the upper or left border your slice starts below 0, which Python counts from the end, so
    that nothing is left out. Start it at max(i - radius, 0)."""
    return _without_window(e, radius, lambda i, r, n: slice(i - r, i + r + 1))


@EXERCISE.wrong
def ends_too_early(e, radius):
    """Your slice ends too early: it leaves its end out, so that the row i + radius counts."""
    return _without_window(e, radius, lambda i, r, n: slice(max(i - r, 0), i + r))


@EXERCISE.wrong
def places_by_the_height(embeddings, radius):
    """The patches of a flattened grid follow each other along the rows: number n lies in row `n //
    w` and column `n % w`, with the width w."""
    height, width, _ = embeddings.shape
    rows, columns = np.arange(height * width) // height, np.arange(height * width) % height
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


@EXERCISE.wrong
def zero_for_none(e, radius):
    """Where no patch is far enough you give 0. Give infinity there."""
    return _finite(nearest_elsewhere(e, radius), 0.0)


@EXERCISE.wrong
def not_a_number_for_none(e, radius):
    """Where no patch is far enough your answer is not a number. Give infinity there."""
    return _finite(nearest_elsewhere(e, radius), np.nan)


@EXERCISE.wrong
def too_far_by_one(e, radius):
    """You leave out one row and one column too many on each side: patches at radius + 1 count."""
    return nearest_elsewhere(e, radius + 1)


@EXERCISE.wrong
def cosine_distance(e, radius):
    """You scale the embeddings to unit length. Take the distance of the embeddings as they are."""
    return nearest_elsewhere(e / np.linalg.norm(e, axis=-1, keepdims=True), radius)


@EXERCISE.wrong
def per_channel(e, radius):
    """You take the mean over the numbers of an embedding. The Euclidean distance takes their
    sum."""
    return nearest_elsewhere(e, radius) / np.sqrt(e.shape[-1])


@EXERCISE.wrong
def mean_elsewhere(embeddings, radius):
    """You average over all patches elsewhere. The nearest one is wanted."""
    rows, columns = _places(embeddings)
    far = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) > radius
    total = (_apart(embeddings) * far).sum(1) / far.sum(1)
    return np.where(far.any(1), total, np.inf).reshape(embeddings.shape[:2])


@EXERCISE.wrong
def columns_alone(embeddings, radius):
    """You compare columns alone. A patch far away in the same column counts too."""
    _, columns = _places(embeddings)
    return _least(embeddings, abs(columns[:, None] - columns) <= radius)


@EXERCISE.wrong
def radius_of_1(embeddings, radius):
    """You take the radius for 1, whatever it is."""
    return nearest_elsewhere(embeddings, 1)


@EXERCISE.wrong
def half_the_radius(embeddings, radius):
    """Your square reaches half as far as `radius` says. The radius counts from its middle."""
    return nearest_elsewhere(embeddings, radius // 2)


@EXERCISE.wrong
def twice_the_radius(embeddings, radius):
    """Your square reaches twice as far as `radius` says."""
    return nearest_elsewhere(embeddings, 2 * radius)
