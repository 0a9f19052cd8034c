"""Prove that nothing of a target reached a model but what the protocol allows, or stop the run.

Two proofs go together. The audit compares the images themselves: of every use on record, of the
support and of the test set, copies included. The independence check needs no record: it scores
test images alone, and finds that they score as they did among the others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from cozad_teach.data.identity.copies import Copy, find_copies
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import EVERY_MODEL, Use
from cozad_teach.errors import CozadError, LeakError, printable
from cozad_teach.evaluation.protocols import Protocol

__all__ = ["audit", "check_independence", "check_record", "digest", "raise_on_leak"]

_N_NAMES = 3
# Largest change of a score by which an image may notice the others, in interquartile ranges of its
# scores, which a strong defect does not stretch: sums of floats differ a little with the batch.
TOLERANCE = 0.02

_REMEDIES = {
    "weights": "train without them",
    "statistics": "compute the statistics from other images",
    "threshold": "choose the threshold on other images",
    "epoch": "choose the epoch or setting on other images",
    "support": "take others from train/good",
    "outside": "give the test images alone",
    "independence": "score each image as if the others were not there",
}


def audit(
    uses: Sequence[Use], support: Fingerprints, test: Fingerprints, protocol: str
) -> dict[str, Any]:
    """Compare the images of a run, copies included.

    No image of the target, test or support, may have had a part in weights, thresholds or the
    choice of an epoch. Statistics without labels are what the protocol decides: under ``batch``
    they may see the test images, under ``few-K`` and ``full`` the support, under ``single``
    neither, for each image is to be judged by itself alone.

    Under ``few-K`` and ``full`` the support are chosen normal images: they must not be test
    images. Under ``single`` and ``batch`` the test images are their own support; given all the
    same, it must hold nothing else.

    Parameters
    ----------
    uses : sequence of Use
        What shaped the model, its thresholds and its settings.
    support, test : Fingerprints
        Images of one category of the target. Under ``single`` and ``batch`` the support may be
        empty.
    protocol : str
        ``single``, ``batch``, ``few-K`` or ``full``.

    Returns
    -------
    dict
        Ready for JSON: ``method`` and ``protocol``; ``uses``, ``support`` and ``test``, of which
        the number of images and a `digest`; ``leaks``, for each pair its ``purpose``, the
        ``image``, the ``target`` image, ``kind`` of copy and ``similarity``;
        ``copies_within_test``, groups of test images that show the same picture and count more
        than once in every metric, but are no leak; ``passed``.

    Notes
    -----
    Crops are looked for between the target and what was used for the model, not within the target:
    products in one pose (bottles) resemble crops of each other.
    """
    seen = Protocol.parse(protocol)
    leaks = []
    for use in uses:
        for target, allowed in ((test, seen.together), (support, not seen.zero_shot)):
            if allowed and use.purpose == "statistics" and not use.labels:
                continue
            leaks += _described(find_copies(use.images, target), use.purpose, use.images, target)
    if not seen.zero_shot:
        leaks += _described(find_copies(support, test, same_kind=True), "support", support, test)
    else:
        known = set(test.hashes)
        leaks += [
            {"purpose": "outside", "image": name, "target": "", "kind": "", "similarity": 0.0}
            for name, value in zip(support.names, support.hashes, strict=True)
            if value not in known
        ]
    return {
        "method": "SHA-256 of decoded pixels; perceptual hash and thumbnails for copies saved "
        "anew, resized, turned, mirrored; windows of thumbnails for crops",
        "protocol": protocol,
        "uses": [
            {"purpose": use.purpose, "labels": use.labels, **_summary(use.images)} for use in uses
        ],
        "support": _summary(support),
        "test": _summary(test),
        "leaks": leaks,
        "copies_within_test": _groups(test),
        "passed": not leaks,
    }


def check_record(uses: Sequence[Use]) -> None:
    """Refuse a model that cannot be audited.

    Raises
    ------
    CozadError
        If it has no record of the images that decided its weights and its statistics.
    """
    if not {use.purpose for use in uses} >= EVERY_MODEL:
        raise CozadError(
            "the model has no record of the images that decided its weights and its statistics, "
            "so nothing can be proved: train it with cozad train, or put its uses on record"
        )


def digest(images: Fingerprints) -> str:
    """Give the SHA-256 of the sorted content hashes, to prove which images a run has seen."""
    return hashlib.sha256("\n".join(sorted(images.hashes)).encode()).hexdigest()


def check_independence(together: Tensor, alone: Tensor) -> dict[str, Any]:
    """Compare the scores of some images among the others with those they have alone.

    It finds what no record shows, such as features that were scaled by the test set under a
    protocol that forbids it.

    Parameters
    ----------
    together, alone : torch.Tensor
        Patch scores of the same images, shape (k, h, w): taken out of the whole test set, and
        computed anew from these images only.

    Returns
    -------
    dict
        Ready for JSON: number of ``images``, ``largest_change`` in interquartile ranges of the
        scores of its image, ``passed``.
    """
    low, high = together.flatten(1).quantile(torch.tensor([0.25, 0.75]), dim=1)
    changes = (together - alone).abs().flatten(1).amax(1) / (high - low).clamp(min=1e-12)
    change = changes.max()
    return {
        "images": len(together),
        "largest_change": round(float(change), 6),
        "passed": bool(torch.isfinite(change) and change <= TOLERANCE),
    }


def raise_on_leak(report: Mapping[str, Any]) -> None:
    """Stop a run that did not pass.

    Parameters
    ----------
    report : mapping
        Of `audit`, with ``independence`` of `check_independence` where there is one.

    Raises
    ------
    LeakError
        Names the first images and the remedy; the command line exits with 3.
    """
    sentences = []
    by_purpose: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for leak in report["leaks"]:
        by_purpose[leak["purpose"]].append(leak)
    for purpose, found in by_purpose.items():
        what = {
            "support": "the support holds copies of test images",
            "outside": "the support holds images outside the test set",
        }.get(purpose, f"images of the target had a part in the {purpose}")
        sentences.append(f"{what} ({_named(found)}): {_REMEDIES[purpose]}")
    independence = report.get("independence")
    if independence and not independence["passed"]:
        sentences.append(
            f"under the protocol {report['protocol']} scores depend on the other test images: "
            f"{_REMEDIES['independence']}"
        )
    if sentences:
        raise LeakError(f"leak: {'; '.join(sentences)}")


def _described(
    copies: Iterable[Copy], purpose: str, images: Fingerprints, target: Fingerprints
) -> list[dict[str, Any]]:
    return [
        {
            "purpose": purpose,
            "image": images.names[copy.first],
            "target": target.names[copy.second],
            "kind": copy.kind,
            "similarity": round(copy.similarity, 4),
        }
        for copy in copies
    ]


def _named(leaks: Sequence[Mapping[str, Any]]) -> str:
    pairs = [
        f"{leak['image']} = {leak['target']}, {leak['kind']}" if leak["target"] else leak["image"]
        for leak in leaks
    ]
    more = f" and {len(pairs) - _N_NAMES} more" if len(pairs) > _N_NAMES else ""
    return f"{len(pairs)}: {'; '.join(map(printable, pairs[:_N_NAMES]))}{more}"


def _summary(images: Fingerprints) -> dict[str, Any]:
    return {"images": len(images), "digest": digest(images)}


def _groups(test: Fingerprints) -> list[list[str]]:
    """Group the test images that show the same picture."""
    leader = list(range(len(test)))
    for copy in find_copies(test, test, same_kind=True):
        first, second = leader[copy.first], leader[copy.second]
        if first != second:
            leader = [min(first, second) if place in (first, second) else place for place in leader]
    groups: dict[int, list[str]] = defaultdict(list)
    for place, name in zip(leader, test.names, strict=True):
        groups[place].append(name)
    return sorted(sorted(names) for names in groups.values() if len(names) > 1)
