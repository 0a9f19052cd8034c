"""The words of the page that `cozad demo` shows."""

from __future__ import annotations

__all__ = ["BATCH", "DROP", "MEANING", "SINGLE", "STARTS", "WAYS", "WORDS"]

BATCH, SINGLE = "batch", "single"
WAYS = {
    BATCH: "**batch**: all pictures together say what is normal. Drop pictures of *one* kind of "
    "object or surface, taken alike: two at least (one alone is scored as under single), ten or "
    "more are better, and most of them good.",
    SINGLE: "**single**: each picture alone. One is enough; what differs from the rest of the "
    "same picture counts as unusual. Less is found than in a batch.",
}
WORDS = """# CoZAD on your own pictures

The detector runs on this machine, and the page is seen on it alone: **no picture leaves it**. What
you drop is copied to a temporary folder, which is deleted when the command ends.
"""
DROP = "Photographs: drop several here"
MEANING = """A **score** says how far the most unusual hundredth of a picture lies from what is
taken for normal. It is a distance, no probability, and scores of two products, or of the two
protocols, do not compare."""
STARTS = {
    True: "The slider starts where `cozad predict` decides: at the threshold from photographs that "
    "training kept back.",
    False: "The slider starts at a threshold that was chosen on *drawn* materials. It does not "
    "carry over to photographs: move it until pieces that you know to be good are normal.",
}
