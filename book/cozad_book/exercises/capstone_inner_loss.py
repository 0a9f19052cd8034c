"""Exercise capstone.inner_loss."""

import dataclasses

import torch
import torch.nn.functional as F

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_covariance import covariance
from cozad_book.exercises.capstone_embed import embed
from cozad_book.exercises.capstone_place_means import common_mean
from cozad_book.given import SMALL, distance, move_prior, small_task, small_values, unpack


def small_theta(seed, channels):
    """Draw θ: a head, a logarithm of the slope, an offset."""
    head = small_values(seed, channels * channels, scale=0.2)
    return torch.cat([head, torch.tensor([0.6, -0.8], dtype=torch.float64)])


def task_case(label, seed, n, p, d, hidden=False, **changes):
    """Make a case of θ, a task of n images with p patches and d channels, and settings."""
    settings = dataclasses.replace(SMALL, **changes)
    return Case(label, (small_theta(seed, d), small_task(seed, n, p, d), settings), hidden)


def _cases():
    return (
        task_case("3 images of 6 patches with 4 channels", 130, 3, 6, 4),
        task_case("2 images of 5 patches with 3 channels", 141, 2, 5, 3),
        task_case("4 images of 3 patches with 2 channels", 152, 4, 3, 2, hidden=True),
        task_case("no prior", 163, 2, 7, 3, hidden=True, prior_images=0.0),
    )


EXERCISE = Exercise("capstone.inner_loss", cases=_cases(), tolerance=1e-6)


def statistics(A, task, settings):
    """Give the weighted mean and the covariance of a task's support in the embedding of A."""
    return statistics_with(move_prior(task["prior"], A), A, task, settings)


def statistics_with(prior, A, task, settings):
    """Give the same with a prior of one's own for the embeddings."""
    e, weights = embed(task["support"], A), task["weights"]
    mean = common_mean(e, weights)
    return mean, covariance(e, weights, mean, prior, settings)


def logits_of(theta, z, found):
    A, log_slope, offset = unpack(theta)
    return log_slope.exp() * distance(embed(z, A), *found).log() + offset


def penalty(theta, task):
    return task["decay"] * unpack(theta)[0].square().sum()


def _loss(theta, task, settings, logits=logits_of, task_of_statistics=None):
    found = statistics(unpack(theta)[0], task_of_statistics or task, settings)
    real = logits(theta, task["support"], found)
    perturbed = logits(theta, task["support"] + task["noise"], found)
    each = F.softplus(real) + F.softplus(-perturbed)
    return (task["weights"] * each).sum() / task["weights"].sum()


@EXERCISE.right
def inner_loss(theta, task, settings):
    """Tell real patches of the support from perturbed ones; add the penalty."""
    return _loss(theta, task, settings) + penalty(theta, task)


@EXERCISE.wrong
def no_penalty(theta, task, settings):
    """The penalty λ(Σ) ‖A‖² is missing."""
    return _loss(theta, task, settings)


@EXERCISE.wrong
def penalises_all(theta, task, settings):
    """Your penalty holds slope and offset back as well. It is ‖A‖², of the head alone."""
    return _loss(theta, task, settings) + task["decay"] * theta.square().sum()


@EXERCISE.wrong
def penalises_the_norm(theta, task, settings):
    """Your penalty has the norm of A. It has its square."""
    return _loss(theta, task, settings) + task["decay"] * unpack(theta)[0].norm()


@EXERCISE.wrong
def penalises_the_mean(theta, task, settings):
    """Your penalty averages the squares of A. It adds them up."""
    return _loss(theta, task, settings) + task["decay"] * unpack(theta)[0].square().mean()


@EXERCISE.wrong
def ignores_the_weights(theta, task, settings):
    """All patches count the same in your statistics and in your loss. Both are weighted."""
    return inner_loss(theta, {**task, "weights": torch.ones_like(task["weights"])}, settings)


@EXERCISE.wrong
def plain_statistics(theta, task, settings):
    """Your statistics take all patches alike. Weigh them there, too."""
    plain = {**task, "weights": torch.ones_like(task["weights"])}
    return _loss(theta, task, settings, task_of_statistics=plain) + penalty(theta, task)


@EXERCISE.wrong
def plain_mean_of_losses(theta, task, settings):
    """You average the losses of all patches alike. Each counts by its weight."""
    found = statistics(unpack(theta)[0], task, settings)
    real = logits_of(theta, task["support"], found)
    perturbed = logits_of(theta, task["support"] + task["noise"], found)
    return (F.softplus(real) + F.softplus(-perturbed)).mean() + penalty(theta, task)


@EXERCISE.wrong
def sum_of_losses(theta, task, settings):
    """You add the weighted losses up. Divide by the sum of the weights."""
    return task["weights"].sum() * _loss(theta, task, settings) + penalty(theta, task)


@EXERCISE.wrong
def divides_by_the_number(theta, task, settings):
    """You divide the weighted losses by the number of patches. Divide by the sum of the weights."""
    return task["weights"].mean() * _loss(theta, task, settings) + penalty(theta, task)


@EXERCISE.wrong
def labels_the_wrong_way(theta, task, settings):
    """You call real patches anomalous and perturbed ones normal. softplus(φ) is the loss of a patch
    that should be normal, softplus(-φ) of one that should not."""

    def turned(theta, z, found):
        return -logits_of(theta, z, found)

    return _loss(theta, task, settings, turned) + penalty(theta, task)


@EXERCISE.wrong
def forgets_the_logarithm(theta, task, settings):
    """Your logit is a s + b. It is a log s + b."""

    def logits(theta, z, found):
        A, log_slope, offset = unpack(theta)
        return log_slope.exp() * distance(embed(z, A), *found) + offset

    return _loss(theta, task, settings, logits) + penalty(theta, task)


@EXERCISE.wrong
def slope_not_raised(theta, task, settings):
    """θ holds the logarithm of the slope. Take its exponential: a slope is above 0."""

    def logits(theta, z, found):
        A, slope, offset = unpack(theta)
        return slope * distance(embed(z, A), *found).log() + offset

    return _loss(theta, task, settings, logits) + penalty(theta, task)


@EXERCISE.wrong
def noise_on_embeddings(theta, task, settings):
    """You add the noise to the embeddings. Add it to the features, then embed."""
    A, log_slope, offset = unpack(theta)
    found = statistics(A, task, settings)
    e = embed(task["support"], A)
    real, perturbed = (
        distance(x, *found).log() * log_slope.exp() + offset for x in (e, e + task["noise"])
    )
    each = F.softplus(real) + F.softplus(-perturbed)
    return (task["weights"] * each).sum() / task["weights"].sum() + penalty(theta, task)


@EXERCISE.wrong
def real_patches_only(theta, task, settings):
    """The perturbed patches are missing: their loss is softplus(-φ)."""
    real = logits_of(theta, task["support"], statistics(unpack(theta)[0], task, settings))
    weights = task["weights"]
    return (weights * F.softplus(real)).sum() / weights.sum() + penalty(theta, task)


@EXERCISE.wrong
def perturbed_patches_only(theta, task, settings):
    """The real patches are missing: their loss is softplus(φ)."""
    found = statistics(unpack(theta)[0], task, settings)
    perturbed = logits_of(theta, task["support"] + task["noise"], found)
    weights = task["weights"]
    return (weights * F.softplus(-perturbed)).sum() / weights.sum() + penalty(theta, task)


@EXERCISE.wrong
def prior_not_moved(theta, task, settings):
    """The prior is still that of features: `move_prior` takes it to the embeddings."""
    found = statistics_with(task["prior"], unpack(theta)[0], task, settings)
    each = F.softplus(logits_of(theta, task["support"], found))
    each = each + F.softplus(-logits_of(theta, task["support"] + task["noise"], found))
    return (task["weights"] * each).sum() / task["weights"].sum() + penalty(theta, task)


@EXERCISE.wrong
def statistics_of_the_perturbed(theta, task, settings):
    """Your perturbed patches are compared with statistics of their own. Both kinds have those of
    the support."""
    A = unpack(theta)[0]
    moved = {**task, "support": task["support"] + task["noise"]}
    real = logits_of(theta, task["support"], statistics(A, task, settings))
    perturbed = logits_of(theta, moved["support"], statistics(A, moved, settings))
    each = F.softplus(real) + F.softplus(-perturbed)
    return (task["weights"] * each).sum() / task["weights"].sum() + penalty(theta, task)


@EXERCISE.wrong
def half_the_penalty(theta, task, settings):
    """Your penalty is half as large. It is λ(Σ) ‖A‖², without a factor."""
    return inner_loss(theta, {**task, "decay": task["decay"] / 2}, settings)


@EXERCISE.wrong
def base_decay(theta, task, settings):
    """Your penalty has λ0. Take the decay of the task: it changes from step to step."""
    return inner_loss(theta, {**task, "decay": settings.base_decay}, settings)


@EXERCISE.wrong
def no_offset(theta, task, settings):
    """The offset is missing in your logit: φ = a log s + b."""
    return inner_loss(torch.cat([theta[:-1], 0 * theta[-1:]]), task, settings)


@EXERCISE.wrong
def slope_of_one(theta, task, settings):
    """The slope is missing in your logit: φ = a log s + b."""
    return inner_loss(torch.cat([theta[:-2], 0 * theta[-2:-1], theta[-1:]]), task, settings)


@EXERCISE.wrong
def noise_alone(theta, task, settings):
    """Your perturbed patches are the noise alone. Add it to the support."""
    found = statistics(unpack(theta)[0], task, settings)
    real = logits_of(theta, task["support"], found)
    perturbed = logits_of(theta, task["noise"].expand_as(task["support"]), found)
    each = F.softplus(real) + F.softplus(-perturbed)
    return (task["weights"] * each).sum() / task["weights"].sum() + penalty(theta, task)


@EXERCISE.wrong
def mean_of_the_two(theta, task, settings):
    """You take the mean of the losses of real and perturbed patches. Add the two."""
    return _loss(theta, task, settings) / 2 + penalty(theta, task)


@EXERCISE.wrong
def patches_not_embedded(theta, task, settings):
    """You measure the distance of features. Embed them first: the statistics are those of
    embeddings."""

    def logits(theta, z, found):
        _, log_slope, offset = unpack(theta)
        return log_slope.exp() * distance(z, *found).log() + offset

    return _loss(theta, task, settings, logits=logits) + penalty(theta, task)
