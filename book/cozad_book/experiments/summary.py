"""From single runs to what a reader wants to know: means over seeds, differences, intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cozad_book.experiments.lists import OURS
from cozad_book.experiments.plan import Experiment
from cozad_book.experiments.runner import Done
from cozad_book.experiments.trainings import DIGITS, trainings
from cozad_teach.evaluation.category import METRICS
from cozad_teach.evaluation.uncertainty import intervals
from cozad_teach.evaluation.uncertainty.bootstrap import Floats
from cozad_teach.evaluation.uncertainty.intervals import Spread

__all__ = ["ledger_content", "summarise"]

# (data, protocol, method) -> its runs, one for each seed
_Cells = Mapping[tuple[str, str, str], Sequence[Done]]


def summarise(experiment: Experiment, done: Sequence[Done]) -> dict[str, Any]:
    """Average runs over seeds and compare the methods.

    Parameters
    ----------
    experiment : Experiment
        Names the rows that are means over several data sets, and further pairs.
    done : sequence of Done
        All of its runs.

    Returns
    -------
    dict
        Ready for JSON. ``results``: for each data set (and mean of data sets), protocol and
        method, the metrics as [value, low, high] with 95 % intervals that know the variation of
        images and of seeds, the numbers of ``images`` and ``seeds``, for a mean the number of data
        ``sets`` that have each metric, and the same by category where there are several.
        ``differences``: CoZAD minus each other method on the same images, and the experiment's
        pairs, as [value, low, high]. A metric that a data set lacks is left out.
    """
    cells: dict[tuple[str, str, str], list[Done]] = defaultdict(list)
    for one in done:
        cells[one.line.data, one.line.protocol, one.line.method].append(one)
    rows = [({key[0]: key}, key) for key in cells]
    for name, members in experiment.means.items():
        rows += [
            ({data: (data, *key[1:]) for data in members}, (name, *key[1:]))
            for key in cells
            if key[0] == members[0]
        ]
    results, differences = [], []
    for keys, (data, protocol, method) in rows:
        head = {"data": data, "protocol": protocol, "method": method}
        results.append({**head, **_result(cells, list(keys.values()))})
        for better, other in ((OURS, method), *experiment.pairs):
            ours = [(d, protocol, better) for d in keys]
            if other == method != better and ours[0] in cells:
                values = _values(cells, ours, list(keys.values()))
                differences.append({**head, "method": better, "other": method, "values": values})
    return {"results": results, "differences": differences}


def ledger_content(command: str, experiment: Experiment, done: Sequence[Done]) -> dict[str, Any]:
    """Give what the ledger stores of an experiment.

    Parameters
    ----------
    command : str
        That does it again.
    experiment : Experiment
        The experiment.
    done : sequence of Done
        All of its runs.

    Returns
    -------
    dict
        ``question``, ``command``, ``made_with`` of the last run of CoZAD (of the first method,
        where CoZAD is none of them), ``results`` and
        ``differences`` of `summarise`, ``trainings`` of CoZAD, one for each seed, with losses and
        λ(Σ) by step, and ``runs``, each with its metrics, wall time, memory, provenance and the
        proof that nothing leaked.
    """
    first = OURS if OURS in experiment.methods else experiment.methods[0]
    ours = [one for one in done if one.line.method == first]
    return {
        "question": experiment.question,
        "command": command,
        "made_with": ours[-1].report["made_with"],
        **summarise(experiment, done),
        "trainings": trainings(ours),
        "runs": [_compact(one) for one in done],
    }


def _compact(done: Done) -> dict[str, Any]:
    """Give one run without what the summary says better."""
    report, line = done.report, done.line
    kept = (*METRICS, "at_threshold", "calibration_error")
    proofs = report["leaks"]
    any_proof = next(iter(proofs.values()))
    return {
        "data": line.data,
        "protocol": line.protocol,
        "method": line.method,
        "seed": line.seed,
        "values": {m: _rounded(report["mean"][m]) for m in METRICS},
        "intervals": _rounded(report["mean"]["intervals"]),
        "categories": {
            name: _rounded({key: row[key] for key in kept})
            for name, row in report["categories"].items()
        },
        "threshold": _rounded(report["calibration"]["threshold"]),
        "seconds": report["seconds"],
        "peak_memory_mb": report["peak_memory_mb"],
        "leaks": {
            "passed": all(proof["passed"] for proof in proofs.values()),
            "uses": _short(any_proof["uses"]),
            "categories": {name: _proof(proof) for name, proof in proofs.items()},
        },
        "made_with": report["made_with"],
    }


def _proof(proof: Mapping[str, Any]) -> dict[str, Any]:
    copies = sum(len(group) - 1 for group in proof["copies_within_test"])
    return {
        "test": _short(proof["test"]),
        "support": _short(proof["support"]),
        "leaks": len(proof["leaks"]),
        "copies_within_test": copies,
        "skipped": len(proof["skipped"]),
        "independence": proof.get("independence", {}).get("largest_change"),
    }


def _short(value: Any) -> Any:
    """Cut digests to 16 digits."""
    if isinstance(value, list):
        return [_short(entry) for entry in value]
    return {k: v[:16] if k == "digest" else v for k, v in value.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _result(cells: _Cells, keys: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    first = [cells[key][0].report for key in keys]
    rows = [row for report in first for row in report["categories"].values()]
    found: dict[str, Any] = {
        "seeds": len(cells[keys[0]]),
        "images": sum(row["n_normal"] + row["n_anomalous"] for row in rows),
        "values": _values(cells, keys),
    }
    if len(keys) > 1:
        found["sets"] = {
            metric: sum(
                _has(cells[key], list(cells[key][0].report["categories"]), metric) for key in keys
            )
            for metric in METRICS
        }
    if len(keys) == 1 and len(rows) > 1:
        found["categories"] = {
            name: _values(cells, keys, only=name) for name in first[0]["categories"]
        }
    return found


def _values(
    cells: _Cells,
    keys: Sequence[tuple[str, str, str]],
    others: Sequence[tuple[str, str, str]] = (),
    *,
    only: str | None = None,
) -> dict[str, list[float]]:
    """Give every metric with its interval: a mean over data sets, or its excess over `others`."""
    return {
        metric: _rounded(numbers)
        for metric in METRICS
        if (numbers := _metric(cells, keys, others, metric, only))
    }


def _metric(
    cells: _Cells,
    keys: Sequence[tuple[str, str, str]],
    others: Sequence[tuple[str, str, str]],
    metric: str,
    only: str | None,
) -> list[float]:
    by_seed, spreads = [], []
    for index, key in enumerate(keys):
        runs, against = cells[key], cells[others[index]] if others else []
        names = [only] if only else list(runs[0].report["categories"])
        if not _has((*runs, *against), names, metric):
            continue  # a data set without masks takes no part in a mean of pixel metrics
        excess = _means(runs, names, metric)
        by_seed.append(excess - _means(against, names, metric) if against else excess)
        spreads.append(intervals.average([_spread(runs, against, name, metric) for name in names]))
    if not by_seed or any(np.isnan(spread.variance) for spread in spreads):
        return []
    of_seeds = np.mean(by_seed, axis=0)
    value = float(of_seeds.mean())
    spread = intervals.over_seeds(list(of_seeds), intervals.average(spreads))
    low, high = (intervals.difference_interval if others else intervals.interval)(value, spread)
    return [value, low, high]


def _has(runs: Sequence[Done], names: Sequence[str], metric: str) -> bool:
    return all(run.report["categories"][name][metric] is not None for run in runs for name in names)


def _means(runs: Sequence[Done], names: Sequence[str], metric: str) -> Floats:
    """Give the mean over categories, for each seed."""
    return np.array(
        [np.mean([run.report["categories"][name][metric] for name in names]) for run in runs]
    )


def _spread(runs: Sequence[Done], against: Sequence[Done], category: str, metric: str) -> Spread:
    """Give the spread over images of the mean over seeds, or of its excess."""
    if any(metric not in run.draws[category] for run in (*runs, *against)):
        return Spread(float("nan"), 1)
    draws = np.mean([run.draws[category][metric] for run in runs], axis=0)
    if against:
        draws = draws - np.mean([run.draws[category][metric] for run in against], axis=0)
    return Spread(float(np.var(draws, ddof=1, dtype=float)), runs[0].degrees[category])
