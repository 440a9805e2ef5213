"""bible-progress suspend"""

from __future__ import annotations

import argparse

from ..db import connect
from ..installing.suspend import suspend
from .options import Subparsers, database_url, in_ci, lock_timeout, override, require_database
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "suspend",
        help="let go of the host tables, to rename or retype their columns",
        description="Take views and triggers off in one transaction, so that the columns that they "
        "rely on can be changed. What is stored, the history, settings and your grants stay. "
        "install brings everything back and queues every version.",
    )
    database_url(parser)
    lock_timeout(parser)
    override(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Suspend."""
    console = Console()
    with connect(require_database(options)) as connection:
        is_new = suspend(
            connection,
            lock_timeout_seconds=options.lock_timeout,
            automated=in_ci(),
            override=options.override,
        )
    console.print(
        "Suspended: our views refuse to be read, writes leave no signal."
        if is_new
        else "It is suspended already; nothing was changed."
    )
    console.print("Once the tables are as they shall be: bible-progress install")
    return 0
