"""Read every file once before the work begins, so that all that are unusable are named at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from cozad_teach.data.folders import Category
from cozad_teach.data.images import ImageFile, read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.data.parallel import in_threads
from cozad_teach.errors import CozadError, join_problems

__all__ = ["check_categories", "check_images"]

Check = Callable[[], object]


def check_images(files: Iterable[ImageFile], *, progress: bool = False) -> None:
    """Decode all images, and refuse those that cannot be used in one sentence.

    Parameters
    ----------
    files : iterable of ImageFile
        Of a folder or archive.
    progress : bool
        Show a bar if it takes more than two seconds.

    Raises
    ------
    CozadError
        Of one file as `read_image`; of several it names up to ten.
    """
    _check([partial(read_image, file) for file in files], progress)


def check_categories(
    categories: Iterable[Category], *, train: bool = False, progress: bool = False
) -> None:
    """Decode the test images of categories and their masks, as `check_images`.

    Parameters
    ----------
    categories : iterable of Category
        Of a data set.
    train : bool
        Whether the images for training are needed too.
    progress : bool
        Show a bar if it takes more than two seconds.

    Raises
    ------
    CozadError
        Of one file as `read_image` or `read_mask`; of several it names up to ten.
    """
    checks: list[Check] = []
    for category in categories:
        files = [item.image for item in category.test]
        checks += [partial(read_image, file) for file in (*files, *category.train_good * train)]
        checks += [partial(mask_of, item.mask, item.image) for item in category.test if item.mask]
    _check(checks, progress)


def _check(checks: Sequence[Check], progress: bool) -> None:
    def problem(check: Check) -> str | None:
        try:
            check()
        except CozadError as error:
            return str(error)
        return None

    # The mask of an image that cannot be read has the same problem.
    found = in_threads(problem, checks, "checking", progress=progress)
    problems = list(dict.fromkeys(filter(None, found)))
    if problems:
        raise CozadError(join_problems(problems))
