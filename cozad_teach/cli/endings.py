"""How every command of the project prints and ends: in any terminal, with one line for an error."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

from cozad_teach.errors import CozadError

__all__ = ["plain", "run_command"]

INTERRUPTED = 130  # what a shell reports after Ctrl-C
# What stands for a sign that a terminal cannot show; accents fall off by themselves.
_ASCII = {
    **{"–": "-", "—": "-", "−": "-", "×": "x", "·": "*", "±": "+/-", "≤": "<=", "≥": ">="},
    **{"’": "'", "“": '"', "”": '"', "…": "...", "√": "sqrt", "→": "->", "✓": "ok"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "η": "eta", "θ": "theta", "κ": "kappa"},
    **{"λ": "lambda", "μ": "mu", "ρ": "rho", "σ": "sigma", "Σ": "Sigma", "τ": "tau", "ß": "ss"},
}


def run_command(program: str, run: Callable[[], int]) -> int:
    """Run a command and turn what it raises into an exit code.

    What it prints never stops it: signs that a terminal cannot show are written in ASCII, and
    where nobody reads any more, as behind ``| head``, the rest is dropped.

    Parameters
    ----------
    program : str
        Its name, before each message.
    run : callable
        Does the work and gives an exit code.

    Returns
    -------
    int
        That of `run`; of a `CozadError` its own, after its message on standard error; 2 where the
        system refuses something that nobody foresaw; 130 after Ctrl-C.
    """
    out, err = _Output(sys.stdout, _shown), _Output(sys.stderr)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            return run()
    except CozadError as error:
        err.write(f"{program}: error: {_escaped(str(error))}\n")
        return error.exit_code
    except OSError as error:  # no room for temporary files, a disk that went away
        err.write(f"{program}: error: the system says: {_escaped(str(error))}\n")
        return CozadError.exit_code
    except KeyboardInterrupt:
        err.write(f"{program}: stopped; nothing half-written is left behind\n")
        return INTERRUPTED
    finally:
        out.close()
        if out.error and not isinstance(out.error, BrokenPipeError):
            err.write(f"{program}: not all could be printed: {out.error.strerror or out.error}\n")
        err.close()


class _Output:
    """A stream that takes what it is given, whatever becomes of the one behind it."""

    def __init__(
        self, stream: TextIO | None, show: Callable[[str, str], str] = lambda text, _: text
    ) -> None:
        self.stream = stream  # None where a program was started without
        self.error: OSError | None = None
        self._show = show

    def write(self, text: str) -> int:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self._try(lambda stream: stream.write(self._show(text, encoding)))
        return len(text)

    def flush(self) -> None:
        self._try(lambda stream: stream.flush())

    def close(self) -> None:
        """Flush; if that fails, keep Python from trying it again at its end, with a traceback."""
        self.flush()
        if self.error and self.stream:
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())

    def _try(self, act: Callable[[TextIO], object]) -> None:
        if self.stream and not self.error:
            try:
                act(self.stream)
            except OSError as error:
                self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def plain(text: str, encoding: str = "ascii") -> str:
    """Give `text` in signs that an encoding has: ASCII's stand for others, escapes for the rest."""
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(sign if sign.isascii() else _in(sign, encoding) for sign in text)


def _in(sign: str, encoding: str) -> str:
    with suppress(UnicodeEncodeError):
        sign.encode(encoding)
        return sign
    bare = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return _ASCII.get(sign) or bare or sign.encode("unicode_escape").decode()


def _escaped(text: str) -> str:
    """Escape what would move the cursor, colour the terminal or hide text; lines stay lines."""
    return "".join(
        sign
        if sign.isprintable() or sign in "\n\t"
        else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def _shown(text: str, encoding: str) -> str:
    return plain(_escaped(text), encoding)
