"""Masks as the owners of data sets save them: other formats than PNG, and lossy ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cozad_teach.data.images import printable
from cozad_teach.errors import CozadError

__all__ = ["read_any_mask"]

_LOSSY_THRESHOLD = 128


def read_any_mask(path: Path) -> NDArray[np.bool_]:
    """Decode a mask of any format.

    Parameters
    ----------
    path : Path
        Where every pixel above 0 is anomalous, whatever its value; in a JPEG, whose noise lies
        above 0, from 128 on.

    Returns
    -------
    ndarray, bool, (H, W)

    Raises
    ------
    CozadError
        If the file is missing or cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            if image.format in ("JPEG", "MPO"):
                return np.asarray(image.convert("L")) >= _LOSSY_THRESHOLD
            # A palette is no matter: its first colour is the background.
            values = np.asarray(image)
    except FileNotFoundError as error:
        raise CozadError(
            f"the mask {printable(path.name)} is missing: check that the archive is whole"
        ) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CozadError(
            f"the mask {printable(path.name)} is damaged or no image ({error}): fetch the archive "
            "again"
        ) from error
    if values.ndim == 3:
        values = values[..., :3] if values.shape[2] > 2 else values[..., :1]  # without alpha
        return np.asarray(values.any(axis=2))
    return values > 0
