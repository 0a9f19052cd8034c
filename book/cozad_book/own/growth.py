"""What stands at the end of each chapter: whose each piece is, and what the detector finds now."""

from __future__ import annotations

from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from cozad_book.figures.drawing import COLOURS
from cozad_book.listings import Listing, Table, table
from cozad_book.own import file
from cozad_book.own.detector import STAGES, Stage, build
from cozad_book.own.features import read_features
from cozad_book.own.measures import later_measures
from cozad_book.own.pieces import CHAPTERS, MINE, MISSING, Pieces, collect, my_pieces

__all__ = ["my_detector"]


def my_detector(chapter: int) -> Listing | Table:
    """Keep what passed in this notebook, and score the detector as far as it has come.

    Parameters
    ----------
    chapter : int
        The chapter that ends here.

    Returns
    -------
    Listing or Table
        The scores by chapter. Above them stand whose each piece is and the curve; without any
        function of one's own there is neither.

    Raises
    ------
    CozadError
        As `collect` and `my_pieces`.
    """
    collect()
    pieces = my_pieces()
    for name, piece in pieces.by_name.items():
        if piece.why:
            display(Listing(f"**{name}** in {file.my_file().name} is not used: {piece.why}"))
    if all(piece.whose == MISSING for piece in pieces.until(chapter)):
        return Listing(
            "Nothing of your own yet. Solve an exercise above and run this cell again: your "
            f"function then stands in `{file.my_file().name}`, and its detector is scored here."
        )
    if chapter < min(STAGES):
        return pieces.table(chapter)
    display(pieces.table(chapter))
    features = read_features(pieces)
    stages = build(pieces, features, chapter)
    _draw(stages, pieces)
    plt.show()
    if more := later_measures(pieces, features, stages, chapter):
        display(table(["your function", "says of your detector", ""], more))
    rows = [
        [s.chapter, STAGES[s.chapter], s.image_auroc, s.patch_auroc, _remark(s)] for s in stages
    ]
    return table(["chapter", "your detector", "image AUROC", "patch AUROC", ""], rows)


def _remark(stage: Stage) -> str:
    if not stage.training:
        return ""
    decay = f", λ(Σ) {stage.training.decay:.3f}" if stage.chapter >= 5 else ""
    return f"head of step {stage.training.step}{decay}"


def _draw(stages: list[Stage], pieces: Pieces) -> None:
    """Draw both AUROCs over the chapters; a full mark where all of a chapter is one's own."""
    _, axis = plt.subplots(figsize=(5.6, 2.8))
    for name, colour, line in (("image", "blue", "-"), ("patch", "vermilion", "--")):
        values = [getattr(stage, f"{name}_auroc") for stage in stages]
        axis.plot([s.chapter for s in stages], values, line, color=COLOURS[colour], label=name)
        for stage, value in zip(stages, values, strict=True):
            mine = {pieces.by_name[n].whose for n in CHAPTERS[stage.chapter]} == {MINE}
            face = COLOURS[colour] if mine else "white"
            axis.plot(stage.chapter, value, "o", color=COLOURS[colour], markerfacecolor=face)
    _label(axis)


def _label(axis: Axes) -> None:
    axis.set(xlabel="chapter", ylabel="AUROC of your detector", xlim=(1.5, 7.5), ylim=(0.5, 1.02))
    axis.set_xticks(list(STAGES))
    axis.legend(loc="lower right", ncols=2)
