"""Exercise capstone.score."""

import dataclasses

import torch

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_adapt import adapt
from cozad_book.exercises.capstone_covariance import covariance
from cozad_book.exercises.capstone_embed import embed
from cozad_book.exercises.capstone_inner_loss import small_theta
from cozad_book.exercises.capstone_place_means import common_mean, place_means
from cozad_book.exercises.capstone_weigh import weigh
from cozad_book.given import SMALL, distance, move_prior, small_task, small_values, unpack


def _cases():
    def case(label, seed, n, p, d, few, hidden=False, **changes):
        task = small_task(seed, n, p, d)
        z = task["support"] + small_values(seed + 7, p, d)
        places = torch.randperm(p, generator=torch.Generator().manual_seed(seed))[:few]
        settings = dataclasses.replace(SMALL, **changes)
        drawn = task["noise"][:, :few]
        values = (z, small_theta(seed, d), places, drawn, task["prior"], 0.07, settings)
        return Case(label, values, hidden)

    return (
        case("4 images of 7 patches with 3 channels", 460, 4, 7, 3, 4),
        case("3 images of 9 patches with 5 channels", 471, 3, 9, 5, 5),
        case("5 images of 6 patches, no step", 482, 5, 6, 2, 3, hidden=True, inner_steps=0),
        case("6 images of 8 patches", 493, 6, 8, 3, 8, hidden=True),
    )


EXERCISE = Exercise("capstone.score", cases=_cases(), tolerance=1e-5)


def _weighed(z, theta, prior, settings, by_place=True):
    A = unpack(theta)[0]
    return weigh(embed(z, A), move_prior(prior, A), settings, by_place)


def _adapted(z, theta, weights, places, noise, prior, decay, settings):
    task = {"support": z[:, places], "weights": weights[:, places], "noise": noise}
    return adapt(theta, {**task, "prior": prior, "decay": decay}, settings)


def _distances(z, theta, weights, prior, settings, means=place_means):
    A = unpack(theta)[0]
    e = embed(z, A)
    mean = means(e, weights)
    return distance(e, mean, covariance(e, weights, mean, move_prior(prior, A), settings))


@EXERCISE.right
def score(z, theta, places, noise, prior, decay, settings):
    """Adapt to a batch (N, P, D), which is its own support, and score its patches."""
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def does_not_adapt(z, theta, places, noise, prior, decay, settings):
    """You score with θ as it came. Adapt first, and embed by θ'."""
    return _distances(z, theta, _weighed(z, theta, prior, settings), prior, settings)


@EXERCISE.wrong
def weighs_once(z, theta, places, noise, prior, decay, settings):
    """You score with the weights from before adaptation. Weigh again, in the new embedding."""
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    return _distances(z, adapted, weights, prior, settings)


@EXERCISE.wrong
def one_mean(z, theta, places, noise, prior, decay, settings):
    """You measure from the common mean. Each place has its own."""
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings, common_mean)


@EXERCISE.wrong
def weighs_by_the_common_mean(z, theta, places, noise, prior, decay, settings):
    """Your weights come from distances to the common mean. On a whole batch they use means by
    place, too."""
    weights = _weighed(z, theta, prior, settings, by_place=False)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings, by_place=False)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def no_weights(z, theta, places, noise, prior, decay, settings):
    """All patches have weight 1. Weigh them, before and after adaptation."""
    weights = torch.ones(z.shape[:2], dtype=z.dtype)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    return _distances(z, adapted, weights, prior, settings)


@EXERCISE.wrong
def adapts_without_weights(z, theta, places, noise, prior, decay, settings):
    """Your inner loop takes all patches alike. It takes those of `places`, with their weights."""
    weights = torch.ones(z.shape[:2], dtype=z.dtype)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def weighs_the_few(z, theta, places, noise, prior, decay, settings):
    """You weigh only the patches of `places` before the inner loop, by statistics of their own.
    Weigh all, then take those."""
    few = _weighed(z[:, places], theta, prior, settings)
    task = {"support": z[:, places], "weights": few, "noise": noise, "prior": prior}
    adapted = adapt(theta, {**task, "decay": decay}, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def the_first_places(z, theta, places, noise, prior, decay, settings):
    """Your inner loop takes the first patches of each image. Take those at `places`."""
    weights = _weighed(z, theta, prior, settings)
    first = torch.arange(len(places))
    adapted = _adapted(z, theta, weights, first, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def prior_of_before(z, theta, places, noise, prior, decay, settings):
    """You moved the prior by θ, not by θ'. Move it along with the embedding that you score in."""
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    e = embed(z, unpack(adapted)[0])
    mean, old = place_means(e, again), move_prior(prior, unpack(theta)[0])
    return distance(e, mean, covariance(e, again, mean, old, settings))


@EXERCISE.wrong
def no_penalty(z, theta, places, noise, prior, decay, settings):
    """The decay is missing in your inner loop."""
    return score(z, theta, places, noise, prior, 0.0, settings)


@EXERCISE.wrong
def no_noise(z, theta, places, noise, prior, decay, settings):
    """Your perturbed patches have no noise."""
    return score(z, theta, places, torch.zeros_like(noise), prior, decay, settings)


@EXERCISE.wrong
def squared(z, theta, places, noise, prior, decay, settings):
    """These are squared distances. Give the distances."""
    return score(z, theta, places, noise, prior, decay, settings) ** 2


@EXERCISE.wrong
def logits(z, theta, places, noise, prior, decay, settings):
    """These are logits. Scores are the distances themselves: calibration changes no order."""
    _, log_slope, offset = unpack(theta)
    found = score(z, theta, places, noise, prior, decay, settings)
    return log_slope.exp() * found.log() + offset


@EXERCISE.wrong
def squared_length(z, theta, places, noise, prior, decay, settings):
    """Your distances are √D times as large. The given `distance` divides by D."""
    return z.shape[-1] ** 0.5 * score(z, theta, places, noise, prior, decay, settings)


@EXERCISE.wrong
def last_weights_unused(z, theta, places, noise, prior, decay, settings):
    """Your mean and covariance take all patches alike at the end. Weigh them by the last
    weights."""
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, prior, decay, settings)
    return _distances(z, adapted, torch.ones_like(weights), prior, settings)


@EXERCISE.wrong
def base_decay(z, theta, places, noise, prior, decay, settings):
    """Your inner loop has λ0. Take the `decay` that is given."""
    return score(z, theta, places, noise, prior, settings.base_decay, settings)


@EXERCISE.wrong
def prior_moved_before(z, theta, places, noise, prior, decay, settings):
    """You hand the inner loop a prior that is moved already. The inner loss moves it itself."""
    moved = move_prior(prior, unpack(theta)[0])
    weights = _weighed(z, theta, prior, settings)
    adapted = _adapted(z, theta, weights, places, noise, moved, decay, settings)
    again = _weighed(z, adapted, prior, settings)
    return _distances(z, adapted, again, prior, settings)


@EXERCISE.wrong
def prior_not_moved(z, theta, places, noise, prior, decay, settings):
    """The prior is still that of features when you weigh and score. Move it with each
    embedding."""

    def weighed(theta):
        return weigh(embed(z, unpack(theta)[0]), prior, settings, True)

    adapted = _adapted(z, theta, weighed(theta), places, noise, prior, decay, settings)
    e, weights = embed(z, unpack(adapted)[0]), weighed(adapted)
    mean = place_means(e, weights)
    return distance(e, mean, covariance(e, weights, mean, prior, settings))


@EXERCISE.wrong
def scores_of_the_places(z, theta, places, noise, prior, decay, settings):
    """You give the scores of the patches at `places`. All patches have one."""
    return score(z, theta, places, noise, prior, decay, settings)[:, places]
