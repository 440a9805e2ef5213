"""bible-progress schedule"""

from __future__ import annotations

import argparse

from ..db import connect
from ..engine import schedule
from ..formatting import counted
from .options import Subparsers, database_url, positive, require_database
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "schedule",
        help="let pg_cron drain instead of a worker",
        description="Make jobs of pg_cron that drain, audit, and purge its log of their runs. "
        "Given again it changes them. Jobs run as the role that schedules them.",
    )
    database_url(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--every",
        type=positive,
        default=60,
        metavar="SECONDS",
        help="pause between drains, default 60; less than that needs pg_cron 1.5",
    )
    what.add_argument("--remove", action="store_true", help="take the jobs away")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Schedule, or take the jobs away."""
    console = Console()
    with connect(require_database(options)) as connection:
        if options.remove:
            jobs = schedule.unschedule(connection)
            console.print(f"removed {counted(jobs, 'job')}")
            return 0
        for job in schedule.schedule(connection, options.every):
            console.print(f"{job.name}: {job.schedule}", markup=False)
            console.print(f"  in {job.runs_in}: {job.command}", markup=False, soft_wrap=True)
    return 0
