"""Prove by sample identity that no test image reached training or the support."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from cozad_teach.data.images import printable
from cozad_teach.errors import LeakError

__all__ = ["audit", "raise_on_leak"]

_SUPPORT_IS_TEST = ("single", "batch")
_N_NAMES = 3

_LEAKS = {  # what each list of a report means, and what to do
    "overlap_training_test": ("test images in the training set", "train without them"),
    "overlap_training_support": ("support images in the training set", "train without them"),
    "overlap_support_test": ("support images in the test set", "take others from train/good"),
    "support_outside_test": ("support images outside the test set", "give the test images alone"),
}


def audit(
    training: Collection[str],
    support: Mapping[str, str],
    test: Mapping[str, str],
    protocol: str = "few-k",
) -> dict[str, Any]:
    """Compare the images of a run by content hash.

    Under ``few-k`` the support is chosen normal images of the target: they must be neither test
    nor training images. Under ``single`` and ``batch`` the test images are their own, unlabelled
    support, so that overlap is the protocol and no leak; there the audit checks instead that the
    support holds nothing but test images.

    A pass means that no image is there twice *pixel for pixel*; near-duplicates are not found
    (see `cozad_teach.data.hashes.image_hash`).

    Parameters
    ----------
    training : collection of str
        Hashes of all images that shaped the model: weights, statistics, thresholds, settings.
    support, test : mapping of str to str
        Hash by file name. Under ``single`` and ``batch`` the support may be left empty.
    protocol : str
        ``"single"``, ``"batch"`` or ``"few-K"``.

    Returns
    -------
    dict
        Ready for JSON. Counts ``training_images``, ``support_images`` and ``test_images``; the
        lists of file names ``overlap_training_test`` and ``overlap_training_support``; pairs
        [support file, test file] ``overlap_support_test``; names ``support_outside_test``; groups
        of equal test files ``duplicates_within_test``, which count twice in every metric but are
        no leak; ``method`` and ``passed``.
    """
    seen = set(training)
    by_hash: dict[str, list[str]] = defaultdict(list)
    for name in sorted(test):
        by_hash[test[name]].append(name)
    leaks: dict[str, list[Any]] = {key: [] for key in _LEAKS}
    leaks["overlap_training_test"] = [name for name in sorted(test) if test[name] in seen]
    for name in sorted(support):
        if protocol in _SUPPORT_IS_TEST:
            if support[name] not in by_hash:
                leaks["support_outside_test"].append(name)
            continue
        if support[name] in seen:
            leaks["overlap_training_support"].append(name)
        if support[name] in by_hash:
            leaks["overlap_support_test"].append([name, by_hash[support[name]][0]])
    return {
        "method": "sha256 of decoded pixels",
        "training_images": len(training),
        "support_images": len(support),
        "test_images": len(test),
        **leaks,
        "duplicates_within_test": sorted(names for names in by_hash.values() if len(names) > 1),
        "passed": not any(leaks.values()),
    }


def raise_on_leak(report: Mapping[str, Any]) -> None:
    """Stop a run whose audit did not pass.

    Parameters
    ----------
    report : mapping
        Of `audit`.

    Raises
    ------
    LeakError
        Names the first files and the remedy; the command line exits with 3.
    """
    if report["passed"]:
        return
    sentences = []
    for key, (what, remedy) in _LEAKS.items():
        if found := report[key]:
            names = [" = ".join(item) if isinstance(item, list) else item for item in found]
            more = f" and {len(names) - _N_NAMES} more" if len(names) > _N_NAMES else ""
            shown = ", ".join(map(printable, names[:_N_NAMES]))
            sentences.append(f"{what} ({len(names)}: {shown}{more}): {remedy}")
    raise LeakError(f"leak: {'; '.join(sentences)}")
