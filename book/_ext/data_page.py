"""Write the page of the data sets from their manifest, with pictures of those at hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from sphinx.application import Sphinx

import cozad_teach
from cozad_teach.data.folders import Category, ImageFile, open_dataset, read_image

ROOT = Path(cozad_teach.__file__).parents[1]
sys.path.append(str(ROOT / "data_scripts"))  # which is not installed

from fetching.index import INDEX  # noqa: E402
from fetching.manifest import DatasetInfo, read_manifest  # noqa: E402

__all__ = ["describe", "samples", "setup"]

MARK = "<!-- the data sets of the manifest -->"
MANIFEST = ROOT / "data_scripts" / "manifest.yml"
SIDE = 256  # of a sample picture, in pixels, at most
UNKNOWN = "nobody has verified it yet"
COMMERCIAL = {
    True: "commercial use is allowed",
    False: "no commercial use",
    None: "whether commercial use is allowed, nobody has verified yet",
}
ACCESS = {
    "open": "the command fetches it.",
    "login": "the owner wants an account.",
    "form": "the owner wants a browser.",
}

Picture = Callable[[ImageFile, str], str]


def describe(info: DatasetInfo, pictures: str = "") -> str:
    """Write the section of one data set; `pictures` stands at its end."""
    many = len(info.categories) > 1
    fetch = [f"python data_scripts/get.py {info.name}"]
    if many:
        fetch.append(f"{fetch[0]} --category {info.categories[0]}")
    if info.access != "open":
        fetch = [f"{line} --from FILE_OR_DIR" for line in fetch]
    lines = {
        "Home": f"<{info.homepage}>",
        "Licence": f"{info.licence or UNKNOWN}; {COMMERCIAL[info.commercial_use]}",
        "Access": f"{info.access}: {ACCESS[info.access]} {info.steps}",
        "Images": _counted(info),
        "Split": info.split,
        "Cite": info.citation,
        "SHA-256": ", ".join(
            f"`{archive.sha256}`" if archive.sha256 else UNKNOWN for archive in info.archives
        ),
    }
    if many:
        lines["Categories"] = ", ".join(info.categories)
    fields = "\n\n".join(f"{name}\n: {text}" for name, text in lines.items())
    command = "\n".join(fetch)
    return (
        f"({_label(info)})=\n### {info.title}\n\n```bash\n{command}\n```\n\n{fields}\n\n{pictures}"
    )


def samples(info: DatasetInfo, folder: Path, save: Picture) -> str:
    """Show a normal and an anomalous image, where the licence allows and the set is at hand.

    `save` stores an image under a name and gives the address that the page shall use.
    """
    if not info.pictures or not (folder / INDEX).is_file():
        return ""
    name, category = next(iter(open_dataset(folder).items()))
    shown = []
    for label, file in _examples(category).items():
        address = save(file, f"{info.name}_{label}.jpg")
        shown.append(f"![{label} image of {name}]({address})")
    return f"{' '.join(shown)}\n\nTest images of {name}: {info.title}, {info.licence}, scaled down."


def _examples(category: Category) -> dict[str, ImageFile]:
    """Give the first normal and the first anomalous test image, if there are."""
    return {
        "anomalous" if item.is_anomalous else "normal": item.image
        for item in reversed(category.test)
    }


def _counted(info: DatasetInfo) -> str:
    numbers = {
        "good training images": info.images.train_good,
        "good test images": info.images.test_good,
        "anomalous test images": info.images.test_anomalous,
        "masks": info.images.masks,
    }
    known = ", ".join(f"{n:,} {what}" for what, n in numbers.items() if n is not None)
    unknown = ", ".join(what for what, n in numbers.items() if n is None)
    return "; ".join(part for part in (known, unknown and f"not verified: {unknown}") if part)


def _label(info: DatasetInfo) -> str:
    return f"data-set-{info.name.replace('_', '-')}"


def _overview(sets: dict[str, DatasetInfo]) -> str:
    rows = [
        f"| `{name}` | [{info.title}](#{_label(info)}) | {info.access} | {info.licence or '–'} |"
        for name, info in sets.items()
    ]
    return "\n".join(["| Name | Data set | Access | Licence |", "|---|---|---|---|", *rows])


def insert_data_sets(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the overview and a section for each data set where the page has its mark."""
    if MARK not in source[0]:
        return

    def save(file: ImageFile, name: str) -> str:
        image = Image.fromarray(read_image(file))
        image.thumbnail((SIDE, SIDE))
        target = Path(app.srcdir) / "appendix" / "_samples" / name
        target.parent.mkdir(exist_ok=True)
        image.save(target, quality=85)
        return f"_samples/{name}"

    sets = read_manifest(MANIFEST)
    sections = [
        describe(info, samples(info, ROOT / "datasets" / name, save)) for name, info in sets.items()
    ]
    source[0] = source[0].replace(MARK, "\n\n".join([_overview(sets), *sections]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of pages."""
    app.connect("source-read", insert_data_sets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
