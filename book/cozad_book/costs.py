"""What a training run takes before it starts: the memory of the patch features."""

from __future__ import annotations

from cozad_teach.settings import Settings

__all__ = ["feature_bytes"]


def feature_bytes(settings: Settings, n_images: int, channels: int) -> int:
    """Give the memory of the features of all auxiliary images, equation (feature-memory).

    Parameters
    ----------
    settings : Settings
        Gives the image size and the finest stride.
    n_images : int
        N, the number of images.
    channels : int
        C, over all levels of the backbone.

    Returns
    -------
    int
        Bytes of float32 numbers, four each. Training keeps them all on the CPU; what else it needs
        is small beside them.
    """
    side = settings.image_size // settings.strides[0]
    return 4 * n_images * side * side * channels
