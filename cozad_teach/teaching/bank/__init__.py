"""The exercises of the book; a module here holds those on the package's module of that name.

Each defines a tuple ``EXERCISES``, which `cozad_teach.teaching.exercises` finds by itself.
"""
