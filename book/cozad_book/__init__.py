"""What only the book's pages use: exercises and their checker, figures, explorers.

It needs `cozad_teach` in any case, which says how threads wait before anything imports torch.
"""

import cozad_teach as _method

__version__ = _method.__version__
