"""Nothing is downloaded at run time: the whole job runs where every socket is forbidden."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BLOCKED = """
import dataclasses, os, shutil, socket, sys

def forbidden(*arguments, **names):
    raise RuntimeError("a socket was opened")

socket.socket.connect = socket.socket.connect_ex = forbidden
socket.create_connection = socket.getaddrinfo = forbidden
from cozad_teach import settings
from cozad_teach.cli.main import main

settings.SETTINGS["lite"] = dataclasses.replace(
    settings.LITE, image_size=64, meta_steps=2, patches_per_image=8
)
out = sys.argv[1]
model = f"{out}/model.safetensors"
assert main(["train", "--out", model]) == 0
assert main(["data", "--out", f"{out}/data"]) == 0
for category in sorted(os.listdir(f"{out}/data"))[1:]:  # one category is all that is read
    shutil.rmtree(f"{out}/data/{category}")
for folder, _, names in os.walk(f"{out}/data"):  # and of it three images of each kind
    for name in sorted(names)[3:]:
        os.remove(f"{folder}/{name}")
arguments = ["--model", model, "--data", f"{out}/data", "--out", f"{out}/metrics.json"]
assert main(["evaluate", *arguments]) == 0
images = f"{out}/data/{sorted(os.listdir(f'{out}/data'))[0]}/test/good"
assert main(["predict", "--model", model, "--images", images, "--out", f"{out}/maps"]) == 0
"""


def test_train_evaluate_and_predict_open_no_socket(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "metrics.json").exists()
    assert (tmp_path / "maps" / "scores.csv").exists()
