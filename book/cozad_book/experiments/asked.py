"""What somebody asks for: an experiment, with other settings or auxiliary images than its own."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from cozad_book.experiments.left_out import left_out_name
from cozad_book.experiments.lists import experiment
from cozad_book.experiments.plan import Experiment
from cozad_book.experiments.published import installed_experiment
from cozad_book.experiments.toy import TOY, in_small
from cozad_book.experiments.variants import AUXILIARY
from cozad_teach.errors import CozadError
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["Asked", "asked_for"]


class Asked(NamedTuple):
    """An experiment, where the ledger keeps it, and how it is done again.

    Attributes
    ----------
    experiment : Experiment
        As it was asked for.
    auxiliary : str
        What CoZAD is trained on: a name of `AUXILIARY`.
    stored : str
        The name of its entry.
    command : str
        What does it, with its options.
    missing : list of str
        Official sets that it would have measured if they were on disk.
    """

    experiment: Experiment
    auxiliary: str
    stored: str
    command: str
    missing: list[str]


def asked_for(
    name: str,
    settings: str | None = None,
    auxiliary: str = DRAWN,
    *,
    on_packs: bool = True,
) -> Asked:
    """Look an experiment up, and change in it what was asked for.

    Parameters
    ----------
    name : str
        Of the experiment.
    settings : str, optional
        Other settings than its own: it is then stored under their name. ``toy`` makes it small.
    auxiliary : str
        A name of `AUXILIARY`, of some images: what CoZAD is trained on instead of drawn
        materials; it is then stored under that name, too.
    on_packs : bool
        Whether an experiment that has published values beside it is done on packs; else it is
        done on the official sets that are on disk.

    Raises
    ------
    CozadError
        If there is no such experiment, no such auxiliary data, or no official set on disk; if the
        experiment has auxiliary images of its own.
    """
    chosen = experiment(name)
    stored, command = name, f"cozad bench {name}"
    missing: list[str] = []
    if chosen.has_published and not on_packs:
        stored, (chosen, missing) = f"{name}_official", installed_experiment(chosen)
    elif chosen.has_published:
        command += " --packs DIR"
    if settings not in (None, chosen.settings):
        chosen = dataclasses.replace(chosen, settings=settings)
        stored, command = f"{stored}_{settings}", f"{command} --settings {settings}"
    # Without any images there is nothing to train: that is the variant of this name.
    with_images = [name for name, images in AUXILIARY.items() if images]
    if auxiliary not in with_images:
        raise CozadError(f"unknown auxiliary data {auxiliary!r}: choose {', '.join(with_images)}")
    if auxiliary != DRAWN and any(map(left_out_name, chosen.data)):
        raise CozadError(f"{name} trains on the pack whose categories it leaves out: give no other")
    if auxiliary != DRAWN:
        stored, command = f"{stored}_{auxiliary}", f"{command} --auxiliary {auxiliary}"
    if settings == TOY.name:
        chosen = in_small(chosen)
    return Asked(chosen, auxiliary, stored, command, missing)
