"""bible-progress status"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from ..formatting import age, counted
from ..models import Hindrance, Status
from ..reading import insights
from ..reading.remarks import remarks
from .options import Subparsers, connect_installed, database_url
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "status",
        help="show versions, queue, dead letters and whether anything drains",
        description="Show at a glance what there is, what waits, and whether anything drains.",
    )
    database_url(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the status."""
    with connect_installed(options) as connection:
        state = insights.status(connection)
        hindrances = insights.hindrances(connection)
        failures = insights.failures(connection)
    if options.json:
        print(
            json.dumps(
                {
                    **asdict(state),
                    "hindrances": [asdict(h) for h in hindrances],
                    "failures": [asdict(f) for f in failures],
                },
                default=str,
                indent=2,
            )
        )
        return 0
    console = Console()
    table = Table.grid(padding=(0, 2))
    table.add_row("versions", f"{state.text_versions} text, {state.audio_versions} audio")
    table.add_row(
        "queue",
        f"{counted(state.queue_depth, 'signal')}, oldest {age(state.oldest_signal_seconds)}"
        if state.queue_depth
        else "empty",
    )
    for what, told in remarks(state, hindrances):
        table.add_row(what, Text(told))
    if state.dirty_versions:
        table.add_row("read live", f"{counted(state.dirty_versions, 'version')}, until drained")
    since = "" if state.failing_seconds is None else f", since {age(state.failing_seconds)}"
    table.add_row("failing", f"{counted(state.failing_versions, 'version')}{since}")
    table.add_row("dead letters", str(state.dead_letters))
    table.add_row("drained by", _drained_by(state, hindrances))
    table.add_row(
        "last drain",
        "never"
        if state.last_drain_at is None
        else f"{age(max(0.0, (datetime.now(UTC) - state.last_drain_at).total_seconds()))} ago",
    )
    table.add_row("strategy", f"{state.strategy}, {state.environment}")
    table.add_row(
        "server", f"PostgreSQL {state.server_version}, Bible Progress {state.package_version}"
    )
    console.print(table)
    for failure in failures:
        console.print(
            f"{failure.kind} version {failure.version_id} has been failing since "
            f"{failure.failing_since:%Y-%m-%d %H:%M} UTC, {counted(failure.attempts, 'time')}: "
            f"{failure.last_error}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    return 0


def _drained_by(state: Status, hindrances: list[Hindrance]) -> str:
    if state.workers:
        return counted(state.workers, "worker")
    for missing in hindrances:
        if missing.cause == "pg_cron":
            return f"nothing: {missing.finding}"
    if state.cron_database is not None:
        return f"pg_cron, from database {state.cron_database}"
    if state.queue_depth:
        return "nothing: start bible-progress worker, or run bible-progress refresh"
    return "no worker is running"
