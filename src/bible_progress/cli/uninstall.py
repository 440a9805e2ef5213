"""bible-progress uninstall"""

from __future__ import annotations

import argparse

from ..db import connect
from ..errors import UsageError
from ..installing import uninstall as uninstaller
from .options import Subparsers, database_url, require_database
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "uninstall",
        help="remove exactly what install made",
        description="Remove the views, triggers, queue, rollups and history in one transaction. "
        "Host tables with data are never touched.",
    )
    database_url(parser)
    parser.add_argument("--yes", action="store_true", help="really do it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Uninstall."""
    console = Console()
    url = require_database(options)
    if not options.yes:
        raise UsageError(
            "uninstall drops the history of progress, which cannot be computed again",
            hint="Give --yes to do it.",
        )
    with connect(url) as connection:
        removal = uninstaller.uninstall(connection)
    if not removal.removed:
        console.print("Bible Progress is not installed in this database; nothing to remove.")
    for what in removal.removed:
        console.print(f"removed {what}", markup=False)
    for what in removal.kept:
        console.print(f"kept {what}", markup=False)
    return 0
