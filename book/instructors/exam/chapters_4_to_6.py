"""Questions on the chapters 4 to 6."""

from __future__ import annotations

import numpy as np

from bank import Question, drawn, listed, template


@template(4, "Tukey's fence")
def fence(random: np.random.Generator) -> Question:
    scores = drawn(random, 0.6, 3.0, 9, 1)
    gamma = float(random.choice([-1, -0.5, 0.5, 1.5]))
    q1, q2, q3 = np.percentile(scores, [25, 50, 75])
    return Question(
        f"Nine patches score {listed(scores, 1)}. What is the threshold by equation (4.1) with "
        f"$\\gamma = {gamma:g}$? Quartiles as NumPy gives them.",
        float(q3 + gamma * (q3 - q1)),
        {
            "starts at the median": float(q2 + gamma * (q3 - q1)),
            "subtracts where one adds": float(q3 - gamma * (q3 - q1)),
            "takes mean and standard deviation": float(scores.mean() + gamma * scores.std()),
            "takes the whole range of the scores": float(q3 + gamma * np.ptp(scores)),
        },
    )


@template(4, "How much does it still count?")
def soft_weight(random: np.random.Generator) -> Question:
    threshold = float(drawn(random, 0.8, 1.6, 1)[0])
    score = float(drawn(random, 1.8, 3.0, 1)[0])
    kappa = int(random.integers(2, 5))
    share = threshold / score
    return Question(
        f"A patch scores {score:.2f}, the threshold is {threshold:.2f}, and $\\kappa = {kappa}$. "
        "What is its soft weight by equation (4.2)?",
        share**kappa,
        {
            "leaves out the sharpness": share,
            "discards it, as hard selection does": 0.0,
            "gives it the full weight": 1.0,
            "multiplies by the sharpness": share * kappa,
        },
    )


@template(4, "Weighted variance")
def weighted_variance(random: np.random.Generator) -> Question:
    values = drawn(random, 0, 8, 4, 1)
    weights = random.choice([1.0, 1.0, 0.5, 0.25], 4)
    weights[int(random.integers(4))] = 0.1
    mean = weights @ values / weights.sum()
    squares = (values - mean) ** 2
    return Question(
        f"Four patches have one channel, with the values {listed(values, 1)} and the weights "
        f"{listed(weights)}. What is their weighted variance around the weighted mean, divided by "
        "the sum of the weights?",
        float(weights @ squares / weights.sum()),
        {
            "forgets the weights": float(values.var()),
            "divides by the number of patches": float(weights @ squares / 4),
            "measures from the plain mean": float(
                weights @ (values - values.mean()) ** 2 / weights.sum()
            ),
        },
    )


@template(5, "The strength of the decay")
def decay(random: np.random.Generator) -> Question:
    a, d = np.round(random.uniform(0.8, 2.5, 2), 1)
    b = float(np.round(random.uniform(0.3, 0.7) * np.sqrt(a * d), 1))
    base = float(random.choice([0.1, 0.2]))
    eta, cap = float(random.choice([0.5, 1.0, 2.0])), float(random.choice([10.0, 100.0]))
    det = a * d - b * b

    def strength(x: float) -> float:
        return float(base * (1 + eta * np.log1p(min(x, cap)) / np.log1p(cap)))

    return Question(
        f"The losses have $\\Sigma_{{11}} = {a:.1f}$, $\\Sigma_{{22}} = {d:.1f}$ and "
        f"$\\Sigma_{{12}} = {b:.1f}$. What is $\\lambda(\\Sigma)$ with $\\lambda_0 = {base:g}$, "
        f"$\\eta = {eta:g}$ and $c = {cap:g}$?",
        strength(det),
        {
            "leaves the covariance out of the determinant": strength(a * d),
            "leaves out the logarithms": float(base * (1 + eta * det / cap)),
            "gives the growth alone": strength(det) - base,
        },
    )


@template(5, "Losses that move together")
def determinant(random: np.random.Generator) -> Question:
    a, b = np.round(random.uniform(0.5, 3.0, 2), 1)
    r = float(random.choice([0.2, 0.3, 0.4, 0.6, 0.7, 0.8]))
    return Question(
        f"Training and validation loss have the variances {a:.1f} and {b:.1f} in the window and "
        f"the correlation {r:g}. What is $\\det \\Sigma$?",
        float(a * b * (1 - r * r)),
        {
            "leaves out the correlation": float(a * b),
            "takes the correlation for the covariance": float(a * b - r * r),
            "does not square the correlation": float(a * b * (1 - r)),
        },
    )


@template(6, "Two steps downhill")
def inner_steps(random: np.random.Generator) -> Question:
    m, c, theta = float(random.integers(2, 6)), float(random.integers(1, 5)), 0.0
    alpha = float(random.choice([0.04, 0.05, 0.08, 0.1, 0.12, 0.15]))
    for _ in range(2):
        theta -= alpha * m * (theta - c)
    return Question(
        f"The inner loss is $\\frac12 m(\\theta - c)^2$ with $m = {m:g}$ and $c = {c:g}$. Where "
        f"do two steps of size $\\alpha = {alpha:g}$ from $\\theta = 0$ lead?",
        theta,
        {
            "takes one step": alpha * m * c,
            "takes the first gradient twice": 2 * alpha * m * c,
            "forgets the factor m of the gradient": c * (1 - (1 - alpha) ** 2),
            "goes uphill": c * (1 - (1 + alpha * m) ** 2),
        },
    )


@template(6, "Through the inner loop")
def outer_gradient(random: np.random.Generator) -> Question:
    m, c, q = (
        float(random.integers(2, 6)),
        float(random.integers(1, 4)),
        float(random.integers(2, 7)),
    )
    alpha = float(random.choice([0.04, 0.05, 0.08, 0.1, 0.12, 0.15]))
    adapted = alpha * m * c
    return Question(
        f"Inside, the loss is $\\frac12 m(\\theta - c)^2$ with $m = {m:g}$, $c = {c:g}$; outside "
        f"it is $\\frac12(\\theta - q)^2$ with $q = {q:g}$. One inner step of size $\\alpha = "
        f"{alpha:g}$ from $\\theta = 0$. What is the gradient of second order of the outer loss "
        "with respect to the start?",
        (1 - alpha * m) * (adapted - q),
        {
            "gives the gradient of first order": adapted - q,
            "gives the direction of Reptile": -adapted,
            "takes the outer gradient at the start": (1 - alpha * m) * -q,
            "adds where the factor subtracts": (1 + alpha * m) * (adapted - q),
        },
    )


@template(6, "A step of Reptile")
def reptile(random: np.random.Generator) -> Question:
    theta, size = float(random.integers(1, 6)), float(random.choice([0.2, 0.25, 0.5]))
    adapted = drawn(random, theta - 3, theta + 5, 3, 1)
    move = float((adapted - theta).mean())
    return Question(
        f"From $\\theta = {theta:g}$, three tasks adapt to {listed(adapted, 1)}. Where does a step "
        f"of Reptile of size {size:g} lead?",
        theta + size * move,
        {
            "moves away from the tasks: the sign": theta - size * move,
            "goes all the way": theta + move,
            "adds the tasks up": theta + 3 * size * move,
        },
    )
