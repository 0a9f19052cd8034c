"""Exercise scoring.mahalanobis. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def mahalanobis(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Give the distance of each row of (P, C) to the mean (C,) under the covariance (C, C)."""
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, (features - mean).T)
    return np.sqrt((whitened**2).sum(axis=0))


def _squared(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, mean, covariance) ** 2


def _euclidean(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features - mean, axis=1)


def _not_inverted(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, covariance, offsets))


def _no_correlation(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.sqrt(((features - mean) ** 2 / np.diag(covariance)).sum(axis=1))


def _inverse_of_entries(
    features: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, 1 / covariance, offsets))


def _all_pairs(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(offsets @ np.linalg.inv(covariance) @ offsets.T)


def _no_offset(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, np.zeros_like(mean), covariance)


def _wrong_triangle(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    factor = np.linalg.cholesky(covariance)
    return np.linalg.norm(np.linalg.solve(factor.T, (features - mean).T), axis=0)


def _divided(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, mean, covariance) / np.sqrt(len(mean))


def _by_deviation(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.linalg.norm((features - mean) / np.diag(covariance), axis=1)


def _mahalanobis_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(4)
    cases = []
    for label, patches, channels, hidden in (
        ("7 patches with 3 channels", 7, 3, False),
        ("3 patches with 5 channels", 3, 5, False),
        ("9 patches with 2 channels", 9, 2, False),
        ("patches with a single channel", 4, 1, True),
        ("one patch alone", 1, 2, True),
    ):
        mixing = random.normal(size=(channels, channels))
        covariance = 0.9 * mixing @ mixing.T + 0.1 * np.eye(channels)
        mean = random.normal(3, 1, channels)
        features = mean + random.normal(0, 2, (patches, channels))
        cases.append(Case(label, (features, mean, covariance), hidden))
    return tuple(cases)


EXERCISE = Exercise(
    name="scoring.mahalanobis",
    reference=mahalanobis,
    cases=_mahalanobis_cases(),
    mistakes=(
        Mistake(
            "gives the square",
            _squared,
            "These are squared distances. Take the square root.",
        ),
        Mistake(
            "ignores the covariance",
            _euclidean,
            "These are Euclidean distances: the covariance has no effect on them.",
        ),
        Mistake(
            "does not invert",
            _not_inverted,
            "You multiply by the covariance itself. Its inverse belongs there: a direction in "
            "which normal patches vary much should count little.",
        ),
        Mistake(
            "ignores correlation",
            _no_correlation,
            "You use the variances on the diagonal alone. The entries beside the diagonal say "
            "how channels vary together; use the whole matrix.",
        ),
        Mistake(
            "inverts entry by entry",
            _inverse_of_entries,
            "You invert every entry of the matrix. That is not the inverse of the matrix: see "
            "`numpy.linalg.inv` or, better, `numpy.linalg.solve`.",
        ),
        Mistake(
            "compares all pairs",
            _all_pairs,
            "The result is a P x P matrix, a value for each pair of patches. Only its diagonal "
            "holds distances to the mean; compute just that.",
        ),
        Mistake(
            "keeps the mean",
            _no_offset,
            "You measure the distance to the origin. Subtract the mean first.",
        ),
        Mistake(
            "solves with the wrong triangle",
            _wrong_triangle,
            "You solve with the transposed Cholesky factor. With covariance = L @ L.T, the "
            "distance is the length of the solution x of L @ x = feature - mean.",
        ),
        Mistake(
            "divides by the number of channels",
            _divided,
            "You divide the squared distance by the number of channels, as the chapter "
            "does. The classic form asked for here has no such division.",
        ),
        Mistake(
            "deviations for variances",
            _by_deviation,
            "You divide by the diagonal of the covariance as if it held deviations. It "
            "holds variances; and the entries beside it count too.",
        ),
        Mistake(
            "own mean",
            lambda z, mean, covariance: mahalanobis(z, z.mean(axis=0), covariance),
            "You subtract the mean of these very patches. Use the mean that is given.",
        ),
        Mistake(
            "multiplies by the factor",
            lambda z, mean, covariance: np.linalg.norm(
                (z - mean) @ np.linalg.cholesky(covariance).T, axis=1
            ),
            "You multiply by the Cholesky factor. Solve with it: `np.linalg.solve`.",
        ),
        Mistake(
            "covariance twice",
            lambda z, mean, covariance: np.linalg.norm(
                (z - mean) @ np.linalg.inv(covariance), axis=1
            ),
            "You multiply by the whole inverse and take the length: the inverse is in it twice. "
            "Multiply by the offsets on the other side instead.",
        ),
        Mistake(
            "sum of sizes",
            lambda z, mean, covariance: abs(
                np.linalg.solve(np.linalg.cholesky(covariance), (z - mean).T)
            ).sum(axis=0),
            "You add the sizes of the whitened numbers. Add their squares, and take the root.",
        ),
        Mistake(
            "no root of the sum",
            lambda z, mean, covariance: (mahalanobis(z, mean, covariance) ** 2) / len(mean),
            "You give the squared distance, divided by the number of channels. Take the root of "
            "the squared distance.",
        ),
        Mistake(
            "mean of all",
            lambda z, mean, covariance: np.array(mahalanobis(z, mean, covariance).mean()),
            "You give one number for all patches. Each row has a distance of its own.",
        ),
        Mistake(
            "over patches",
            lambda z, mean, covariance: np.sqrt(
                (np.linalg.solve(np.linalg.cholesky(covariance), (z - mean).T) ** 2).sum(axis=1)
            ),
            "You add over patches. Add over channels: which axis is that?",
        ),
        Mistake(
            "halves",
            lambda z, mean, covariance: mahalanobis(z, mean, covariance) ** 2 / 2,
            "This is half the squared distance, as it stands in the exponent of a Gaussian. "
            "Take the root of the squared distance.",
        ),
        Mistake(
            "diagonal of the inverse",
            lambda z, mean, covariance: np.sqrt(
                ((z - mean) ** 2 * np.diag(np.linalg.inv(covariance))).sum(axis=1)
            ),
            "You use the diagonal of the inverse alone. The entries beside it count too.",
        ),
        Mistake(
            "signed whitening",
            lambda z, mean, covariance: np.linalg.solve(
                np.linalg.cholesky(covariance), (z - mean).T
            ).sum(axis=0),
            "You add the whitened numbers. Square them first, and take the root of the sum.",
        ),
        Mistake(
            "all pairs, sizes",
            lambda z, mean, covariance: np.sqrt(
                abs((z - mean) @ np.linalg.inv(covariance) @ (z - mean).T)
            ),
            "The result is a P x P matrix, a value for each pair of patches. Only its diagonal "
            "holds distances.",
        ),
        Mistake(
            "all pairs, squared",
            lambda z, mean, covariance: (z - mean) @ np.linalg.inv(covariance) @ (z - mean).T,
            "The result is a P x P matrix, a value for each pair of patches. The roots of its "
            "diagonal are the distances.",
        ),
        Mistake(
            "offsets once",
            lambda z, mean, covariance: ((z - mean) @ np.linalg.inv(covariance)).sum(axis=1),
            "The offsets enter your answer once. They stand on both sides of the inverse, under "
            "a root.",
        ),
    ),
)
