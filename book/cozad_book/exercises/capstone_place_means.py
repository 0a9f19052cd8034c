"""Exercise capstone.place_means."""

import torch

from cozad_book.checking.cases import Case, Exercise
from cozad_book.given import small_values


def _cases():
    def case(label, seed, n, p, d, apart, hidden=False):
        places = apart * small_values(seed, p, d)
        weights = small_values(seed + 2, n, p).sigmoid()
        return Case(label, (places + small_values(seed + 1, n, p, d), weights), hidden)

    whole = torch.ones(4, 6, dtype=torch.float64)
    return (
        case("5 images of 7 places, with 3 channels", 11, 5, 7, 3, 0.7),
        case("6 images of 4 places that differ much", 14, 6, 4, 2, 3.0),
        Case("equal weights", (small_values(17, 4, 6, 3) + small_values(18, 6, 3), whole)),
        case("3 images of 8 places that are alike", 19, 3, 8, 5, 0.0, hidden=True),
        case("4 images of 9 places, with 2 channels", 22, 4, 9, 2, 0.5, hidden=True),
    )


EXERCISE = Exercise("capstone.place_means", cases=_cases())


def common_mean(e, weights):
    """Give the weighted mean (D,) of all patches (N, P, D)."""
    return (weights[..., None] * e).sum((0, 1)) / weights.sum()


def _parts(e, weights):
    """Give the means by place, the common one, and the weights of each place as shares."""
    shares = weights / weights.sum(0)
    own = (shares[..., None] * e).sum(0)
    return own, common_mean(e, weights), shares


def _chance(e, weights, own, shares, *, of_images=True, free=True):
    u = (shares**2).sum(0)
    scatter = (weights[..., None] * (e - own) ** 2).sum((0, 1))
    spread = scatter / ((1 - u if free else torch.ones_like(u)) * weights.sum(0)).sum()
    return spread * (u.mean() if of_images else 1)


def _shrunk(own, common, chance, between):
    return common + (1 - chance / between).clamp(min=0) * (own - common)


@EXERCISE.right
def place_means(e, weights):
    """Give the mean of each place of (N, P, D), drawn to the common mean as far as chance goes."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, _chance(e, weights, own, shares), between)


@EXERCISE.wrong
def means_of_places(e, weights):
    """These are the plain means of the places. Go from the common mean towards them only as far
    as r allows."""
    return _parts(e, weights)[0]


@EXERCISE.wrong
def the_common_mean(e, weights):
    """All places have the common mean. Where places differ more than by chance, r is above 0."""
    own, common, _ = _parts(e, weights)
    return common.expand_as(own)


@EXERCISE.wrong
def negative_r(e, weights):
    """Where chance explains more than all of the differences, your r is negative, and the means
    move away from where they are: r is at least 0."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    return common + (1 - _chance(e, weights, own, shares) / between) * (own - common)


@EXERCISE.wrong
def variance_of_a_patch(e, weights):
    """Your chance is the variance of single patches. A mean of several varies less: times the mean
    of the u_p."""
    own, common, shares = _parts(e, weights)
    chance = _chance(e, weights, own, shares, of_images=False)
    return _shrunk(own, common, chance, ((own - common) ** 2).mean(0))


@EXERCISE.wrong
def forgets_the_freedom(e, weights):
    """You divide the scatter by all weights. A mean that was fitted to few patches leaves them too
    little scatter: each place counts (1 - u_p) times its weights."""
    own, common, shares = _parts(e, weights)
    chance = _chance(e, weights, own, shares, free=False)
    return _shrunk(own, common, chance, ((own - common) ** 2).mean(0))


@EXERCISE.wrong
def ignores_the_weights(e, weights):
    """All patches count the same in your means. Use the weights."""
    return place_means(e, torch.ones_like(weights))


@EXERCISE.wrong
def one_r_for_all(e, weights):
    """You take one r for all channels. Each has its own."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, _chance(e, weights, own, shares).mean(), between.mean())


@EXERCISE.wrong
def mean_of_the_means(e, weights):
    """Your common mean is that of the places, each alike. Weighted patches make it, all of them."""
    own, _, shares = _parts(e, weights)
    common = own.mean(0)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, _chance(e, weights, own, shares), between)


@EXERCISE.wrong
def one_less_between(e, weights):
    """You divide the variance between places by P - 1. It is a plain mean over the places."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).sum(0) / (len(own) - 1)
    return _shrunk(own, common, _chance(e, weights, own, shares), between)


@EXERCISE.wrong
def fraction_upside_down(e, weights):
    """You divide the variance between places by that of chance. In r chance stands above."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, between, _chance(e, weights, own, shares))


@EXERCISE.wrong
def takes_chance_for_r(e, weights):
    """Your r is the share that chance explains. It is the rest: 1 less that share."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    share = (_chance(e, weights, own, shares) / between).clamp(max=1)
    return common + share * (own - common)


@EXERCISE.wrong
def deviations_instead_of_variances(e, weights):
    """Your r compares standard deviations. It compares variances."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, _chance(e, weights, own, shares).sqrt(), between.sqrt())


@EXERCISE.wrong
def plain_means_of_places(e, weights):
    """Your means by place are plain ones. Weigh them: a doubtful patch shifts its place."""
    own, common, shares = e.mean(0), common_mean(e, weights), weights / weights.sum(0)
    between = ((own - common) ** 2).mean(0)
    return _shrunk(own, common, _chance(e, weights, own, shares), between)


@EXERCISE.wrong
def one_over_n(e, weights):
    """Your u_p is 1 / N, which holds for equal weights alone. It is the sum of the squared
    shares."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).mean(0)
    equal = torch.full_like(shares, 1 / len(e))
    return _shrunk(own, common, _chance(e, weights, own, equal), between)


@EXERCISE.wrong
def sum_over_places(e, weights):
    """You add up the variance between places. It is a mean over them."""
    own, common, shares = _parts(e, weights)
    between = ((own - common) ** 2).sum(0)
    return _shrunk(own, common, _chance(e, weights, own, shares), between)


@EXERCISE.wrong
def scatter_without_weights(e, weights):
    """Your scatter takes all patches alike. Weigh it."""
    own, common, shares = _parts(e, weights)
    scatter = ((e - own) ** 2).sum((0, 1))
    u = (shares**2).sum(0)
    chance = u.mean() * scatter / ((1 - u) * weights.sum(0)).sum()
    return _shrunk(own, common, chance, ((own - common) ** 2).mean(0))
