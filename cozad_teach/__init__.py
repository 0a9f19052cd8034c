"""CoZAD, zero-shot image anomaly detection, in parts that can be read in one sitting each.

Importing the package imports none of its parts: ``cozad doctor`` must run where torch does not.
"""

__version__ = "0.1.0"
