"""The kernel in which nbgrader runs answers: that of Jupyter, with the book's checker in it.

The checker is there before any answer, so that no file beside a notebook is taken for a part of
it; and before each test what an answer has replaced of it is put back. That is no prison: an answer
that looks for this very kernel finds it. `book/assignments/README.md` says what holds.
"""

from __future__ import annotations

import sys
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.inputtransformer2 import TransformerManager

import assignment_grading


class GradingKernel(IPythonKernel):
    """A kernel that runs the tests of an assignment on a checker as it was at the start."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._put_back = assignment_grading.keep()

    async def do_execute(self, code: str, *arguments: Any, **options: Any) -> Any:
        """Run a cell; before one that grades, undo what answers may have done to the checker."""
        if "### BEGIN HIDDEN TESTS" in code and self.shell is not None:
            self._put_back()
            shell: Any = self.shell
            shell.ast_transformers.clear()
            shell.input_transformers_post.clear()
            shell.input_transformer_manager = TransformerManager()
            shell.custom_exceptions = ()
        return await super().do_execute(code, *arguments, **options)


if __name__ == "__main__":
    # Neither this folder nor the notebook's: no file in them is to be taken for a module.
    del sys.path[0]
    IPKernelApp.launch_instance(kernel_class=GradingKernel)
