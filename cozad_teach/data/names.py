"""What names of folders and files say: inputs, sections, labels, and which image a mask is of."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from cozad_teach.data.formats import IMAGE_SUFFIXES, PLUGIN_OF_SUFFIX
from cozad_teach.data.members import LeftOut

__all__ = [
    "GOOD",
    "HEAD_BYTES",
    "HIDDEN",
    "NO_IMAGE",
    "OVERLAY",
    "OVERLAY_MARK",
    "OVERLAY_SUFFIX",
    "SECTIONS",
    "holds_masks",
    "images_of_mask",
    "is_hidden",
    "is_named_as_mask",
    "is_overlay",
    "label",
    "left_out_by_name",
    "may_mean_good",
    "section",
    "stem",
]

SECTIONS = ("train", "test", "ground_truth")
GOOD = "good"

# Why a file is no input.
HIDDEN, NO_IMAGE = "hidden", "no image by its name"
OVERLAY = "a heat map of cozad predict"
# By which heat maps are known again: their names, and a text in the file.
OVERLAY_SUFFIX = ".overlay.png"
OVERLAY_MARK = "cozad predict"
HEAD_BYTES = 200  # of a PNG: the text stands right behind its header
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".psd", ".dcm")

# Words for what can mean one thing only.
_GOOD = {"good", "ok", "normal"}
# Words for normal images that might name a defect, or a folder of something else, as well.
_MAYBE_GOOD = {
    *("goods", "normals", "okay", "okays", "io", "pass", "passed", "clean", "healthy", "intact"),
    *("perfect", "fine", "flawless", "undamaged", "correct", "negative", "negatives", "neg"),
    *("none", "no", "free", "regular", "reference", "gut", "bon", "bueno", "buono"),
}
_NO_DEFECT = re.compile(
    r"(no|non|not|without|zero)(defect|anomal|damage|flaw|fault|error)\w*"
    r"|(defect|anomaly|damage|flaw|fault|error)s?free"
)
# How masks are named after their images: 000_mask, 000-gt, mask_000.
_MASK = re.compile(
    r"(?P<prefix>(?:mask|gt)[_ -])?(?P<image>.+?)"
    r"(?P<suffix>[_ -](?:mask|gt|label|seg|segmentation|ground[_ -]?truth))?",
    re.IGNORECASE,
)


def is_hidden(part: str) -> bool:
    """Say whether a file or folder is one that systems hide."""
    return part.startswith(".") or part == "__MACOSX"


def left_out_by_name(name: str) -> LeftOut | None:
    """Say by its name why a file is no input, or None: it is an image."""
    path = PurePosixPath(name)
    for number, part in enumerate(path.parts, 1):
        if is_hidden(part):
            return LeftOut("/".join(path.parts[:number]), HIDDEN)
    suffix = path.suffix.lower()
    if name.lower().endswith(OVERLAY_SUFFIX):
        return LeftOut(name, OVERLAY)
    if suffix in IMAGE_SUFFIXES:
        return None
    shown = suffix[1:].upper()
    if package := PLUGIN_OF_SUFFIX.get(suffix):
        return LeftOut(name, f"{shown} needs the package {package} (pip install {package})")
    kind = mimetypes.guess_type(f"x{suffix}")[0] or ""
    if kind.startswith(("image/", "video/")) or suffix in _RAW:
        return LeftOut(name, f"{shown} is not read here (save it as PNG or JPEG)")
    return LeftOut(name, NO_IMAGE)


def is_overlay(head: bytes) -> bool:
    """Say by its first bytes whether a PNG is a heat map of ``cozad predict``."""
    return OVERLAY_MARK.encode() in head[:HEAD_BYTES]


def section(part: str) -> str | None:
    """Give the section of a data set that a folder is, one of `SECTIONS`, or None."""
    name = part.casefold().replace("-", "_").replace(" ", "_")
    name = {"groundtruth": "ground_truth"}.get(name, name)
    return name if name in SECTIONS else None


def holds_masks(part: str) -> bool:
    """Say whether a folder is called after the masks in it."""
    return section(part) == "ground_truth" or part.casefold() in ("mask", "masks")


def label(part: str) -> str:
    """Give what a folder of images says of them: ``good``, or the name of a defect as it stands."""
    bare = re.sub(r"[\W_]", "", _folded(part))
    return GOOD if bare in _GOOD else unicodedata.normalize("NFC", part)


def may_mean_good(part: str) -> bool:
    """Say whether a folder may hold normal images although `label` does not take it for one."""
    if label(part) == GOOD:
        return False
    words = re.findall(r"[^\W\d_]+", _folded(part))
    bare = "".join(words)
    if bare in _MAYBE_GOOD or _NO_DEFECT.fullmatch(bare):
        return True
    # good_2 and good parts may, not good cannot.
    return any(word in _GOOD for word in words) and not {"no", "non", "not"} & set(words)


def _folded(part: str) -> str:
    """Give a name in small letters of the usual width."""
    return unicodedata.normalize("NFKC", part).casefold()


def stem(name: str) -> str:
    """Give the name of a file without folders and suffix, accents composed as on all systems."""
    return unicodedata.normalize("NFC", PurePosixPath(name).stem)


def images_of_mask(mask: str, stems: Collection[str]) -> list[str]:
    """Give the images that a mask may belong to.

    Parameters
    ----------
    mask : str
        Its stem.
    stems : collection of str
        Those of the images of its defect.

    Returns
    -------
    list of str
        Those whose stem is that of the mask, with or without ``_mask`` and the like; if there are
        none, those that differ from it in upper and lower case only.
    """
    wanted = {mask, *_without_affixes(mask)}
    if found := sorted(name for name in wanted if name in stems):
        return found
    folded = {name.casefold() for name in wanted}
    return sorted(name for name in stems if name.casefold() in folded)


def is_named_as_mask(name: str, stems: Collection[str]) -> bool:
    """Say whether the stem of an image is that of another with ``_mask`` or the like."""
    return any(other in stems for other in _without_affixes(name))


def _without_affixes(name: str) -> list[str]:
    parts = _MASK.fullmatch(name)
    if parts is None:
        return []
    without = {parts["image"], name[len(parts["prefix"] or "") :]}
    if parts["suffix"]:
        without.add(name[: -len(parts["suffix"])])
    return sorted(without - {name})
