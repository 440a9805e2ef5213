"""bible-progress status"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from .. import insights
from ..db import connect
from ..models import Hindrance, Status
from ..words import age
from .options import Subparsers, database_url, require_database
from .output import Console

# Autovacuum removes them long before, unless an old snapshot keeps them.
MANY_DEAD_ROWS = 10_000


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
    with connect(require_database(options)) as connection:
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
        f"{state.queue_depth} signals, oldest {age(state.oldest_signal_seconds)}"
        if state.queue_depth
        else "empty",
    )
    if state.foreign_numbers:
        table.add_row(
            "copied", f"{state.foreign_numbers} signals of another server, for the next drain"
        )
    elif state.unsettled_changes:
        table.add_row("unsettled", f"{state.unsettled_changes} changes wait for running writers")
    for held in hindrances:
        if held.cause != "pg_cron":
            table.add_row("held back by", Text(held.finding))
    if state.queue_dead_rows >= MANY_DEAD_ROWS:
        table.add_row(
            "dead rows",
            f"{state.queue_dead_rows} in the queue; the oldest snapshot is "
            f"{state.oldest_snapshot_transactions} transactions old, "
            f"{age(state.oldest_snapshot_seconds)}",
        )
    if state.dirty_versions:
        table.add_row("read live", f"{state.dirty_versions} versions, until they are drained")
    if state.unsignalled_versions:
        table.add_row(
            "past triggers",
            f"{state.unsignalled_versions} versions came or went past the triggers; a worker, "
            "pg_cron or bible-progress refresh queues them",
        )
    if state.unfilled_views:
        table.add_row(
            "not filled",
            f"{state.unfilled_views} materialized views; a worker, pg_cron or bible-progress "
            "refresh fills them",
        )
    since = "" if state.failing_seconds is None else f", since {age(state.failing_seconds)}"
    table.add_row("failing", f"{state.failing_versions} versions{since}")
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
            f"{failure.failing_since:%Y-%m-%d %H:%M} UTC, {failure.attempts} times: "
            f"{failure.last_error}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    return 0


def _drained_by(state: Status, hindrances: list[Hindrance]) -> str:
    if state.workers:
        return f"{state.workers} worker{'s' if state.workers > 1 else ''}"
    for missing in hindrances:
        if missing.cause == "pg_cron":
            return f"nothing: {missing.finding}"
    if state.cron_database is not None:
        return f"pg_cron, from database {state.cron_database}"
    if state.queue_depth:
        return "nothing: start bible-progress worker, or run bible-progress refresh"
    return "no worker is running"
