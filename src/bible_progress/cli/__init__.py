"""The command line: one module a command, each with `add` (its parser) and `run`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module

from .. import __version__
from ..errors import BibleProgressError
from .output import Console, tolerate_any_terminal

# Each command and its module, in the order of --help.
COMMANDS = {
    "demo": "demo",
    "doctor": "doctor",
    "install": "install",
    "suspend": "suspend",
    "uninstall": "uninstall",
    "status": "status",
    "serve": "serve",
    "worker": "worker",
    "schedule": "schedule",
    "refresh": "refresh",
    "verify": "verify",
    "dead-letter": "dead_letter",
    "rollout": "rollout",
    "import": "import_",
    "export": "export",
    "bench": "bench",
}

_EPILOG = """\
exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection, 4 the database refused,
5 cannot install here, 6 not installed, 7 bad input, 8 production guard, 9 drift found,
10 work remains, 11 embedded PostgreSQL failed, 12 package and schema do not fit or suspended,
13 doctor found problems, 130 interrupted"""


def build_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of these commands; only their modules are imported."""
    parser = argparse.ArgumentParser(
        prog="bible-progress",
        description="Coverage of Bible texts and recordings on PostgreSQL, fresh within "
        "milliseconds of a write.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bible-progress {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        import_module(f".{COMMANDS[command]}", __name__).add(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors for people go to stderr."""
    tolerate_any_terminal()
    errors = Console(stderr=True)
    arguments = sys.argv[1:] if arguments is None else arguments
    # Importing the other commands takes longer than most commands do.
    named = [name for name in arguments[:1] if name in COMMANDS]
    try:
        options = build_parser(named or COMMANDS).parse_args(arguments)
        for number in (signal.SIGINT, signal.SIGTERM):
            # So that a SIGTERM gets every clean-up that a Ctrl-C gets.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _interrupt)
        code: int = options.run(options) or 0
        sys.stdout.flush()
        return code
    except BibleProgressError as error:
        errors.print(f"bible-progress: {error}", style="red", markup=False)
        if error.hint:
            errors.print(error.hint, markup=False)
        return error.exit_code
    except SystemExit as end:
        # argparse's own end, after --help or wrong usage.
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            return int(end.code or 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        errors.print("interrupted", style="yellow")
        return 130
    except BrokenPipeError:
        # The reader of our output left, as `| head` does. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _interrupt(signum: int, _frame: object) -> None:
    raise KeyboardInterrupt
