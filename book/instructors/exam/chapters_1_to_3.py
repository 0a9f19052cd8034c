"""Questions on the chapters 1 to 3."""

from __future__ import annotations

import numpy as np

from bank import Question, drawn, listed, template


@template(1, "From patches to an image")
def image_score(random: np.random.Generator) -> Question:
    n = int(random.integers(9, 14))
    q = float(random.choice([0.15, 0.2, 0.25, 0.3]))
    scores = drawn(random, 0.5, 4.0, n)
    ordered = np.sort(scores)[::-1]
    exact = round(q * n, 9)
    k = int(np.ceil(exact))
    return Question(
        f"An image has {n} patches with the scores {listed(scores)}. What is its image score with "
        f"$q = {q:g}$, by equation (2.7)?",
        float(ordered[:k].mean()),
        {
            "rounds the number of patches down": float(ordered[: k - 1].mean()) if k > 1 else None,
            "takes the highest patch alone": float(ordered[0]) if k > 2 else None,
            "averages all patches: a small defect drowns": float(scores.mean()),
            "takes the lowest of the chosen patches": float(ordered[k - 1]),
        },
    )


@template(1, "Pairs in the right order")
def auroc(random: np.random.Generator) -> Question:
    bad, good = drawn(random, 0.3, 1.0, 4, 1), drawn(random, 0.1, 0.8, 3, 1)
    wins = float((bad[:, None] > good).sum())
    ties = float((bad[:, None] == good).sum())
    return Question(
        f"Four anomalous images score {listed(bad, 1)}; three normal ones {listed(good, 1)}. What "
        "is the image AUROC?",
        (wins + ties / 2) / 12,
        {
            "counts a tie as nothing": wins / 12 if ties else None,
            "counts a tie as a pair in the right order": (wins + ties) / 12 if ties else None,
            "turns the order round": 1 - (wins + ties / 2) / 12,
        },
    )


@template(2, "What a patch sees")
def receptive_field(random: np.random.Generator) -> Question:
    n = int(random.integers(3, 5))
    kernels = random.choice([3, 5], n)
    strides = random.choice([1, 2], n)
    field, careless, late, jump = 1, 1, 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += int(kernel - 1) * jump
        careless += int(kernel - 1)
        jump *= int(stride)
        late += int(kernel - 1) * jump
    layers = "; ".join(f"kernel {k}, stride {s}" for k, s in zip(kernels, strides, strict=True))
    return Question(
        f"A network has the layers, from the image upwards: {layers}. How many pixels wide is the "
        "theoretical receptive field of one place of its last grid?",
        field,
        {
            "forgets that a place is worth as many pixels as the stride so far": careless,
            "counts the stride of a layer for its own kernel": late,
        },
        whole=True,
    )


@template(2, "A distance that knows the directions")
def mahalanobis(random: np.random.Generator) -> Question:
    a, d = random.integers(2, 7, 2)
    b = int(random.integers(1, min(a, d)))
    x, y = random.integers(1, 6, 2) * random.choice([-1, 1], 2)
    squared = (d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)
    return Question(
        f"A patch lies at $e - \\mu = ({x}, {y})$, and the covariance has the variances {a} and "
        f"{d} and the covariance {b} between the two. What is its score by equation (2.6), with "
        "$D = 2$?",
        float(np.sqrt(squared / 2)),
        {
            "leaves out the division by D": float(np.sqrt(squared)),
            "leaves out the root": float(squared / 2),
            "takes the plain distance": float(np.hypot(x, y)),
            "forgets the covariance between the two": float(np.sqrt((x * x / a + y * y / d) / 2)),
        },
    )


@template(2, "Pooling in a corner")
def pooled_corner(random: np.random.Generator) -> Question:
    grid = drawn(random, 1, 9, 9, 1).reshape(3, 3)
    rows = " / ".join(listed(row, 1) for row in grid)
    return Question(
        f"A grid of 3 by 3 patches has one channel: {rows} (row by row). What is the value of the "
        "upper left patch after the mean pooling of equation (2.1)?",
        float(grid[:2, :2].mean()),
        {
            "divides by nine, as if zeros lay beyond the border": float(grid[:2, :2].sum() / 9),
            "averages the whole grid": float(grid.mean()),
            "leaves out the patch itself": float((grid[:2, :2].sum() - grid[0, 0]) / 3),
        },
    )


@template(3, "How low can it go?")
def contrastive_floor(random: np.random.Generator) -> Question:
    good, bad = int(random.integers(6, 30)), int(random.integers(3, 12))
    return Question(
        f"A batch has {good} normal and {bad} anomalous patches. Below which value can the "
        "supervised contrastive loss of the book never fall? (Natural logarithm.)",
        float(np.log(good - 1)),
        {
            "takes 0, as if one positive could have all": 0.0,
            "counts an anchor among its own positives": float(np.log(good)),
            "takes the value where all patches look alike": float(np.log(good + bad - 1)),
        },
    )


@template(3, "Pick the positive")
def info_nce(random: np.random.Generator) -> Question:
    cosines = drawn(random, -0.4, 0.9, 3)
    tau = float(random.choice([0.2, 0.25, 0.5]))
    powers = np.exp(cosines / tau)

    def loss(values: np.ndarray) -> float:
        return float(-np.log(values[0] / values.sum()))

    return Question(
        f"An anchor has the cosines {listed(cosines)} with three keys, of which the first belongs "
        f"to it. What is its InfoNCE loss with $\\tau = {tau:g}$? (Natural logarithm.)",
        loss(powers),
        {
            "leaves out the temperature": float(
                -np.log(np.exp(cosines)[0] / np.exp(cosines).sum())
            ),
            "leaves the positive out of the denominator": float(
                -np.log(powers[0] / powers[1:].sum())
            ),
            "takes the logarithm to the base of ten": float(-np.log10(powers[0] / powers.sum())),
        },
    )


@template(3, "Alignment on a circle")
def alignment(random: np.random.Generator) -> Question:
    angles = np.sort(random.choice(np.arange(0, 181, 10), 3, replace=False))
    pairs = np.array([angles[1] - angles[0], angles[2] - angles[0], angles[2] - angles[1]])
    squared = 2 - 2 * np.cos(np.deg2rad(pairs))
    return Question(
        "Three normal embeddings of length 1 lie on a circle, at "
        + ", ".join(f"{angle}°" for angle in angles)
        + ". What is their alignment by equation (3.4)?",
        float(squared.mean()),
        {
            "averages distances without squaring them": float(np.sqrt(squared).mean()),
            "counts the pairs of a patch with itself": float(squared.mean() * 2 / 3),
            "averages the cosines": float(np.cos(np.deg2rad(pairs)).mean()),
        },
    )
