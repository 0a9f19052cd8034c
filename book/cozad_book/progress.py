"""A sign of life from a cell that trains, which a notebook stores the same each time."""

from __future__ import annotations

__all__ = ["StepCounter"]


class StepCounter:
    """Prints the number of meta-steps taken, every so often, in one line.

    Give it to `cozad_teach.models.train.fit` as `on_step`.

    Parameters
    ----------
    n_steps : int
        Number of meta-steps to come.
    every : int
        After how many of them a number is printed; the last one always is.
    """

    def __init__(self, n_steps: int, every: int = 10) -> None:
        self._n_steps, self._every, self._done = n_steps, every, 0
        print(f"meta-steps, of {n_steps}:", end="", flush=True)

    def __call__(self, step: object) -> None:
        """Count one meta-step."""
        self._done += 1
        last = self._done == self._n_steps
        if last or self._done % self._every == 0:
            print(f" {self._done}", end="\n" if last else "", flush=True)
