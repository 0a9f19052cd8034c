"""What a detector may see of its target: single, batch, few-K, full."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cozad_teach.errors import CozadError

__all__ = ["Protocol"]


@dataclass(frozen=True)
class Protocol:
    """What may be seen of a target beside the image that is scored.

    Attributes
    ----------
    name : str
        ``single``: nothing, a test image is its own support. ``batch``: the unlabelled test images
        of its category. ``few-K``: K normal images of the category. ``full``: all that there are.
    normal_images : float
        How many normal images are seen: 0, K, or infinity.
    together : bool
        Whether the test images are seen together.
    """

    name: str
    normal_images: float = 0
    together: bool = False

    @classmethod
    def parse(cls, name: str) -> Protocol:
        """Find a protocol by its name.

        Raises
        ------
        CozadError
            If there is none of this name.
        """
        fixed = (cls("single"), cls("batch", together=True), cls("full", normal_images=math.inf))
        for protocol in fixed:
            if name == protocol.name:
                return protocol
        few, _, number = name.partition("-")
        if few == "few" and number.isascii() and number.isdecimal() and number[0] != "0":
            return cls(name, normal_images=int(number))
        raise CozadError(
            f"unknown protocol {name!r}: choose single, batch, full, or few-K such as few-4"
        )

    @property
    def zero_shot(self) -> bool:
        """Whether no image of the target is known to be normal."""
        return self.normal_images == 0

    @property
    def alone(self) -> bool:
        """Whether an image is scored without any other image of the target."""
        return self.zero_shot and not self.together
