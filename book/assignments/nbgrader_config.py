"""Settings of nbgrader for this course; nbgrader itself runs this file."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.CourseDirectory.course_id = "cozad"
# What the released notebooks have in the place of a solution, as in the book.
c.ClearSolutions.code_stub = {"python": "# Your code goes here.\n..."}
# A test cell whose student has deleted it is put back, and fails like any other.
c.OverwriteCells.add_missing_cells = True
# Far above what any check takes; the checker itself stops an answer after 20 s on a case.
c.Execute.timeout = 300
# A kernel loads PyTorch and the checker first, which takes long on a busy machine.
c.Execute.startup_timeout = 300
