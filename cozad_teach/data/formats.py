"""Which image formats can be read here, and how many bits a file of theirs has."""

from __future__ import annotations

import importlib
import re

from PIL import Image, features

__all__ = ["IMAGE_SUFFIXES", "OPENED", "PLUGIN_OF_SUFFIX", "READABLE", "bits_per_channel"]

_SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}
# What reads a format that Pillow alone may not read.
_PLUGINS = {"AVIF": "pillow_avif", "HEIF": "pillow_heif"}


def _formats() -> dict[str, tuple[str, ...]]:
    """Give the formats that can be read here, with their suffixes."""
    missing = set()
    for kind, plugin in _PLUGINS.items():
        if kind == "AVIF" and features.check("avif"):
            continue
        try:
            module = importlib.import_module(plugin)
            if kind == "HEIF":
                module.register_heif_opener()
        except ImportError:
            missing.add(kind)
    return {kind: suffixes for kind, suffixes in _SUFFIXES.items() if kind not in missing}


READABLE = _formats()
IMAGE_SUFFIXES = tuple(suffix for suffixes in READABLE.values() for suffix in suffixes)
# What another program, or one more package, would read.
PLUGIN_OF_SUFFIX = {
    suffix: plugin.replace("_", "-")
    for kind, plugin in _PLUGINS.items()
    if kind not in READABLE
    for suffix in _SUFFIXES[kind]
}
# GIF is here although no suffix names it: a renamed one then gets the true reason.
OPENED = (*READABLE, "DIB", "GIF")
# The depth of the first channel, in the header of the file or of the code stream.
_JPEG2000_DEPTH = re.compile(rb"ihdr.{10}(?!\xff)(.)|\xff\x51.{38}(.)", re.DOTALL)


def bits_per_channel(image: Image.Image, content: bytes) -> int:
    """Give the bits as stored: Pillow drops the lower half of 16-bit colour without a word.

    Parameters
    ----------
    image : PIL.Image.Image
        Opened; it need not be decoded.
    content : bytes
        Of its file.

    Returns
    -------
    int
        Of the channel that has most.
    """
    if image.format == "PNG":
        return content[24]  # the bit depth in the header chunk, which always comes first
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(258, (1,))))  # type: ignore[attr-defined]
    if image.mode.startswith(("I", "F")):
        return 16 if "16" in image.mode else 32
    tile = getattr(image, "tile", [])
    if image.format == "PPM" and tile and isinstance(tile[0][3], tuple):
        return int(tile[0][3][-1]).bit_length()  # of the greatest value
    if image.format == "JPEG2000" and (found := _JPEG2000_DEPTH.search(content)):
        return (next(filter(None, found.groups()))[0] & 0x7F) + 1
    return 8
