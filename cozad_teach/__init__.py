"""CoZAD, zero-shot image anomaly detection, in parts that can be read in one sitting each.

Importing the package imports none of its parts: ``cozad doctor`` must run where torch does not.
"""

import os

__version__ = "0.1.0"

# Threads that wait for work turn in circles for a while, and on a busy machine take the time of
# those that work: a training took five times as long. A tenth of the usual while costs nothing
# where the machine is idle. OpenMP reads this when torch is imported: GCC's, then LLVM's.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    os.environ.setdefault("KMP_BLOCKTIME", "1")  # milliseconds
