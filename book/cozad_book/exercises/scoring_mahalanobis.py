"""Exercise scoring.mahalanobis."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _mahalanobis_cases():
    random = np.random.default_rng(4)
    cases = []
    for label, patches, channels, hidden in (
        ("7 patches with 3 channels", 7, 3, False),
        ("3 patches with 5 channels", 3, 5, False),
        ("9 patches with 2 channels, small values", 9, 2, False),
        ("patches with a single channel", 4, 1, True),
        ("one patch alone", 1, 2, True),
    ):
        mixing = random.normal(size=(channels, channels))
        covariance = 0.9 * mixing @ mixing.T + 0.1 * np.eye(channels)
        mean = random.normal(3, 1, channels)
        features = mean + random.normal(0, 2, (patches, channels))
        size = 0.01 if "small" in label else 1  # shows what is added to the diagonal
        scaled = (size * features, size * mean, size**2 * covariance)
        cases.append(Case(label, scaled, hidden))
    return tuple(cases)


EXERCISE = Exercise("scoring.mahalanobis", cases=_mahalanobis_cases())


@EXERCISE.right
def mahalanobis(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Give the distance of each row of (P, C) to the mean (C,) under the covariance (C, C)."""
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, (features - mean).T)
    return np.sqrt((whitened**2).sum(axis=0))


@EXERCISE.wrong
def gives_the_square(features, mean, covariance):
    """These are squared distances. Take the square root."""
    return mahalanobis(features, mean, covariance) ** 2


@EXERCISE.wrong
def ignores_the_covariance(features, mean, covariance):
    """These are Euclidean distances: the covariance has no effect on them."""
    return np.linalg.norm(features - mean, axis=1)


@EXERCISE.wrong
def does_not_invert(features, mean, covariance):
    """You multiply by the covariance itself. Its inverse belongs there: a direction in which normal
    patches vary much should count little."""
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, covariance, offsets))


@EXERCISE.wrong
def ignores_correlation(features, mean, covariance):
    """You use the variances on the diagonal alone. The entries beside the diagonal say how channels
    vary together; use the whole matrix."""
    return np.sqrt(((features - mean) ** 2 / np.diag(covariance)).sum(axis=1))


@EXERCISE.wrong
def inverts_entry_by_entry(features, mean, covariance):
    """You invert every entry of the matrix. That is not the inverse of the matrix: see
    `numpy.linalg.inv` or, better, `numpy.linalg.solve`."""
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, 1 / covariance, offsets))


@EXERCISE.wrong
def compares_all_pairs(features, mean, covariance):
    """The result is a P x P matrix, a value for each pair of patches. Only its diagonal holds
    distances to the mean; compute just that."""
    offsets = features - mean
    return np.sqrt(offsets @ np.linalg.inv(covariance) @ offsets.T)


@EXERCISE.wrong
def keeps_the_mean(features, mean, covariance):
    """You measure the distance to the origin. Subtract the mean first."""
    return mahalanobis(features, np.zeros_like(mean), covariance)


@EXERCISE.wrong
def solves_with_the_wrong_triangle(features, mean, covariance):
    """You solve with the transposed Cholesky factor. With covariance = L @ L.T, the distance is the
    length of the solution x of L @ x = feature - mean."""
    factor = np.linalg.cholesky(covariance)
    return np.linalg.norm(np.linalg.solve(factor.T, (features - mean).T), axis=0)


@EXERCISE.wrong
def divides_by_the_number_of_channels(features, mean, covariance):
    """You divide the squared distance by the number of channels, as the chapter does. The classic
    form asked for here has no such division."""
    return mahalanobis(features, mean, covariance) / np.sqrt(len(mean))


@EXERCISE.wrong
def deviations_for_variances(features, mean, covariance):
    """You divide by the diagonal of the covariance as if it held deviations. It holds variances;
    and the entries beside it count too."""
    return np.linalg.norm((features - mean) / np.diag(covariance), axis=1)


@EXERCISE.wrong
def own_mean(z, mean, covariance):
    """You subtract the mean of these very patches. Use the mean that is given."""
    return mahalanobis(z, z.mean(axis=0), covariance)


@EXERCISE.wrong
def multiplies_by_the_factor(z, mean, covariance):
    """You multiply by the Cholesky factor. Solve with it: `np.linalg.solve`."""
    return np.linalg.norm((z - mean) @ np.linalg.cholesky(covariance).T, axis=1)


@EXERCISE.wrong
def covariance_twice(z, mean, covariance):
    """You multiply by the whole inverse and take the length: the inverse is in it twice. Multiply
    by the offsets on the other side instead."""
    return np.linalg.norm((z - mean) @ np.linalg.inv(covariance), axis=1)


@EXERCISE.wrong
def sum_of_sizes(z, mean, covariance):
    """You add the sizes of the whitened numbers. Add their squares, and take the root."""
    return abs(np.linalg.solve(np.linalg.cholesky(covariance), (z - mean).T)).sum(axis=0)


@EXERCISE.wrong
def no_root_of_the_sum(z, mean, covariance):
    """You give the squared distance, divided by the number of channels. Take the root of the
    squared distance."""
    return (mahalanobis(z, mean, covariance) ** 2) / len(mean)


@EXERCISE.wrong
def mean_of_all(z, mean, covariance):
    """You give one number for all patches. Each row has a distance of its own."""
    return np.array(mahalanobis(z, mean, covariance).mean())


@EXERCISE.wrong
def over_patches(z, mean, covariance):
    """You add over patches. Add over channels: which axis is that?"""
    return np.sqrt((np.linalg.solve(np.linalg.cholesky(covariance), (z - mean).T) ** 2).sum(axis=1))


@EXERCISE.wrong
def halves(z, mean, covariance):
    """This is half the squared distance, as it stands in the exponent of a Gaussian. Take the root
    of the squared distance."""
    return mahalanobis(z, mean, covariance) ** 2 / 2


@EXERCISE.wrong
def diagonal_of_the_inverse(z, mean, covariance):
    """You use the diagonal of the inverse alone. The entries beside it count too."""
    return np.sqrt(((z - mean) ** 2 * np.diag(np.linalg.inv(covariance))).sum(axis=1))


@EXERCISE.wrong
def signed_whitening(z, mean, covariance):
    """You add the whitened numbers. Square them first, and take the root of the sum."""
    return np.linalg.solve(np.linalg.cholesky(covariance), (z - mean).T).sum(axis=0)


@EXERCISE.wrong
def all_pairs_sizes(z, mean, covariance):
    """The result is a P x P matrix, a value for each pair of patches. Only its diagonal holds
    distances."""
    return np.sqrt(abs((z - mean) @ np.linalg.inv(covariance) @ (z - mean).T))


@EXERCISE.wrong
def all_pairs_squared(z, mean, covariance):
    """The result is a P x P matrix, a value for each pair of patches. The roots of its diagonal are
    the distances."""
    return (z - mean) @ np.linalg.inv(covariance) @ (z - mean).T


@EXERCISE.wrong
def offsets_once(z, mean, covariance):
    """The offsets enter your answer once. They stand on both sides of the inverse, under a root."""
    return ((z - mean) @ np.linalg.inv(covariance)).sum(axis=1)


@EXERCISE.wrong
def adds_to_the_diagonal(features, mean, covariance):
    """You add a millionth to the diagonal. Where features are small that changes the distances:
    take the covariance as it is."""
    return mahalanobis(features, mean, covariance + 1e-6 * np.eye(len(mean)))


@EXERCISE.wrong
def diagonal_of_the_factor(features, mean, covariance):
    """You use the diagonal of the Cholesky factor alone, as `solve_triangular` does of it
    unless you say `lower=True`."""
    factor = np.diag(np.linalg.cholesky(covariance))
    return np.linalg.norm((features - mean) / factor, axis=1)
