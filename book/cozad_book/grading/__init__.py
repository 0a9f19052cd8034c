"""``cozad grade``: marks for many students' notebooks.

`submissions` reads what was handed in, `answers` finds the functions in it, `worker` runs each in a
process of its own under the `sandbox`, `examiner` judges what came back, `reports` writes marks.
"""
