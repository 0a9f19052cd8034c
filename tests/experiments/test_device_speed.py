"""What is timed on a device, and beside what; a processor stands for a graphics card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cozad_book.experiments import bench_speed as speed
from cozad_book.experiments import device_speed
from cozad_book.experiments.device_speed import measure_device
from cozad_book.experiments.ledger import read_results
from cozad_book.experiments.toy import TOY


@pytest.mark.slow
def test_every_rate_stands_beside_a_limit_of_the_same_device() -> None:
    rows = measure_device(TOY, "cpu", 4)
    assert [row["wanted"] for row in rows] == ["0.8", "0.5", "2", "–", "–", "–"]
    for row in rows[:-1]:
        assert row["ratio"] == pytest.approx(row["other_seconds"] / row["seconds"], abs=1e-3)
    assert rows[0]["other_seconds"] == rows[1]["other_seconds"]  # the same backbone, timed once
    assert rows[-1]["ratio"] is None and int(rows[-1]["note"].removesuffix(" MB")) > 100


def test_operations_are_counted_through_the_inner_loop() -> None:
    """The head alone: forward and backward of each inner step and of the outer gradient."""
    _, _, flops = device_speed._meta_steps(TOY, 12, "cpu")
    patches = TOY.tasks_per_step * TOY.support_images * TOY.patches_per_image
    assert flops > TOY.inner_steps * 3 * 2 * patches * 12 * 12


@pytest.mark.parametrize(
    ("device", "settings", "stored", "of"),
    [
        (None, None, "speed", "lite"),
        ("cpu", None, "speed_cpu", "lite"),
        ("cuda", None, "speed_cuda", "full"),
        ("cpu", "toy", "speed_cpu", "toy"),
    ],
)
def test_the_speed_of_a_device_has_an_entry_of_its_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str | None,
    settings: str | None,
    stored: str,
    of: str,
) -> None:
    row = {"what": "a", "other": "b", "wanted": "1", "note": "", "ratio": 2.0}
    asked: list[Any] = []

    def measure(*arguments: Any) -> list[dict[str, Any]]:
        asked.append(arguments)
        return [row]

    monkeypatch.setattr(speed, "measure_device", measure)
    monkeypatch.setattr(speed, "measure_speed", measure)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a large card")
    path = speed.bench_speed(device, settings, folder=tmp_path)
    found = read_results(path.stem, tmp_path).content
    assert path.stem == stored and found["rows"] == [row] and found["made_with"]["settings"] == of
    assert asked[0][:2] == (
        ("speed",) if device is None else (speed.run_settings(of, "cozad"), device)
    )
