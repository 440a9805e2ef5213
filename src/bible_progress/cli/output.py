"""What commands print through: consoles and progress bars that behave in pipes."""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console as RichConsole
from rich.progress import Progress, ProgressColumn


class Console(RichConsole):
    """Prints whole lines without guessing at highlights; a reader that leaves is no error."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(highlight=False, soft_wrap=True, stderr=stderr)

    def on_broken_pipe(self) -> NoReturn:
        """Let `main` end quietly."""
        raise BrokenPipeError


def progress_bar(console: Console, *columns: ProgressColumn, quiet: bool = False) -> Progress:
    """Return a bar that vanishes when done, and that nobody sees unless a terminal shows it."""
    return Progress(
        *(columns or Progress.get_default_columns()),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


def tolerate_any_terminal() -> None:
    """Print question marks where a terminal knows only ASCII, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
