"""Exercise capstone.query_loss."""

import dataclasses

import torch
import torch.nn.functional as F

from cozad_book.checking.cases import Exercise
from cozad_book.exercises.capstone_embed import embed
from cozad_book.exercises.capstone_inner_loss import (
    logits_of,
    penalty,
    statistics,
    statistics_with,
    task_case,
)
from cozad_book.given import contrast, distance, unpack


def _cases():
    return (
        task_case("4 query images of 6 patches", 210, 3, 6, 4),
        task_case("3 query images of 5 patches", 221, 2, 5, 3),
        task_case("another temperature", 232, 4, 3, 2, hidden=True, temperature=1.5),
        task_case("no prior", 243, 2, 7, 3, hidden=True, prior_images=0.0),
    )


EXERCISE = Exercise("capstone.query_loss", cases=_cases(), tolerance=1e-6)


def _logits(theta, task, settings, found=None):
    found = found or statistics(unpack(theta)[0], task, settings)
    return logits_of(theta, task["query"], found)


def _two(logits, odd):
    return F.softplus(-logits[odd]).mean() + F.softplus(logits[~odd]).mean()


def _contrast(theta, task, settings):
    e = embed(task["query"], unpack(theta)[0]).flatten(0, 1)
    return contrast(e, task["query_anomalous"].flatten(), settings.temperature)


def _rest(theta, task, settings):
    return settings.contrastive_weight * _contrast(theta, task, settings) + penalty(theta, task)


@EXERCISE.right
def query_loss(theta, task, settings):
    """Judge θ on labelled query patches: logistic loss of both kinds, contrast, penalty."""
    logits = _logits(theta, task, settings)
    return _two(logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def all_patches_together(theta, task, settings):
    """You average over all patches together, and the few anomalous ones count for little. Average
    over anomalous and over normal patches apart, and add the two."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    loss = torch.where(odd, F.softplus(-logits), F.softplus(logits)).mean()
    return loss + _rest(theta, task, settings)


@EXERCISE.wrong
def mean_of_the_two(theta, task, settings):
    """You take the mean of the two averages. Add them."""
    logits = _logits(theta, task, settings)
    return _two(logits, task["query_anomalous"]) / 2 + _rest(theta, task, settings)


@EXERCISE.wrong
def sums(theta, task, settings):
    """You add the losses of patches up. Average them, of either kind by itself."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    loss = F.softplus(-logits[odd]).sum() + F.softplus(logits[~odd]).sum()
    return loss + _rest(theta, task, settings)


@EXERCISE.wrong
def labels_the_wrong_way(theta, task, settings):
    """You punish high scores of anomalous patches. softplus(-φ) is the loss of a patch that should
    score high."""
    logits = _logits(theta, task, settings)
    return _two(-logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def anomalous_patches_only(theta, task, settings):
    """The normal patches are missing: false alarms cost nothing."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    return F.softplus(-logits[odd]).mean() + _rest(theta, task, settings)


@EXERCISE.wrong
def normal_patches_only(theta, task, settings):
    """The anomalous patches are missing: what is missed costs nothing."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    return F.softplus(logits[~odd]).mean() + _rest(theta, task, settings)


@EXERCISE.wrong
def no_contrast(theta, task, settings):
    """The contrastive loss is missing."""
    logits = _logits(theta, task, settings)
    return _two(logits, task["query_anomalous"]) + penalty(theta, task)


@EXERCISE.wrong
def full_contrast(theta, task, settings):
    """The contrastive loss counts in full. Multiply it by `settings.contrastive_weight`."""
    logits = _logits(theta, task, settings)
    contrast_and_penalty = _contrast(theta, task, settings) + penalty(theta, task)
    return _two(logits, task["query_anomalous"]) + contrast_and_penalty


@EXERCISE.wrong
def nopenalty(theta, task, settings):
    """The penalty λ(Σ) ‖A‖² is missing."""
    return query_loss(theta, {**task, "decay": 0.0}, settings)


@EXERCISE.wrong
def statistics_of_the_query(theta, task, settings):
    """Your mean and covariance come from the query. They come from the support: the query is to be
    judged by them."""
    weights = torch.ones(task["query"].shape[:2], dtype=theta.dtype)
    own = {**task, "support": task["query"], "weights": weights}
    logits = _logits(theta, task, settings, statistics(unpack(theta)[0], own, settings))
    return _two(logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def plain_statistics(theta, task, settings):
    """Your statistics take all patches of the support alike. Weigh them."""
    return query_loss(theta, {**task, "weights": torch.ones_like(task["weights"])}, settings)


@EXERCISE.wrong
def contrast_of_features(theta, task, settings):
    """The contrastive loss sees features. It is to shape embeddings."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    features = contrast(task["query"].flatten(0, 1), odd.flatten(), settings.temperature)
    weighted = settings.contrastive_weight * features
    return _two(logits, odd) + weighted + penalty(theta, task)


@EXERCISE.wrong
def contrast_of_the_odd(theta, task, settings):
    """You draw anomalous patches together, in place of the normal ones."""
    logits, odd = _logits(theta, task, settings), task["query_anomalous"]
    turned = _contrast(theta, {**task, "query_anomalous": ~odd}, settings)
    return _two(logits, odd) + settings.contrastive_weight * turned + penalty(theta, task)


@EXERCISE.wrong
def temperature_of_one(theta, task, settings):
    """Your temperature is 1. Take `settings.temperature`."""
    return query_loss(theta, task, dataclasses.replace(settings, temperature=1.0))


@EXERCISE.wrong
def no_offset(theta, task, settings):
    """The offset is missing in your logit: φ = a log s + b."""
    return query_loss(torch.cat([theta[:-1], 0 * theta[-1:]]), task, settings)


@EXERCISE.wrong
def penalises_all(theta, task, settings):
    """Your penalty holds slope and offset back as well. It is ‖A‖², of the head alone."""
    return query_loss(theta, task, settings) + task["decay"] * theta[-2:].square().sum()


@EXERCISE.wrong
def base_decay(theta, task, settings):
    """Your penalty has λ0. Take the decay of the task."""
    return query_loss(theta, {**task, "decay": settings.base_decay}, settings)


@EXERCISE.wrong
def half_as_temperature(theta, task, settings):
    """Your temperature is 0.5, whatever the settings say."""
    return query_loss(theta, task, dataclasses.replace(settings, temperature=0.5))


@EXERCISE.wrong
def forgets_the_logarithm(theta, task, settings):
    """Your logit is a s + b. It is a log s + b."""
    A, log_slope, offset = unpack(theta)
    found = statistics(A, task, settings)
    logits = log_slope.exp() * distance(embed(task["query"], A), *found) + offset
    return _two(logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def slope_not_raised(theta, task, settings):
    """θ holds the logarithm of the slope. Take its exponential: a slope is above 0."""
    slope = theta[-2:-1]
    changed = torch.cat([theta[:-2], slope.abs().log(), theta[-1:]])
    logits = (_logits(changed, task, settings) - theta[-1]) * slope.sign() + theta[-1]
    return _two(logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def prior_not_moved(theta, task, settings):
    """The prior is still that of features: `move_prior` takes it to the embeddings."""
    found = statistics_with(task["prior"], unpack(theta)[0], task, settings)
    logits = _logits(theta, task, settings, found)
    return _two(logits, task["query_anomalous"]) + _rest(theta, task, settings)


@EXERCISE.wrong
def penalises_the_norm(theta, task, settings):
    """Your penalty has the norm of A. It has its square."""
    A = unpack(theta)[0]
    return query_loss(theta, task, settings) - penalty(theta, task) + task["decay"] * A.norm()


@EXERCISE.wrong
def penalises_the_mean(theta, task, settings):
    """Your penalty averages the squares of A. It adds them up."""
    A = unpack(theta)[0]
    rest = task["decay"] * (A.square().mean() - A.square().sum())
    return query_loss(theta, task, settings) + rest
