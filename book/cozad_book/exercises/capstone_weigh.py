"""Exercise capstone.weigh."""

import dataclasses

import torch

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_covariance import covariance
from cozad_book.exercises.capstone_place_means import common_mean, place_means
from cozad_book.given import SMALL, distance, small_task


def _cases():
    def case(label, seed, n, p, d, by_place, hidden=False, **changes):
        task = small_task(seed, n, p, d)
        settings = dataclasses.replace(SMALL, **changes)
        return Case(label, (task["support"], task["prior"], settings, by_place), hidden)

    return (
        case("3 images of 6 patches with 4 channels", 80, 3, 6, 4, False),
        case("5 images of 4 patches, means by place", 90, 5, 4, 3, True),
        case("γ = 0.5 and three passes", 100, 4, 7, 3, False, gamma=0.5, passes=3),
        case("κ = 1, means by place", 110, 6, 5, 2, True, hidden=True, sharpness=1.0),
        case("γ = -1", 120, 2, 8, 3, False, hidden=True, gamma=-1.0),
    )


EXERCISE = Exercise("capstone.weigh", cases=_cases())


def _scores(e, weights, prior, settings, by_place):
    mean = place_means(e, weights) if by_place else common_mean(e, weights)
    return distance(e, mean, covariance(e, weights, mean, prior, settings))


def _soft(scores, settings, q=(0.25, 0.75)):
    low, high = torch.quantile(scores.flatten(), torch.tensor(q, dtype=scores.dtype))
    return (high + settings.gamma * (high - low)).div(scores).clamp(max=1) ** settings.sharpness


@EXERCISE.right
def weigh(e, prior, settings, by_place):
    """Score a support (N, P, D) against itself and weigh its patches, as often as `passes` says."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        weights = _soft(_scores(e, weights, prior, settings, by_place), settings)
    return weights


@EXERCISE.wrong
def one_pass(e, prior, settings, by_place):
    """The weights of one pass do not enter the statistics of the next: you stop after one, or
    begin each with equal weights."""
    return weigh(e, prior, dataclasses.replace(settings, passes=1), by_place)


@EXERCISE.wrong
def a_pass_too_many(e, prior, settings, by_place):
    """You weigh once more than `settings.passes` says."""
    return weigh(e, prior, dataclasses.replace(settings, passes=settings.passes + 1), by_place)


@EXERCISE.wrong
def a_threshold_for_each_image(e, prior, settings, by_place):
    """You take a threshold for each image. All patches of the support share one."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        scores = _scores(e, weights, prior, settings, by_place)
        weights = torch.stack([_soft(row, settings) for row in scores])
    return weights


@EXERCISE.wrong
def no_sharpness(e, prior, settings, by_place):
    """You leave κ out: the ratio is raised to `settings.sharpness`."""
    return weigh(e, prior, dataclasses.replace(settings, sharpness=1.0), by_place)


@EXERCISE.wrong
def fence_of_tukey(e, prior, settings, by_place):
    """Your threshold has γ = 1.5. Take `settings.gamma`."""
    return weigh(e, prior, dataclasses.replace(settings, gamma=1.5), by_place)


@EXERCISE.wrong
def selects(e, prior, settings, by_place):
    """These are hard weights, 0 or 1. Soft weights fall above the threshold."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        scores = _scores(e, weights, prior, settings, by_place)
        weights = (_soft(scores, settings) >= 1).to(e.dtype)
    return weights


@EXERCISE.wrong
def never_by_place(e, prior, settings, by_place):
    """You always take the common mean. Where `by_place` is true, each place has its own."""
    return weigh(e, prior, settings, False)


@EXERCISE.wrong
def always_by_place(e, prior, settings, by_place):
    """You always take means by place. Where `by_place` is false, all patches share one mean."""
    return weigh(e, prior, settings, True)


@EXERCISE.wrong
def multiplies_the_passes(e, prior, settings, by_place):
    """You multiply the weights of one pass by those of the next. Each pass gives them anew."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        weights = weights * _soft(_scores(e, weights, prior, settings, by_place), settings)
    return weights


@EXERCISE.wrong
def fraction_upside_down(e, prior, settings, by_place):
    """You divide the score by the threshold, so that low scores lose weight."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        scores = _scores(e, weights, prior, settings, by_place)
        low, high = torch.quantile(scores.flatten(), torch.tensor([0.25, 0.75]).double())
        threshold = high + settings.gamma * (high - low)
        weights = (scores / threshold).clamp(max=1) ** settings.sharpness
    return weights


@EXERCISE.wrong
def squared_distances(e, prior, settings, by_place):
    """You weigh by squared distances. Take the distances themselves."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        weights = _soft(_scores(e, weights, prior, settings, by_place) ** 2, settings)
    return weights


@EXERCISE.wrong
def no_prior(e, prior, settings, by_place):
    """The prior takes no part in your statistics."""
    return weigh(e, prior, dataclasses.replace(settings, prior_images=0.0), by_place)


@EXERCISE.wrong
def gives_the_scores(e, prior, settings, by_place):
    """These are scores. Turn them into weights once more."""
    last = dataclasses.replace(settings, passes=settings.passes - 1)
    return _scores(e, weigh(e, prior, last, by_place), prior, settings, by_place)


@EXERCISE.wrong
def starts_at_the_median(e, prior, settings, by_place):
    """Your threshold starts at the median, or measures the range from it. Take both quartiles."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        scores = _scores(e, weights, prior, settings, by_place)
        weights = _soft(scores, settings, q=(0.25, 0.5))
    return weights


@EXERCISE.wrong
def a_pass_too_few(e, prior, settings, by_place):
    """You weigh once less than `settings.passes` says."""
    return weigh(e, prior, dataclasses.replace(settings, passes=settings.passes - 1), by_place)


@EXERCISE.wrong
def a_threshold_for_each_place(e, prior, settings, by_place):
    """You take a threshold for each place. All patches of the support share one."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        scores = _scores(e, weights, prior, settings, by_place)
        weights = torch.stack([_soft(s, settings) for s in scores.mT]).mT
    return weights


@EXERCISE.wrong
def weights_in_the_mean_alone(e, prior, settings, by_place):
    """Your covariance takes all patches alike. Weigh it like the mean."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        mean = (place_means if by_place else common_mean)(e, weights)
        S = covariance(e, torch.ones_like(weights), mean, prior, settings)
        weights = _soft(distance(e, mean, S), settings)
    return weights


@EXERCISE.wrong
def plain_mean(e, prior, settings, by_place):
    """Your mean takes all patches alike. Weigh it, from the second pass on."""
    weights = torch.ones(e.shape[:2], dtype=e.dtype)
    for _ in range(settings.passes):
        mean = e.mean((0, 1))
        S = covariance(e, weights, mean, prior, settings)
        weights = _soft(distance(e, mean, S), settings)
    return weights


@EXERCISE.wrong
def two_passes_always(e, prior, settings, by_place):
    """You take two passes, whatever `settings.passes` says."""
    return weigh(e, prior, dataclasses.replace(settings, passes=2), by_place)


@EXERCISE.wrong
def sharpness_of_4(e, prior, settings, by_place):
    """Your sharpness is 4. Take `settings.sharpness`."""
    return weigh(e, prior, dataclasses.replace(settings, sharpness=4.0), by_place)


@EXERCISE.wrong
def gamma_of_minus_1(e, prior, settings, by_place):
    """Your γ is -1. Take `settings.gamma`."""
    return weigh(e, prior, dataclasses.replace(settings, gamma=-1.0), by_place)
