"""Exercise experiments.contaminated_support."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _first(labels, order, n_normal, n_anomalous):
    chosen = np.zeros(len(labels), bool)
    chosen[[i for i in order if labels[i] == 0][:n_normal]] = True
    chosen[[i for i in order if labels[i] == 1][:n_anomalous]] = True
    return chosen


def _with(labels, order, size, n_anomalous):
    return _first(labels, order, size - n_anomalous, n_anomalous)


def _support_cases():
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


EXERCISE = Exercise("experiments.contaminated_support", cases=_support_cases())


@EXERCISE.right
def contaminated_support(
    labels: np.ndarray, size: int, share: float, order: np.ndarray
) -> np.ndarray:
    """Mark (N,) a support with a wanted share of anomalous images, the first ones in `order`."""
    n_anomalous = round(share * size)
    return _with(labels, order, size, n_anomalous)


@EXERCISE.wrong
def first_of_the_list(labels, size, share, order):
    """You take the first images of the list. Take those that come first in `order`, or every
    repetition has the same support."""
    return contaminated_support(labels, size, share, np.arange(len(labels)))


@EXERCISE.wrong
def as_it_comes(labels, size, share, order):
    """You take the first images whatever they are, so that the share is left to chance. Choose
    normal and anomalous ones apart."""
    chosen = np.zeros(len(labels), bool)
    chosen[order[:size]] = True
    return chosen


@EXERCISE.wrong
def share_of_all_images(labels, size, share, order):
    """The share is that of the support, not of all images: multiply it with `size`."""
    n_anomalous = round(share * len(labels))
    return _first(labels, order, max(size - n_anomalous, 0), n_anomalous)


@EXERCISE.wrong
def share_of_the_anomalous(labels, size, share, order):
    """You take a share of the anomalous images that there are. The share is that of the support:
    multiply it with `size`."""
    n_anomalous = round(share * int(labels.sum()))
    return _with(labels, order, size, n_anomalous)


@EXERCISE.wrong
def other_kind(labels, size, share, order):
    """Normal and anomalous are exchanged: a label of 1 means anomalous."""
    return contaminated_support(1 - labels, size, share, order)


@EXERCISE.wrong
def adds_on_top(labels, size, share, order):
    """Your support is too large: anomalous images replace normal ones, so that the size stays the
    same for every share."""
    return _first(labels, order, size, round(share * size))


@EXERCISE.wrong
def last_in_order(labels, size, share, order):
    """You take the last images in `order`."""
    return contaminated_support(labels, size, share, order[::-1])


@EXERCISE.wrong
def cuts_the_number(labels, size, share, order):
    """You cut the number of anomalous images off. Round it to the nearest: `round`."""
    n_anomalous = int(share * size + 1e-9)
    return _with(labels, order, size, n_anomalous)


@EXERCISE.wrong
def rounds_the_number_up(labels, size, share, order):
    """You round the number of anomalous images up. Round it to the nearest: `round`."""
    n_anomalous = int(np.ceil(share * size - 1e-9))
    return _with(labels, order, size, n_anomalous)


@EXERCISE.wrong
def halves_go_up(labels, size, share, order):
    """Halves are rounded up in your answer. Use `round`, which takes them to the even number."""
    n_anomalous = int(share * size + 0.5)
    return _with(labels, order, size, n_anomalous)


@EXERCISE.wrong
def rounds_both(labels, size, share, order):
    """You round the numbers of both kinds, and together they may miss the size. Round one; the
    other is the rest."""
    n_normal = round((1 - share) * size)
    return _first(labels, order, n_normal, round(share * size))


@EXERCISE.wrong
def marks_places_in_the_order(labels, size, share, order):
    """You mark places in `order`. The images are the entries at those places: `order[...]`."""
    chosen = np.zeros(len(labels), bool)
    n_anomalous = round(share * size)
    for kind, n in ((1, n_anomalous), (0, size - n_anomalous)):
        chosen[np.flatnonzero(labels[order] == kind)[:n]] = True
    return chosen


@EXERCISE.wrong
def order_without_its_labels(labels, size, share, order):
    """`order[labels == 1]` asks for the label of the image with the *number* of the place. Ask for
    that of the image at the place: `order[labels[order] == 1]`."""
    chosen = np.zeros(len(labels), bool)
    n_anomalous = round(share * size)
    for kind, n in ((1, n_anomalous), (0, size - n_anomalous)):
        chosen[order[labels == kind][:n]] = True
    return chosen


@EXERCISE.wrong
def numbers_of_the_images(labels, size, share, order):
    """You return the numbers of the chosen images. Return an array that is True at their places."""
    return np.flatnonzero(contaminated_support(labels, size, share, order))


@EXERCISE.wrong
def anomalous_ones_alone(labels, size, share, order):
    """You choose the anomalous images alone. Normal ones fill the support."""
    return contaminated_support(labels, size, share, order) & (labels == 1)


@EXERCISE.wrong
def normal_ones_alone(labels, size, share, order):
    """The anomalous images are missing from your support."""
    return contaminated_support(labels, size, share, order) & (labels == 0)


@EXERCISE.wrong
def share_of_normal_ones(labels, size, share, order):
    """Your share is that of the normal images. `share` is that of the anomalous ones."""
    return contaminated_support(labels, size, 1 - share, order)


@EXERCISE.wrong
def one_too_many(labels, size, share, order):
    """You choose one anomalous image too many."""
    return _with(labels, order, size, round(share * size) + 1)


@EXERCISE.wrong
def all_others(labels, size, share, order):
    """True and False are exchanged: you mark the images that were not chosen."""
    return ~contaminated_support(labels, size, share, order)


@EXERCISE.wrong
def inverse_order(labels, size, share, order):
    """You take the numbers in `order` for ranks. They are images: the one that stands first
    comes first."""
    return contaminated_support(labels, size, share, np.argsort(order))


@EXERCISE.wrong
def chosen_numbers_in_order(labels, size, share, order):
    """You return the numbers of the chosen images, in their order. Return an array that is True
    at their places."""
    chosen = contaminated_support(labels, size, share, order)
    return np.concatenate([order[chosen[order] & (labels[order] == kind)] for kind in (1, 0)])
