"""Exercise experiments.contaminated_support. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def contaminated_support(
    labels: np.ndarray, size: int, share: float, order: np.ndarray
) -> np.ndarray:
    """Mark (N,) a support with a wanted share of anomalous images, the first ones in `order`."""
    n_anomalous = round(share * size)
    return _with(labels, order, size, n_anomalous)


def _first(labels: np.ndarray, order: np.ndarray, n_normal: int, n_anomalous: int) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    chosen[[i for i in order if labels[i] == 0][:n_normal]] = True
    chosen[[i for i in order if labels[i] == 1][:n_anomalous]] = True
    return chosen


def _with(labels: np.ndarray, order: np.ndarray, size: int, n_anomalous: int) -> np.ndarray:
    return _first(labels, order, size - n_anomalous, n_anomalous)


def _first_of_the_list(
    labels: np.ndarray, size: int, share: float, order: np.ndarray
) -> np.ndarray:
    return contaminated_support(labels, size, share, np.arange(len(labels)))


def _as_it_comes(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    chosen[order[:size]] = True
    return chosen


def _share_of_all(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_anomalous = round(share * len(labels))
    return _first(labels, order, max(size - n_anomalous, 0), n_anomalous)


def _other_kind(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    return contaminated_support(1 - labels, size, share, order)


def _adds_on_top(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    return _first(labels, order, size, round(share * size))


def _share_of_the_anomalous(
    labels: np.ndarray, size: int, share: float, order: np.ndarray
) -> np.ndarray:
    n_anomalous = round(share * int(labels.sum()))
    return _with(labels, order, size, n_anomalous)


def _last_in_order(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    return contaminated_support(labels, size, share, order[::-1])


def _cut_number(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_anomalous = int(share * size + 1e-9)
    return _with(labels, order, size, n_anomalous)


def _number_up(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_anomalous = int(np.ceil(share * size - 1e-9))
    return _with(labels, order, size, n_anomalous)


def _halves_up(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_anomalous = int(share * size + 0.5)
    return _with(labels, order, size, n_anomalous)


def _rounds_both(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_normal = round((1 - share) * size)
    return _first(labels, order, n_normal, round(share * size))


def _marks_places(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    n_anomalous = round(share * size)
    for kind, n in ((1, n_anomalous), (0, size - n_anomalous)):
        chosen[np.flatnonzero(labels[order] == kind)[:n]] = True
    return chosen


def _order_unpicked(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    n_anomalous = round(share * size)
    for kind, n in ((1, n_anomalous), (0, size - n_anomalous)):
        chosen[order[labels == kind][:n]] = True
    return chosen


def _support_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(60)
    cases = []
    for n, bad, size, share, hidden in (
        (12, 5, 5, 0.4, False),
        (20, 9, 7, 0.4, False),
        (23, 11, 8, 0.15, False),
        (25, 15, 8, 0.75, True),
        (16, 6, 6, 0.0, True),
        (18, 7, 5, 0.5, True),
        (14, 8, 6, 1.0, True),
        (17, 4, 7, 0.29, True),
    ):
        labels = np.zeros(n, int)
        labels[random.permutation(n)[:bad]] = 1
        label = f"{size} of {n} images, {share:.0%} of them anomalous"
        cases.append(Case(label, (labels, size, share, random.permutation(n)), hidden))
    return tuple(cases)


EXERCISE = Exercise(
    name="experiments.contaminated_support",
    reference=contaminated_support,
    cases=_support_cases(),
    mistakes=(
        Mistake(
            "first of the list",
            _first_of_the_list,
            "You take the first images of the list. Take those that come first in `order`, or "
            "every repetition has the same support.",
        ),
        Mistake(
            "as it comes",
            _as_it_comes,
            "You take the first images whatever they are, so that the share is left to "
            "chance. Choose normal and anomalous ones apart.",
        ),
        Mistake(
            "share of all images",
            _share_of_all,
            "The share is that of the support, not of all images: multiply it with `size`.",
        ),
        Mistake(
            "share of the anomalous",
            _share_of_the_anomalous,
            "You take a share of the anomalous images that there are. The share is that of "
            "the support: multiply it with `size`.",
        ),
        Mistake(
            "other kind",
            _other_kind,
            "Normal and anomalous are exchanged: a label of 1 means anomalous.",
        ),
        Mistake(
            "adds on top",
            _adds_on_top,
            "Your support is too large: anomalous images replace normal ones, so that the "
            "size stays the same for every share.",
        ),
        Mistake(
            "last in order",
            _last_in_order,
            "You take the last images in `order`.",
        ),
        Mistake(
            "cuts the number",
            _cut_number,
            "You cut the number of anomalous images off. Round it to the nearest: `round`.",
        ),
        Mistake(
            "rounds the number up",
            _number_up,
            "You round the number of anomalous images up. Round it to the nearest: `round`.",
        ),
        Mistake(
            "halves go up",
            _halves_up,
            "Halves are rounded up in your answer. Use `round`, which takes them to the "
            "even number.",
        ),
        Mistake(
            "rounds both",
            _rounds_both,
            "You round the numbers of both kinds, and together they may miss the size. "
            "Round one; the other is the rest.",
        ),
        Mistake(
            "marks places in the order",
            _marks_places,
            "You mark places in `order`. The images are the entries at those places: `order[...]`.",
        ),
        Mistake(
            "order without its labels",
            _order_unpicked,
            "`order[labels == 1]` asks for the label of the image with the *number* of "
            "the place. Ask for that of the image at the place: `order[labels[order] == "
            "1]`.",
        ),
        Mistake(
            "numbers of the images",
            lambda labels, size, share, order: np.flatnonzero(
                contaminated_support(labels, size, share, order)
            ),
            "You return the numbers of the chosen images. Return an array that is True at their "
            "places.",
        ),
        Mistake(
            "anomalous ones alone",
            lambda labels, size, share, order: (
                contaminated_support(labels, size, share, order) & (labels == 1)
            ),
            "You choose the anomalous images alone. Normal ones fill the support.",
        ),
        Mistake(
            "normal ones alone",
            lambda labels, size, share, order: (
                contaminated_support(labels, size, share, order) & (labels == 0)
            ),
            "The anomalous images are missing from your support.",
        ),
        Mistake(
            "share of normal ones",
            lambda labels, size, share, order: contaminated_support(labels, size, 1 - share, order),
            "Your share is that of the normal images. `share` is that of the anomalous ones.",
        ),
        Mistake(
            "one too many",
            lambda labels, size, share, order: _with(labels, order, size, round(share * size) + 1),
            "You choose one anomalous image too many.",
        ),
        Mistake(
            "all others",
            lambda labels, size, share, order: ~contaminated_support(labels, size, share, order),
            "True and False are exchanged: you mark the images that were not chosen.",
        ),
    ),
)
