"""bible-progress install"""

from __future__ import annotations

import argparse

from ..db import connect
from ..installing import install as installer
from .options import (
    Subparsers,
    database_url,
    in_ci,
    lock_timeout,
    override,
    require_database,
    setting,
    text,
    truth,
)
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "install",
        help="install or upgrade Bible Progress in a database",
        description="Install or upgrade in one transaction. Running it again is harmless. On an "
        "empty database it also creates the host tables; on another it checks them (see doctor).",
    )
    database_url(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done; do nothing")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="drop an earlier implementation of the same names; --dry-run lists what that is",
    )
    setting(
        parser,
        "--environment",
        env="BIBLE_PROGRESS_ENVIRONMENT",
        type=_environment,
        metavar="development|production",
        help="in production, manual refreshes and repairs are refused",
    )
    parser.add_argument(
        "--strategy",
        choices=sorted(installer.STRATEGIES),
        help="how a new database stores its numbers, default incremental; rollout changes it later",
    )
    parser.add_argument(
        "--reader",
        type=text,
        action="append",
        metavar="ROLE",
        help="a role that may read the contract; repeatable, kept for later installs",
    )
    setting(
        parser,
        "--create-roles",
        env="BIBLE_PROGRESS_CREATE_ROLES",
        type=truth,
        alone=True,
        metavar="true|false",
        help="make the roles progress_reader, progress_worker and progress_admin where missing",
    )
    lock_timeout(parser)
    override(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Install, or say what an install would do."""
    console = Console()
    with connect(require_database(options)) as connection:
        if options.dry_run:
            plan = installer.make_plan(
                connection,
                readers=options.reader or (),
                strategy=options.strategy,
                create_roles=options.create_roles or False,
                replace=options.replace,
            )
        else:
            plan = installer.install(
                connection,
                environment=options.environment,
                readers=options.reader,
                strategy=options.strategy,
                create_roles=options.create_roles or False,
                lock_timeout_seconds=options.lock_timeout,
                replace=options.replace,
                automated=in_ci(),
                override=options.override,
            )
    what = "would be done" if options.dry_run else "done"
    console.print(
        f"{plan.database} (PostgreSQL {plan.server_version}): {what} in one transaction",
        markup=False,
    )
    for step in plan.steps():
        console.print(f"  {step}", markup=False)
    for note in plan.replacement.notes if plan.replacement else ():
        console.print(f"note: {note}", style="yellow", markup=False)
    if plan.kept_out:
        console.print(
            "note: nobody but their owner can use the host tables; docs/how-to/supabase.md shows "
            "policies that let clients in",
            style="yellow",
            markup=False,
        )
    if plan.advised_indexes:
        console.print("These indexes are missing; drains are slow without them:")
        for statement in plan.advised_indexes:
            console.print(f"  {statement}", markup=False)
    if not options.dry_run:
        if plan.creates_host_tables:
            console.print("Next: bible-progress import canon loads books, chapters and verses.")
        console.print(
            "Next: bible-progress serve, or worker, keeps it fresh; bible-progress status shows it."
        )
    return 0


def _environment(given: str) -> str:
    if given not in ("development", "production"):
        raise argparse.ArgumentTypeError(f"{given!r} is neither development nor production")
    return given
