"""bible-progress verify"""

from __future__ import annotations

import argparse
import json

from .. import audit, drain
from ..db import connect
from ..errors import DriftFound
from .options import Subparsers, database_url, in_ci, override, positive, require_database
from .output import Console, progress_bar

_SHOWN = 5


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "verify",
        help="compare the stored numbers with the base tables",
        description="Compare what is stored with what the base tables say, at every level, for "
        "all versions that are not waiting in the queue. Exit code 9 if anything differs.",
    )
    database_url(parser)
    parser.add_argument("--sample", type=positive, metavar="N", help="compare N random versions")
    parser.add_argument("--repair", action="store_true", help="queue what differs for a refresh")
    parser.add_argument("--json", action="store_true", help="print JSON")
    override(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Audit, and tell what differs."""
    console = Console()
    with connect(require_database(options)) as connection:
        if options.repair:
            drain.guard(connection, "repair", automated=in_ci(), reason=options.override)
        with progress_bar(console, quiet=options.json) as bar:
            task = bar.add_task("comparing", total=None)
            found = audit.audit(
                connection,
                sample=options.sample,
                repair=options.repair,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if options.json:
        print(json.dumps(_as_json(found), default=str, indent=2))
    else:
        _print(console, found)
    if not found.is_clean:
        raise DriftFound(
            f"{len(found.drifted)} versions have wrong stored numbers, "
            f"{len(found.broken_triggers)} triggers do not work",
            hint=(
                "The versions are queued; run bible-progress install to restore triggers."
                if options.repair
                else "bible-progress verify --repair queues the versions; "
                "bible-progress install restores triggers."
            ),
        )
    return 0


def _print(console: Console, found: audit.Audit) -> None:
    waiting = f"; {found.dirty} wait to drain and were left out" if found.dirty else ""
    console.print(f"{found.checked} versions compared{waiting}")
    for version in found.drifted:
        console.print(
            f"{version.kind} version {version.version_id}: {len(version.rows)} rows differ",
            style="red",
        )
        for row in version.rows[:_SHOWN]:
            console.print(f"  {row.level}, only {row.side}: {row.difference}", markup=False)
        if len(version.rows) > _SHOWN:
            console.print(f"  and {len(version.rows) - _SHOWN} more")
    for trigger in found.broken_triggers:
        console.print(f"trigger {trigger}", style="red", markup=False)
    for total in found.lying_totals[:_SHOWN]:
        console.print(f"note: {total}; the count is used", style="yellow", markup=False)
    if len(found.lying_totals) > _SHOWN:
        console.print(f"note: and {len(found.lying_totals) - _SHOWN} more", style="yellow")


def _as_json(found: audit.Audit) -> dict[str, object]:
    return {
        "checked": found.checked,
        "dirty": found.dirty,
        "drifted": [
            {
                "kind": version.kind,
                "version_id": version.version_id,
                "rows": [
                    {"level": r.level, "side": r.side, "row": r.difference} for r in version.rows
                ],
            }
            for version in found.drifted
        ],
        "broken_triggers": found.broken_triggers,
        "lying_totals": found.lying_totals,
    }
