"""Questions on the chapters 10 to 12."""

from __future__ import annotations

import numpy as np

from bank import Question, drawn, listed, template


@template(10, "Three seeds")
def three_seeds(random: np.random.Generator) -> Question:
    gaps = drawn(random, -1, 5, 3, 1)
    mean, deviation = gaps.mean(), gaps.std(ddof=1)
    return Question(
        f"The differences of two variants are {listed(gaps, 1)} hundredths of AUROC for three "
        "seeds. What is the *upper* limit of the 95 % interval of the mean difference, by "
        "Student's t over seeds alone? (The quantile for two degrees of freedom is 4.303.)",
        float(mean + 4.303 * deviation / np.sqrt(3)),
        {
            "takes 1.96, as if three seeds were many": float(mean + 1.96 * deviation / np.sqrt(3)),
            "does not divide by the root of three": float(mean + 4.303 * deviation),
            "divides by three where two are free": float(mean + 4.303 * gaps.std() / np.sqrt(3)),
            "gives the mean alone": float(mean),
        },
    )


@template(10, "The best for each set")
def optimism(random: np.random.Generator) -> Question:
    values = drawn(random, 70, 95, 9, 0).reshape(3, 3)
    rows = "\n".join(
        f"| {name} | " + " | ".join(f"{v:.0f}" for v in row) + " |"
        for name, row in zip(("A, fixed before", "B", "C"), values, strict=True)
    )
    each, together = values.max(0).mean(), values.mean(1).max()
    return Question(
        "Three settings on three targets, image AUROC in percent:\n\n"
        f"| setting | first | second | third |\n|---|---|---|---|\n{rows}\n\n"
        "By how many points is the mean too high, if for each target the best setting is taken by "
        "its labels, instead of setting A?",
        float(each - values[0].mean()),
        {
            "takes the best setting for all targets": float(together - values[0].mean()),
            "gives the mean of the best": float(each),
            "gives the largest single gain": float((values.max(0) - values[0]).max()),
        },
    )


@template(11, "A threshold that keeps its promise")
def conformal(random: np.random.Generator) -> Question:
    delta = float(random.choice([0.15, 0.2, 0.25, 0.3]))

    def place(pieces: int) -> int:
        return int(np.ceil(round(pieces * (1 - delta), 9)))

    # Numbers for which the new piece changes the place, and the highest score is not the answer.
    n = int(random.choice([n for n in range(9, 17) if place(n) < place(n + 1) < n]))
    scores = drawn(random, 0.5, 4.0, n)
    ordered = np.sort(scores)
    return Question(
        f"{n} good pieces score {listed(scores)}. What is the conformal threshold for a false "
        f"alarm rate of {delta:.0%}?",
        float(ordered[place(n + 1) - 1]),
        {
            "does not count the new piece in": float(ordered[place(n) - 1]),
            "takes the highest good score": float(ordered[-1]),
            "interpolates a quantile": float(np.quantile(scores, 1 - delta)),
        },
    )


@template(11, "How many good pieces?")
def pieces_needed(random: np.random.Generator) -> Question:
    percent = int(random.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20]))
    needed = int(np.ceil(round(100 / percent, 9))) - 1
    return Question(
        f"How many good pieces does one need at least, so that a conformal threshold can promise "
        f"{percent} % false alarms?",
        needed,
        {
            "does not count the new piece in": needed + 1,
            "takes one piece for each percent": percent if percent != needed else None,
        },
        whole=True,
    )


@template(12, "What a choice brings, on average")
def main_effect(random: np.random.Generator) -> Question:
    neither, first, second, both = drawn(random, 60, 90, 4, 0)
    return Question(
        f"With neither of two choices a method has an AUROC of {neither:.0f} %, with the first "
        f"alone {first:.0f} %, with the second alone {second:.0f} %, with both {both:.0f} %. What "
        "is the main effect of the first, in points?",
        float((first + both - neither - second) / 2),
        {
            "adds it first, and looks no further": float(first - neither),
            "takes it out last, as an ablation does": float(both - second),
            "forgets to halve": float(first + both - neither - second),
        },
    )


@template(12, "Do they need each other?")
def interaction(random: np.random.Generator) -> Question:
    neither, first, second, both = drawn(random, 60, 90, 4, 0)
    return Question(
        f"With neither of two choices a method has an AUROC of {neither:.0f} %, with the first "
        f"alone {first:.0f} %, with the second alone {second:.0f} %, with both {both:.0f} %. How "
        "many points more does the first bring where the second is made than where it is not?",
        float(both - second - first + neither),
        {
            "gives what the first brings with the second": float(both - second),
            "gives what both bring together": float(both - neither),
            "turns the sign round": float(first + second - both - neither),
        },
    )
