"""The kernel of ``make lab``: that of Jupyter, but it does not name the version of Python.

JupyterLab writes what a kernel says of itself into each notebook that it opens. With the version
in it, a chapter that nobody touched would have changed, and differ on every other Python.
"""

from __future__ import annotations

import sys

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

LANGUAGE = {**IPythonKernel.language_info, "version": "3"}


class BookKernel(IPythonKernel):
    """A kernel that gives the same description on every machine."""

    language_info = LANGUAGE


if __name__ == "__main__":
    # The folder of this file: its modules are none of the chapters'.
    del sys.path[0]
    IPKernelApp.launch_instance(kernel_class=BookKernel)
