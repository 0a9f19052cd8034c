"""All numbers of the method: symbol, value, what the paper says, and where each is explained."""

from __future__ import annotations

from typing import Any

from cozad_book.listings import Table, table
from cozad_teach.settings import LITE, PAPER, SOURCES

__all__ = ["CHAPTER_OF", "hyperparameters"]

# Each setting that decides a result, with its symbol and the chapter that explains it. A name,
# the number of drawn images and the precision decide none of the method.
CHAPTER_OF: dict[str, tuple[str, int]] = {
    "backbone": ("", 2),
    "strides": ("", 2),
    "blocks": ("", 2),
    "image_size": ("", 2),
    "shrinkage": ("ρ", 2),
    "top_share": ("q", 2),
    "smoothing": ("", 2),
    "temperature": ("τ", 3),
    "contrastive_weight": ("ω", 3),
    "weights": ("", 4),
    "weighed": ("", 4),
    "gamma": ("γ", 4),
    "sharpness": ("κ", 4),
    "passes": ("", 4),
    "single_weights": ("", 4),
    "window": ("W", 5),
    "base_decay": ("λ0", 5),
    "decay_growth": ("η", 5),
    "determinant_cap": ("c", 5),
    "tasks_per_step": ("J", 6),
    "support_images": ("", 6),
    "query_images": ("", 6),
    "patches_per_image": ("", 6),
    "max_contamination": ("", 6),
    "meta_steps": ("", 6),
    "inner_steps": ("", 6),
    "inner_learning_rate": ("α", 6),
    "outer_learning_rate": ("β", 6),
    "noise": ("size of ξ", 6),
    "order": ("", 6),
    "prior_images": ("n0", 7),
    "by_place": ("", 7),
    "score": ("", 7),
    "single_score": ("", 7),
}


def hyperparameters() -> Table:
    """List the settings by chapter, with the `lite` values and those that others give."""
    rows = [
        [name, symbol, _text(getattr(LITE, name)), _elsewhere(name), chapter]
        for name, (symbol, chapter) in CHAPTER_OF.items()
    ]
    header = ["setting", "symbol", "here", "the paper, or its predecessor's code", "chapter"]
    return table(header, rows)


def _elsewhere(name: str) -> str:
    if name not in SOURCES:
        return "not said"
    source = "predecessor" if "predecessor" in SOURCES[name] else "paper"
    return f"{_text(getattr(PAPER, name))} ({source})"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
