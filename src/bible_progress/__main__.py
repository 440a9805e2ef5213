"""The program: `bible-progress`, and `python -m bible_progress`.

Importing a command takes a quarter of a second, in which nothing is there to be cleaned up: a
signal ends the process at once. While the command runs, it is an exception (cli.main).
"""

import os
import signal
import sys

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _leave(number: int, frame: object) -> None:
    os._exit(130)


def _leave_at_once() -> None:
    for number in _SIGNALS:
        # A shell's background job ignores Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


_leave_at_once()


def main() -> int:
    """Run the command of sys.argv; return its exit code, 130 for a signal whenever it comes."""
    from .cli import main as run

    try:
        return run()
    except KeyboardInterrupt:
        # The second one, in the middle of cleaning up after the first.
        return 130
    finally:
        _leave_at_once()


if __name__ == "__main__":
    sys.exit(main())
