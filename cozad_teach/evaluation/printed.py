"""What ``cozad evaluate`` prints of a report: a table, and all that one should know beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from cozad_teach.data.counting import listed, tally
from cozad_teach.data.members import LeftOut
from cozad_teach.errors import printable
from cozad_teach.evaluation.category import METRICS

__all__ = ["remarks", "table"]

Report = Mapping[str, Any]


def table(report: Report) -> str:
    """Lay a report's metrics out as rows, one per category and one for the mean."""
    rows = {
        **{printable(k): row for k, row in report["categories"].items()},
        "mean": report["mean"],
    }
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{metric:>15}" for metric in METRICS)]
    for name, row in rows.items():
        cells = ["–" if row[metric] is None else f"{row[metric]:.3f}" for metric in METRICS]
        lines.append(f"{name:{width}}" + "".join(f"{cell:>15}" for cell in cells))
    # Scores that are not finite decide nothing.
    judged = [row for row in report["categories"].values() if row["at_threshold"] is not None]
    found = [row["at_threshold"]["f1"] for row in judged if row["n_anomalous"]]
    chosen = report["calibration"]
    level = " above the level of each category," if chosen["follows_level"] else ""
    if found:
        lines.append(
            f"at the threshold {chosen['threshold']:.3f}{level} from {chosen['chosen_on']}: "
            f"F1 {fmean(found):.3f}, calibration error "
            f"{fmean(row['calibration_error'] for row in judged):.3f}"
        )
    return "\n".join(lines)


def remarks(report: Report, where: str) -> str:
    """Say why metrics are missing, what is odd about files, and last how many were used.

    Parameters
    ----------
    report : dict
        Of `evaluate`, with what was left out.
    where : str
        The file that it is written to.
    """
    rows: Mapping[str, Report] = report["categories"]
    lines = [
        f"no {', '.join(metrics)} of {listed(names, where)}: {reason}"
        for reason, (metrics, names) in _missing(rows).items()
    ]
    if report["without_test_images"]:
        lines.append(f"without test images: {listed(report['without_test_images'], where)}")
    for what, key in (
        ("anomalous images without a mask", "no_mask"),
        ("images that count in no pixel metric", "not_in_pixel_metrics"),
        ("masks to look at", "mask_notes"),
    ):
        said = [text for row in rows.values() for text in _said(row[key])]
        # Where no image of a set has a mask, the metric's reason has said so.
        if said and not (key == "no_mask" and all(_unmarked(row) for row in rows.values())):
            lines.append(f"{len(said)} {what}: {listed(said, where, separator='; ')}")
    n_images = sum(row["n_normal"] + row["n_anomalous"] for row in rows.values())
    copies = report.get("once", {}).get("left_out", {})
    left_out = [
        *(LeftOut(**file) for file in report["left_out"]),
        *(LeftOut(c["image"], "counted already, as a copy") for cs in copies.values() for c in cs),
    ]
    return "\n".join([*lines, tally(f"{n_images} test images", left_out, where)])


def _missing(rows: Mapping[str, Report]) -> dict[str, tuple[list[str], list[str]]]:
    """Give for each reason the metrics and the categories that it takes away."""
    reasons: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for name, row in rows.items():
        for metric, reason in row["null_reasons"].items():
            for values, value in zip(reasons[reason], (metric, name), strict=True):
                if value not in values:
                    values.append(value)
    return reasons


def _said(entries: Iterable[str] | Mapping[str, str | list[str]]) -> list[str]:
    if not isinstance(entries, Mapping):
        return list(entries)
    return [
        f"{name} {' and '.join([reasons] if isinstance(reasons, str) else reasons)}"
        for name, reasons in entries.items()
    ]


def _unmarked(row: Report) -> bool:
    return len(row["no_mask"]) == row["n_anomalous"]
