"""Effects of choices: against dummy variables in a linear model, and on results made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from cozad_book.experiments.factorial import interactions, main_effects


@pytest.mark.parametrize("n_choices", [1, 2, 3, 5])
def test_effects_are_coefficients_of_a_linear_model(n_choices: int) -> None:
    values = np.random.default_rng(n_choices).normal(size=(2,) * n_choices)
    made = np.array(list(itertools.product((-0.5, 0.5), repeat=n_choices)))
    pairs = list(itertools.combinations(range(n_choices), 2))
    products = (
        np.array([made[:, i] * made[:, j] for i, j in pairs]).reshape(len(pairs), len(made)).T
    )
    # With choices at ±1/2 all columns are orthogonal, and a coefficient is an effect.
    model = LinearRegression().fit(np.hstack([made, products]), values.ravel())
    assert main_effects(values) == pytest.approx(model.coef_[:n_choices])
    found = interactions(values)
    assert [found[i, j] for i, j in pairs] == pytest.approx(model.coef_[n_choices:])
    assert (found == found.T).all() and not np.diag(found).any()


def test_additive_results_have_no_interactions() -> None:
    effects = np.array([0.3, -0.1, 0.02])
    values = sum(np.meshgrid(*np.outer(effects, [0, 1]), indexing="ij")) + 0.7
    assert main_effects(values) == pytest.approx(effects)
    assert interactions(values) == pytest.approx(np.zeros((3, 3)), abs=1e-12)


def test_a_choice_that_helps_only_beside_another() -> None:
    values = np.array([[0.5, 0.5], [0.5, 0.9]])
    assert main_effects(values) == pytest.approx([0.2, 0.2])
    assert interactions(values)[0, 1] == pytest.approx(0.4)


@pytest.mark.parametrize("values", [0.5, [1.0], [[1.0, 2, 3], [4, 5, 6]]])
def test_shapes_that_are_no_choices_are_refused(values: object) -> None:
    with pytest.raises(ValueError, match="an axis of length 2"):
        main_effects(values)


def test_missing_results_are_refused() -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        interactions([[1.0, 2.0], [np.nan, 0.0]])
