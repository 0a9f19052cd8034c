"""Plant a fault, run the tests that should notice, say which did: one fault after another.

``.venv/bin/python tests/planted_faults.py [NUMBER ...]`` works in copies; the checkout stays as it
is. It ends with 1 if a fault slipped through. A fault whose code is gone is named, and is to be
written anew: it stands for its kind, not for its line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Fault(NamedTuple):
    """A change of one place, and the tests that are asked about it."""

    kind: str
    file: str
    right: str
    wrong: str
    tests: str


METHOD = "tests/test_equations.py tests/test_scoring.py"
FAULTS = (
    # Signs.
    Fault(
        "descent becomes ascent",
        "cozad_teach/maml.py",
        "value - learning_rate * gradients[name]",
        "value + learning_rate * gradients[name]",
        "tests/test_maml.py tests/test_equations.py",
    ),
    Fault(
        "real and perturbed patches change places",
        "cozad_teach/objectives.py",
        "F.softplus(-calibrate(perturbed, *calibration))",
        "F.softplus(calibrate(perturbed, *calibration))",
        "tests/test_equations.py",
    ),
    Fault(
        "reptile runs away from the adapted weights",
        "cozad_teach/maml.py",
        "name: value - adapted[name]",
        "name: adapted[name] - value",
        "tests/test_maml.py tests/test_equations.py",
    ),
    Fault(
        "anomalous patches become positives",
        "cozad_teach/contrastive.py",
        "positive = normal[:, None] & normal[None, :] & ~itself",
        "positive = (normal[:, None] == normal[None, :]) & ~itself",
        "tests/test_contrastive.py tests/test_equations.py",
    ),
    Fault(
        "a patch is its own positive",
        "cozad_teach/contrastive.py",
        "positive = normal[:, None] & normal[None, :] & ~itself",
        "positive = normal[:, None] & normal[None, :]",
        "tests/test_contrastive.py tests/test_equations.py",
    ),
    # Off by one, and what counts.
    Fault(
        "quartiles at another place",
        "cozad_teach/confidence.py",
        "share * (scores.shape[-1] - 1)",
        "share * scores.shape[-1]",
        "tests/test_confidence.py tests/test_equations.py",
    ),
    Fault(
        "threshold from Q1",
        "cozad_teach/confidence.py",
        "torch.lerp(q1, q3, 1 + gamma)",
        "torch.lerp(q1, q3, gamma)",
        "tests/test_confidence.py tests/test_equations.py",
    ),
    Fault(
        "window one too long",
        "cozad_teach/covariance.py",
        "scored[-window:]",
        "scored[-window - 1 :]",
        "tests/test_covariance.py tests/test_equations.py",
    ),
    Fault(
        "scores z-scored within the window",
        "cozad_teach/covariance.py",
        "np.cov(scored[-window:], rowvar=False)",
        "np.corrcoef(scored[-window:], rowvar=False)",
        "tests/test_covariance.py tests/test_equations.py",
    ),
    Fault(
        "determinant with a plus",
        "cozad_teach/covariance.py",
        "- covariance[0, 1] * covariance[1, 0]",
        "+ covariance[0, 1] * covariance[1, 0]",
        "tests/test_covariance.py tests/test_equations.py",
    ),
    Fault(
        "the top share is rounded down",
        "cozad_teach/scoring.py",
        "math.ceil(round(product, 9))",
        "int(round(product, 9))",
        METHOD,
    ),
    Fault(
        "distance not divided by the number of channels",
        "cozad_teach/scoring.py",
        "((centred @ precision) * centred).mean(-1)",
        "((centred @ precision) * centred).sum(-1)",
        METHOD,
    ),
    Fault(
        "prior and support change places",
        "cozad_teach/scoring.py",
        "torch.lerp(prior, covariance, n_patches / (n_patches + of_prior))",
        "torch.lerp(covariance, prior, n_patches / (n_patches + of_prior))",
        METHOD,
    ),
    Fault(
        "mean by place without shrinkage",
        "cozad_teach/scoring.py",
        "return overall + kept * (own - overall)",
        "return own",
        METHOD,
    ),
    Fault(
        "a map is upside down",
        "cozad_teach/scoring.py",
        "rows @ scores.cpu().numpy() @ columns.T",
        "(rows @ scores.cpu().numpy() @ columns.T)[::-1]",
        METHOD,
    ),
    Fault(
        "borders of the pooling count as zeros",
        "cozad_teach/features.py",
        "count_include_pad=False",
        "count_include_pad=True",
        "tests/test_equations.py",
    ),
    Fault(
        "neighbours of a patch may match it",
        "cozad_teach/nearest.py",
        "apart <= OWN_NEIGHBOURHOOD",
        "apart < OWN_NEIGHBOURHOOD",
        "tests/test_nearest.py tests/test_equations.py",
    ),
    Fault(
        "a distance is multiplied by the confidence",
        "cozad_teach/nearest.py",
        "apart = apart / weights",
        "apart = apart * weights",
        "tests/test_nearest.py tests/test_equations.py",
    ),
    # Metrics.
    Fault(
        "ties count as won",
        "cozad_teach/evaluation/exact/curves.py",
        "2 * int(ranks.below.sum()) + int(ranks.tied.sum())",
        "2 * int(ranks.below.sum()) + 2 * int(ranks.tied.sum())",
        "tests/evaluation/test_metrics.py",
    ),
    Fault(
        "AUPRO up to 1",
        "cozad_teach/evaluation/exact/curves.py",
        "np.dot(weights[ranks.order], areas) / limit",
        "np.dot(weights[ranks.order], areas)",
        "tests/evaluation/test_metrics.py",
    ),
    Fault(
        "a normal quantile in the place of Student's",
        "cozad_teach/evaluation/uncertainty/intervals.py",
        "half = stats.t.ppf(0.975, spread.degrees) * np.sqrt(spread.variance)\n    return",
        "half = 1.96 * np.sqrt(spread.variance)\n    return",
        "tests/evaluation/test_bootstrap.py tests/test_equations.py",
    ),
    # What may be seen.
    Fault(
        "batch does not see the other test images",
        "cozad_teach/evaluation/protocols.py",
        'cls("batch", together=True)',
        'cls("batch", together=False)',
        "tests/evaluation/test_protocols.py tests/evaluation/test_leaks.py",
    ),
    Fault(
        "a leak passes",
        "cozad_teach/evaluation/leaks.py",
        '"passed": not leaks,',
        '"passed": True,',
        "tests/evaluation/test_leaks.py",
    ),
    Fault(
        "a labelled use of the target is allowed",
        "cozad_teach/evaluation/leaks.py",
        'use.purpose == "statistics" and not use.labels',
        'use.purpose == "statistics"',
        "tests/evaluation/test_leaks.py",
    ),
    Fault(
        "copies are not passed over",
        "cozad_teach/evaluation/target_features.py",
        "if not copies:",
        "if copies or not copies:",
        "tests/evaluation/test_protocols.py",
    ),
    # Files.
    Fault(
        "shrinking loses small defects",
        "cozad_teach/data/masks.py",
        "last = edges[:-1] // length, -(-edges[1:] // length)",
        "last = edges[:-1] // length, np.maximum(edges[1:] // length, 1)",
        "tests/data/test_masks.py",
    ),
    Fault(
        "a file is written in its place",
        "cozad_teach/files/writing.py",
        "            temporary.replace(target)\n",
        "            target.write_bytes(temporary.read_bytes())\n",
        "tests/files",
    ),
    Fault(
        "a place in the input is allowed",
        "cozad_teach/files/places.py",
        "if source is not None and _is_in(target, Path(source)):",
        "if source is not None and target == Path(source):",
        "tests/files",
    ),
    # The book.
    Fault(
        "a stale number in the ledger",
        "book/results/accuracy.json",
        '"image_auroc":[0.8',
        '"image_auroc":[0.7',
        "tests/book/test_results_quoted.py",
    ),
    Fault(
        "an answer of an exercise is wrong",
        "book/cozad_book/exercises/scoring_image_scores.py",
        "return -np.sort(-patch_scores, axis=1)[:, :k]",
        "return np.sort(patch_scores, axis=1)[:, :k]",
        "tests/teaching/test_exercises.py",
    ),
    Fault(
        "a swapped picture",
        "README.md",
        "book/assets/readme_heat_maps.png",
        "book/assets/readme_heat_map.png",
        "tests/book/test_data_page.py tests/book/test_template.py tests/test_environment.py",
    ),
    Fault(
        "normal images are doubted",
        "cozad_teach/evaluation/methods.py",
        "normal=not self.protocol.zero_shot",
        "normal=False",
        "tests/evaluation/test_protocols.py",
    ),
)


def copied(folder: Path) -> Path:
    """Copy what is committed or could be into a folder."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    target = folder / "checkout"
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def noticed(fault: Fault, checkout: Path) -> list[str]:
    """Name the tests that fail with the fault in place, three at most."""
    path = checkout / fault.file
    whole = path.read_text(encoding="utf-8")
    if fault.right not in whole:
        raise SystemExit(f"{fault.kind}: {fault.file} holds no {fault.right!r} any more")
    path.write_text(whole.replace(fault.right, fault.wrong), encoding="utf-8")
    places = [str(checkout), str(checkout / "book")]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "--maxfail=3", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, *fault.tests.split()],
        cwd=checkout,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    path.write_text(whole, encoding="utf-8")
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.M)
    if run.returncode not in (0, 1, 2):
        raise SystemExit(f"{fault.kind}: pytest did not run\n{run.stdout[-2000:]}{run.stderr}")
    return failed


def main(numbers: list[str]) -> int:
    """Plant all faults, or those of some numbers; 1 if one was not noticed."""
    chosen = [int(number) for number in numbers] or range(1, len(FAULTS) + 1)
    slipped = 0
    with tempfile.TemporaryDirectory() as folder:
        checkout = copied(Path(folder))
        for number in chosen:
            fault = FAULTS[number - 1]
            found = noticed(fault, checkout)
            slipped += not found
            print(f"{number:2} {fault.kind}: {', '.join(found) or 'NOT NOTICED'}", flush=True)
    return int(slipped > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
