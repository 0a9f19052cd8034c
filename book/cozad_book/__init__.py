"""What only the book's pages use: exercises and their checker, figures, explorers.

It needs `cozad_teach` in any case, which says how threads wait before anything imports torch.
"""

import cozad_teach  # noqa: F401
