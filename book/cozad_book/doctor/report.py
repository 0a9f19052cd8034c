"""``cozad doctor``: what is wrong with this installation, in plain words, and what to do about it.

Nothing here imports torch or another large package: that happens in `probe`, in a process of its
own, because a broken package may raise anything or crash the interpreter.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from cozad_book.doctor.imports import PROBED, check_imports, run_probe
from cozad_book.doctor.installation import (
    check_jupyter_book,
    check_kernel,
    check_packages,
    check_python,
    check_weights,
)
from cozad_book.doctor.machine import (
    Finding,
    check_cpu,
    check_disk,
    check_gpu,
    check_memory,
    check_packs,
)

__all__ = ["CHAPTERS", "Chapter", "Finding", "diagnose", "doctor", "report"]

METHOD = ("Python", "packages", *PROBED, "weights", "memory", "kernel")


@dataclass(frozen=True)
class Chapter:
    """A chapter and what it takes to run it.

    Attributes
    ----------
    number, title : int, str
        As in the book.
    lite : tuple of str
        Names of the findings that must not be problems for the laptop run.
    full : tuple of str
        Names of the findings that must be ``ok`` for the full run, besides those of `lite`.
    """

    number: int
    title: str
    lite: tuple[str, ...] = METHOD
    full: tuple[str, ...] = ("GPU",)


CHAPTERS = (
    Chapter(1, "A first result"),
    Chapter(2, "Patch features"),
    Chapter(3, "The contrastive head"),
    Chapter(4, "Confidence weights"),
    Chapter(5, "The covariance of the losses"),
    Chapter(6, "Meta-learning"),
    Chapter(7, "CoZAD assembled"),
    Chapter(8, "Measuring honestly"),
    Chapter(9, "The full run"),
    Chapter(10, "Questions that the paper leaves open"),
    Chapter(11, "Your own images"),
    Chapter(12, "What the paper says, and what we chose"),
)


def doctor(words: Sequence[str]) -> int:
    """Do ``cozad doctor``, which no words follow: report, and give 2 where there is a problem."""
    about = "Say what is wrong with this installation, and which chapters this machine can run."
    argparse.ArgumentParser(prog="cozad doctor", description=about).parse_args(words)
    findings = diagnose()
    print(report(findings))
    return 2 if any(finding.status == "problem" for finding in findings) else 0


def diagnose() -> list[Finding]:
    """Look at everything that a chapter or a command may need; takes about ten seconds.

    Returns
    -------
    list of Finding
        In the order of `report`. A check does not raise: what it meets is its finding.
    """
    if sys.stderr.isatty():
        print("starting torch and other packages takes some seconds ...", file=sys.stderr)
    probe = run_probe(PROBED)
    checks = (
        check_python(),
        check_packages(),
        check_imports(probe),
        check_weights(),
        check_kernel(),
        check_jupyter_book(),
        check_gpu(probe["torch"]),
        check_cpu(probe["torch"]),
        check_memory(),
        check_disk(),
        check_packs(),
    )
    return [finding for check in checks for finding in check]


def report(findings: list[Finding]) -> str:
    """Set the findings and the chapters that this machine can run as text, 100 columns wide.

    Parameters
    ----------
    findings : list of Finding
        As `diagnose` gives them.

    Returns
    -------
    str
        Several lines, without a final newline.
    """
    lines = []
    for finding in findings:
        head = f"{finding.status:8} {finding.name:14} "
        text = finding.message + (f"\nTo do: {finding.remedy}" if finding.remedy else "")
        for part in text.splitlines():
            for line in textwrap.wrap(part, 100 - len(head), break_on_hyphens=False):
                lines.append((head + line).rstrip())
                head = " " * len(head)
    lines += ["", "Chapters that this machine can run"]
    width = max(len(chapter.title) for chapter in CHAPTERS)
    for chapter in CHAPTERS:
        lite = _missing(chapter.lite, findings, ("ok", "warning"))
        full = lite + _missing(chapter.full, findings, ("ok",))
        answers = [f"no ({', '.join(names)})" if names else "yes" for names in (lite, full)]
        lines.append(
            f"{chapter.number:4}  {chapter.title:{width}} lite: {answers[0]:6} full: {answers[1]}"
        )
    counts = [sum(f.status == status for f in findings) for status in ("problem", "warning")]
    plural = ["" if count == 1 else "s" for count in counts]
    lines += ["", f"{counts[0]} problem{plural[0]}, {counts[1]} warning{plural[1]}"]
    return "\n".join(lines)


def _missing(needs: tuple[str, ...], findings: list[Finding], good: tuple[str, ...]) -> list[str]:
    """Give the needed findings that are there with another status."""
    return [f.name for f in findings if f.name in needs and f.status not in good]
