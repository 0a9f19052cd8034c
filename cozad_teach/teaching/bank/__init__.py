"""The exercises of the book, a module for each.

``metrics_image_auroc`` holds the exercise ``metrics.image_auroc``, and so on. Each defines an
``EXERCISE``, which `cozad_teach.teaching.exercises` finds by itself.
"""
