"""bible-progress export"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from .. import __version__
from ..installing import supabase
from ..installing.install import STRATEGIES
from .options import Subparsers, path, text
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "export",
        help="write what install does as migrations of another tool",
        description="Write what install does as migrations of another tool.",
    )
    targets = parser.add_subparsers(title="targets", metavar="TARGET", required=True)
    target = targets.add_parser(
        "supabase",
        help="for the migrations folder of a Supabase project",
        description="Write the migration that brings a Supabase project to this version, stamped "
        "after its last one. A new installation, or an upgrade from the last export that the "
        "folder holds. Running it again adds nothing. No database is asked.",
    )
    target.add_argument(
        "--out",
        type=path,
        default=Path("supabase/migrations"),
        metavar="FOLDER",
        help="the project's migrations, default supabase/migrations",
    )
    target.add_argument(
        "--from",
        dest="since",
        type=_version,
        metavar="VERSION",
        help="upgrade from this version or newer; by default that of the last export",
    )
    target.add_argument(
        "--strategy",
        choices=sorted(STRATEGIES),
        default="incremental",
        help="how the database stores its numbers, default incremental",
    )
    target.add_argument(
        "--reader",
        type=text,
        action="append",
        metavar="ROLE",
        help="a role beside the API roles that may read the contract; repeatable",
    )
    target.add_argument("--dry-run", action="store_true", help="name the file; write nothing")
    target.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the migration, or say that it is there."""
    found = supabase.plan(
        options.out, strategy=options.strategy, readers=options.reader, since=options.since
    )
    console = Console()
    if not found.is_new:
        console.print(f"{found.path} is there already: nothing to add", markup=False)
        return 0
    if not options.dry_run:
        found.write()
    done = "would be written" if options.dry_run else "written"
    what = f"upgrades from {found.since} to" if found.since else "installs"
    console.print(f"{found.path} {done}: {what} {__version__}", markup=False)
    if not options.dry_run:
        console.print("Next: supabase db push applies it, bible-progress worker keeps it fresh.")
    return 0


def _version(given: str) -> str:
    if not re.fullmatch(r"\d+\.\d+\.\d+", given):
        raise argparse.ArgumentTypeError(f"{given!r} is no version such as {__version__}")
    return given
