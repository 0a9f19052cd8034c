"""Small folders that imitate the official layout of each data set, to the last suffix."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

Size = tuple[int, int]  # width and height


def picture(path: Path, seed: int, size: Size = (20, 14), mode: str = "RGB") -> None:
    """Save a noisy photograph; the suffix decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    noise = rng.integers(1, 255, (size[1], size[0], len(Image.new(mode, (1, 1)).getbands())))
    Image.fromarray(noise.astype(np.uint8).squeeze(), mode if mode == "CMYK" else None).save(path)


def mask(
    path: Path, defect: bool = True, size: Size = (20, 14), value: int = 255, times: int = 1
) -> None:
    """Save a mask whose defect, if any, are the pixels x 3 to 7 and y 2 to 5, enlarged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((size[1], size[0]), np.uint8)
    if defect:
        values[2:6, 3:8] = value
    Image.fromarray(np.kron(values, np.ones((times, times), np.uint8))).save(path)


def mvtec(root: Path, category: str = "bottle", mask_end: str = "_mask") -> None:
    base = root / category
    for i in range(3):
        picture(base / "train" / "good" / f"{i:03}.png", i)
    picture(base / "test" / "good" / "000.png", 10)
    for i in range(2):
        picture(base / "test" / "broken_large" / f"{i:03}.png", 20 + i)
        mask(base / "ground_truth" / "broken_large" / f"{i:03}{mask_end}.png")
    (base / "license.txt").write_text("CC BY-NC-SA 4.0")


def mpdd(root: Path) -> None:
    mvtec(root / "MPDD", "metal_plate")


def dtd_synthetic(root: Path) -> None:
    mvtec(root / "DTD-Synthetic", "Woven_001")


def visa(root: Path) -> None:
    images = root / "candle" / "Data" / "Images"
    rows = ["object,split,label,image,mask"]
    for i in range(4):
        picture(images / "Normal" / f"{i:04}.JPG", i)
        part = "train" if i < 3 else "test"
        rows.append(f"candle,{part},normal,candle/Data/Images/Normal/{i:04}.JPG,")
    for i in range(2):
        picture(images / "Anomaly" / f"{i:03}.JPG", 50 + i)
        mask(root / "candle" / "Data" / "Masks" / "Anomaly" / f"{i:03}.png", value=1 + i)
        rows.append(
            f"candle,test,anomaly,candle/Data/Images/Anomaly/{i:03}.JPG,"
            f"candle/Data/Masks/Anomaly/{i:03}.png"
        )
    (root / "split_csv").mkdir()
    (root / "split_csv" / "1cls.csv").write_text("\n".join(rows) + "\n")
    (root / "split_csv" / "2cls_fewshot.csv").write_text("object,split,label,image,mask\n")


def btad(root: Path) -> None:
    base = root / "BTech_Dataset_transformed"
    for category, suffix, mask_suffix in (("01", "bmp", "png"), ("03", "bmp", "bmp")):
        folder = base / category
        for i in range(3):
            picture(folder / "train" / "ok" / f"{i:04}.{suffix}", i)
        picture(folder / "test" / "ok" / f"0000.{suffix}", 9)
        picture(folder / "test" / "ko" / f"0000.{suffix}", 10)
        # Some masks have another size than their images.
        times = 1 if category == "01" else 2
        mask(folder / "ground_truth" / "ko" / f"0000.{mask_suffix}", times=times)


def kolektorsdd(root: Path) -> None:
    for item in ("kos01", "kos02"):
        for part in range(3):
            picture(root / item / f"Part{part}.jpg", part, mode="L")
            mask(root / item / f"Part{part}_label.bmp", defect=part == 1)


def kolektorsdd2(root: Path) -> None:
    for part, start in (("train", 10000), ("test", 20000)):
        for i in range(3):
            picture(root / part / f"{start + i}.png", start + i)
            mask(root / part / f"{start + i}_GT.png", defect=i == 0)


def dagm2007(root: Path) -> None:
    for category in ("Class1", "Class10"):
        for part, start in (("Train", 1), ("Test", 576)):
            folder = root / category / part
            for i in range(3):
                picture(folder / f"{start + i:04}.PNG", start + i, mode="L")
            mask(folder / "Label" / f"{start:04}_label.PNG")
            (folder / "Label" / "Labels.txt").write_text(f"1 {start}\n")


def rsdds(root: Path) -> None:
    for name, width, height in (("Type-I", 16, 100), ("Type-II", 11, 25)):
        folder = root / "RSDDs" / f"{name} RSDDs dataset"
        for i in (1, 2):
            picture(folder / "Rail surface images" / f"rail_{i}.jpg", i, (width, height), "L")
            mask(folder / "GroundTruth" / f"rail_{i}.jpg", size=(width, height))


def headct(root: Path) -> None:
    for i in range(4):
        picture(root / "head_ct" / "head_ct" / f"{i:03}.png", i, mode="L" if i % 2 else "RGBA")
    rows = ["id, hemorrhage", *(f"{i}, {int(i < 2)}" for i in range(4))]
    (root / "labels.csv").write_text("\n".join(rows) + "\n")


def _brains(root: Path) -> None:
    picture(root / "yes" / "Y1.jpg", 1)
    picture(root / "yes" / "Y2.JPG", 2, mode="L")
    picture(root / "no" / "1 no.jpeg", 3)
    picture(root / "no" / "N3.jpg", 5, mode="CMYK")


def brainmri(root: Path) -> None:
    _brains(root)
    _brains(root / "brain_tumor_dataset")


def br35h(root: Path) -> None:
    _brains(root)
    picture(root / "pred" / "pred0.jpg", 7)
    picture(root / "Br35H-Mask-RCNN" / "TRAIN" / "y0.jpg", 8)


def magnetic_tile(root: Path) -> None:
    base = root / "Magnetic-tile-defect-datasets.-master"
    for i, name in enumerate(("MT_Blowhole", "MT_Break", "MT_Free")):
        stem = f"exp{i}_num_{100 + i}"
        picture(base / name / "Imgs" / f"{stem}.jpg", i, mode="L")
        mask(base / name / "Imgs" / f"{stem}.png", defect=name != "MT_Free")
    picture(base / "dataset.jpg", 9)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "mvtec_ad": mvtec,
    "visa": visa,
    "btad": btad,
    "kolektorsdd": kolektorsdd,
    "kolektorsdd2": kolektorsdd2,
    "dagm2007": dagm2007,
    "dtd_synthetic": dtd_synthetic,
    "mpdd": mpdd,
    "rsdds": rsdds,
    "headct": headct,
    "brainmri": brainmri,
    "br35h": br35h,
    "magnetic_tile": magnetic_tile,
}


# The categories of each layout, where the official set has more than these.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "mvtec_ad": ("bottle",),
    "mpdd": ("metal_plate",),
    "dtd_synthetic": ("Woven_001",),
    "visa": ("candle",),
    "btad": ("01", "03"),
    "dagm2007": ("Class1", "Class10"),
}


def zipped(folder: Path, target: Path, names: Iterable[str] | None = None) -> Path:
    """Pack a folder, or some of its files, as their owner would."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            name = file.relative_to(folder).as_posix()
            if names is None or name in names:
                archive.write(file, name)
        if names is None:
            archive.writestr("__MACOSX/._000.png", b"\0\5\26\7")
    return target
