"""The exercises of the book, a module for each: a right answer, and those that go wrong.

``metrics_image_auroc`` holds the exercise ``metrics.image_auroc``, and so on. Each defines an
``EXERCISE``, which `cozad_book.checking.exercises` finds by itself. Under ``@EXERCISE.wrong`` the
docstring is what its author is told; what goes wrong stands below it, as students write it.
"""
