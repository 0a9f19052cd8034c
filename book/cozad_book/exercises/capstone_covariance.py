"""Exercise capstone.covariance."""

import dataclasses

import torch

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_place_means import common_mean
from cozad_book.given import SMALL, small_task, small_values


def _cases():
    def case(label, seed, n, p, d, by_place=False, hidden=False, **changes):
        task = small_task(seed, n, p, d)
        mean = small_values(seed + 9, p, d) if by_place else small_values(seed + 9, d)
        settings = dataclasses.replace(SMALL, **changes)
        return Case(
            label, (task["support"], task["weights"], mean, task["prior"], settings), hidden
        )

    return (
        case("3 images of 5 patches with 4 channels", 30, 3, 5, 4),
        case("4 images of 6 patches, a mean for each place", 40, 4, 6, 3, by_place=True),
        case(
            "2 images of 7 patches with other settings",
            50,
            2,
            7,
            3,
            prior_images=4.0,
            shrinkage=0.05,
        ),
        case("no prior", 60, 2, 6, 4, hidden=True, prior_images=0.0),
        case("a strong shrinkage", 70, 3, 4, 5, hidden=True, shrinkage=0.9),
    )


EXERCISE = Exercise("capstone.covariance", cases=_cases())


def _scatter(e, weights, mean):
    away = (e - mean).flatten(0, 1)
    return (weights.flatten()[:, None] * away).mT @ away


def _mixed(scatter, total, prior, of_prior):
    return (of_prior * prior + scatter) / (of_prior + total)


def _shrunk(S, share):
    return (1 - share) * S + share * S.trace() / len(S) * torch.eye(len(S), dtype=S.dtype)


@EXERCISE.right
def covariance(e, weights, mean, prior, settings):
    """Give S (D, D) of weighted patches (N, P, D) around a mean, with the prior, and shrunk."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def no_shrinkage(e, weights, mean, prior, settings):
    """You leave the last step out, the shrinkage."""
    of_prior = settings.prior_images * e.shape[1]
    return _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)


@EXERCISE.wrong
def no_prior(e, weights, mean, prior, settings):
    """The prior has no influence on your covariance."""
    return _shrunk(_scatter(e, weights, mean) / weights.sum(), settings.shrinkage)


@EXERCISE.wrong
def prior_counts_patches(e, weights, mean, prior, settings):
    """Your prior counts like n_0 patches. It counts like n_0 images, of P patches each."""
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, settings.prior_images)
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def prior_counts_all_patches(e, weights, mean, prior, settings):
    """Your prior counts like n_0 times all patches of the support. It counts like n_0 images."""
    of_prior = settings.prior_images * weights.numel()
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def ignores_the_weights(e, weights, mean, prior, settings):
    """All patches count the same here. Use the weights, in the sum and in its divisor."""
    return covariance(e, torch.ones_like(weights), mean, prior, settings)


@EXERCISE.wrong
def divides_by_the_number(e, weights, mean, prior, settings):
    """You divide by the number of patches, as if all had full weight. Divide by the sum of their
    weights, and by what the prior counts."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights, mean), weights.numel(), prior, of_prior)
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def divides_by_the_support_alone(e, weights, mean, prior, settings):
    """What the prior adds above the fraction is missing below it."""
    of_prior = settings.prior_images * e.shape[1]
    S = (of_prior * prior + _scatter(e, weights, mean)) / weights.sum()
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def shrinks_to_the_identity(e, weights, mean, prior, settings):
    """You shrink to the identity, whatever the size of the features. Its diagonal has to be the
    mean of that of S, tr S / D."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)
    share = settings.shrinkage
    return (1 - share) * S + share * torch.eye(len(S), dtype=S.dtype)


@EXERCISE.wrong
def shrinks_to_the_trace(e, weights, mean, prior, settings):
    """You shrink to the trace of S. Divide it by D."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)
    share = settings.shrinkage
    return (1 - share) * S + share * S.trace() * torch.eye(len(S), dtype=S.dtype)


@EXERCISE.wrong
def shrinkage_turned_round(e, weights, mean, prior, settings):
    """You keep the share ρ of S and put 1 - ρ in its place. It is the other way round."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights, mean), weights.sum(), prior, of_prior)
    return _shrunk(S, 1 - settings.shrinkage)


@EXERCISE.wrong
def shrinks_before_the_prior(e, weights, mean, prior, settings):
    """You shrink the support's covariance before the prior comes in. Shrinkage is the last step."""
    of_prior = settings.prior_images * e.shape[1]
    total = weights.sum()
    S = _shrunk(_scatter(e, weights, mean) / total, settings.shrinkage)
    return _mixed(total * S, total, prior, of_prior)


@EXERCISE.wrong
def squared_weights(e, weights, mean, prior, settings):
    """Each patch counts by the square of its weight: weigh one side of the product only."""
    of_prior = settings.prior_images * e.shape[1]
    S = _mixed(_scatter(e, weights**2, mean), weights.sum(), prior, of_prior)
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def not_centred(e, weights, mean, prior, settings):
    """You do not subtract the mean."""
    return covariance(e, weights, torch.zeros_like(mean), prior, settings)


@EXERCISE.wrong
def around_its_own_mean(e, weights, mean, prior, settings):
    """You compute a mean of your own. Use the one that is given: it may differ by place."""
    return covariance(e, weights, common_mean(e, weights), prior, settings)


@EXERCISE.wrong
def half_and_half(e, weights, mean, prior, settings):
    """Prior and support count one half each. Each counts by its weight."""
    S = (prior + _scatter(e, weights, mean) / weights.sum()) / 2
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def adds_the_shrinkage(e, weights, mean, prior, settings):
    """You add the identity to S. The two are mixed: S keeps the share 1 - ρ."""
    S = no_shrinkage(e, weights, mean, prior, settings)
    return S + settings.shrinkage * S.trace() / len(S) * torch.eye(len(S), dtype=S.dtype)


@EXERCISE.wrong
def weights_in_the_divisor_alone(e, weights, mean, prior, settings):
    """Your weights are in the divisor alone. Weigh one side of the product, too."""
    S = _mixed(
        _scatter(e, torch.ones_like(weights), mean),
        weights.sum(),
        prior,
        settings.prior_images * e.shape[1],
    )
    return _shrunk(S, settings.shrinkage)


@EXERCISE.wrong
def added_everywhere(e, weights, mean, prior, settings):
    """You add the mean of the diagonal to every entry. It belongs to the diagonal: multiply by
    `torch.eye(D)`."""
    S = no_shrinkage(e, weights, mean, prior, settings)
    return (1 - settings.shrinkage) * S + settings.shrinkage * S.trace() / len(S)


@EXERCISE.wrong
def no_prior_above(e, weights, mean, prior, settings):
    """The prior is missing in the sum, though what it counts is in the divisor."""
    return covariance(e, weights, mean, 0 * prior, settings)


@EXERCISE.wrong
def keeps_its_diagonal(e, weights, mean, prior, settings):
    """You shrink towards the diagonal of S. Its variances become alike, too: tr S / D on the
    whole diagonal."""
    S = no_shrinkage(e, weights, mean, prior, settings)
    return (1 - settings.shrinkage) * S + settings.shrinkage * S.diagonal().diag()


@EXERCISE.wrong
def around_the_plain_mean(e, weights, mean, prior, settings):
    """You compute a mean of your own, without weights. Use the one that is given."""
    return covariance(e, weights, e.mean((0, 1)), prior, settings)


@EXERCISE.wrong
def mean_of_the_places(e, weights, mean, prior, settings):
    """You average the given means over places. Each place has its own: subtract them as they
    are."""
    return covariance(e, weights, mean if mean.ndim == 1 else mean.mean(0), prior, settings)
