"""Questions on the chapters 7 to 9."""

from __future__ import annotations

import numpy as np

from bank import Question, drawn, listed, template


@template(7, "As far as places differ")
def place_mean(random: np.random.Generator) -> Question:
    common, own = drawn(random, 1, 6, 2, 1)
    chance, between = sorted(drawn(random, 0.5, 4, 2, 1))
    r = 1 - chance / between
    return Question(
        f"The common mean is {common:.1f}, the mean of a place {own:.1f}. The means of the places "
        f"have the variance {between:.1f}, of which chance explains {chance:.1f}. What is the mean "
        "$\\mu_p$ by equation (7.3)?",
        float(common + r * (own - common)),
        {
            "takes the share of chance for $r$": float(common + (1 - r) * (own - common)),
            "takes the mean of the place as it is": float(own),
            "takes the common mean": float(common),
        },
    )


@template(7, "A prior counts")
def prior(random: np.random.Generator) -> Question:
    patches, n0 = int(random.choice([20, 50, 100])), int(random.integers(4, 13))
    images = int(random.integers(2, 9))
    s0, own = drawn(random, 0.5, 4, 2, 1)
    total = n0 * patches
    n = images * patches * 0.5
    return Question(
        f"One channel, images of {patches} patches. The prior has the variance {s0:.1f} and counts "
        f"like {n0} images. The support has {images} images; each patch weighs 0.5, and the "
        f"weighted variance around their mean is {own:.1f}. What is the variance after the prior, "
        "$\\hat S$ of equation (2.5)?",
        float((total * s0 + n * own) / (total + n)),
        {
            "lets each patch of the support count in full": float(
                (n0 * s0 + images * own) / (n0 + images)
            ),
            "lets the prior count like so many patches": float((n0 * s0 + n * own) / (n0 + n)),
            "averages prior and support": float((s0 + own) / 2),
            "leaves the prior out": float(own),
        },
    )


@template(7, "An image alone")
def two_distances(random: np.random.Generator) -> Question:
    mean, near = drawn(random, 0.4, 4, 2, 1)
    return Question(
        f"Under the protocol single a patch lies {mean:.1f} from the mean and {near:.1f} from its "
        "nearest relative. What is its score by equation (7.6)?",
        float(np.sqrt(mean * near)),
        {
            "takes the plain average": float((mean + near) / 2),
            "multiplies without the root": float(mean * near),
            "takes the smaller one": float(min(mean, near)),
        },
    )


@template(8, "Average precision")
def average_precision(random: np.random.Generator) -> Question:
    scores = drawn(random, 0.1, 0.99, 7)
    labels = random.permutation([1, 1, 1, 0, 0, 0, 0])
    order = np.argsort(-scores)
    ranked = labels[order]
    precision = np.cumsum(ranked) / np.arange(1, 8)
    pairs = (scores[labels == 1][:, None] > scores[labels == 0]).mean()
    bad, good = scores[labels == 1], scores[labels == 0]
    return Question(
        f"Three anomalous images score {listed(bad)}; four normal ones {listed(good)}. What is the "
        "average precision?",
        float(precision[ranked == 1].mean()),
        {
            "gives the AUROC": float(pairs),
            "averages the precision over all images": float(precision.mean()),
            "gives the precision at the last anomalous image": float(precision[ranked == 1][-1]),
        },
    )


@template(8, "Regions, not pixels")
def region_overlap(random: np.random.Generator) -> Question:
    sizes = np.array([random.integers(200, 900), random.integers(20, 90), random.integers(4, 19)])
    found = np.array([int(random.integers(1, size)) for size in sizes])
    shares = found / sizes
    text = "; ".join(f"{f} of {s} pixels" for f, s in zip(found, sizes, strict=True))
    return Question(
        f"At some threshold a map finds, of three defects: {text}. What is the overlap by region, "
        "one point of the curve under AUPRO?",
        float(shares.mean()),
        {
            "counts pixels: the large defect decides": float(found.sum() / sizes.sum()),
            "counts a touched defect as found": 1.0,
            "takes the best region": float(shares.max()),
        },
    )


_FAIR = (
    "The backbone was trained on ImageNet.",
    "The prior was computed on auxiliary categories.",
    "The number of meta-steps was chosen on auxiliary categories that were kept back.",
    "Under batch, mean and covariance were computed from the unlabelled test images.",
    "The threshold was chosen on auxiliary images.",
)
_LEAKS = (
    "The epoch with the highest AUROC on the target is reported.",
    "Four mirrored copies of test images were among the training images.",
    "$\\gamma$ is the best of seven values for each target, by its labels.",
)
_HIDDEN = (
    "The threshold is the one with the largest F1 on the test images.",
    "Features are standardised by the moments of the good test images.",
)


@template(8, "What is not zero-shot?")
def leaks(random: np.random.Generator) -> Question:
    n_fair, n_open, n_hidden = random.integers([2, 1, 1], [5, 4, 3])
    chosen = [
        *random.choice(_FAIR, n_fair, replace=False),
        *random.choice(_LEAKS, n_open, replace=False),
        *random.choice(_HIDDEN, n_hidden, replace=False),
    ]
    shown = random.permutation(chosen)
    number = int(n_open + n_hidden)
    return Question(
        "How many of these statements say that something of the target has leaked, so that the "
        "result is not zero-shot?\n\n" + "\n".join(f"- {line}" for line in shown),
        number,
        {
            "takes thresholds and moments by labels for harmless": int(n_open),
            "takes all statements for leaks": len(chosen),
            "counts what is fair": int(n_fair) if n_fair not in (number, n_open) else None,
        },
        whole=True,
    )


@template(9, "Will it fit?")
def memory(random: np.random.Generator) -> Question:
    n, channels = int(random.integers(5, 60)) * 100, int(random.integers(100, 400))
    stride = int(random.choice([8, 16]))
    size = int(random.integers(14, 30)) * stride + int(random.integers(3, stride))
    side = size // stride

    def gigabytes(places: float, each: int = 4) -> float:
        return each * n * places * channels / 1e9

    return Question(
        f"How many gigabytes ($10^9$ bytes) do the float32 features of {n} images of {size} "
        f"pixels a side take, at stride {stride} and with {channels} channels?",
        gigabytes(side**2),
        {
            "counts eight bytes for a number": gigabytes(side**2, 8),
            "does not round the grid down": gigabytes((size / stride) ** 2),
            "forgets to square the side": gigabytes(side),
        },
    )


@template(9, "Few bits")
def few_bits(random: np.random.Generator) -> Question:
    bits, value = int(random.integers(2, 5)), float(drawn(random, 1.1, 30, 1, 1)[0])

    def rounded(bits: int, how=np.round) -> float:
        mantissa, exponent = np.frexp(value)
        return float(how(mantissa * 2**bits) * 2.0 ** (exponent - bits))

    return Question(
        f"What is {value:g}, rounded to the nearest number with {bits} significant binary digits?",
        rounded(bits),
        {
            "cuts off, and does not round": rounded(bits, np.floor)
            if rounded(bits, np.floor) != rounded(bits)
            else None,
            "keeps one digit more": rounded(bits + 1)
            if rounded(bits + 1) != rounded(bits)
            else None,
            "does not round at all": value,
        },
    )
