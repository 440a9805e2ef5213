"""bible-progress refresh"""

from __future__ import annotations

import argparse
import time
from typing import Any
from uuid import UUID

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from ..db import translated
from ..engine import drain
from ..errors import WorkRemains
from ..formatting import counted
from ..reading import insights
from .options import Subparsers, connect_installed, database_url, id_of, in_ci, override
from .output import Console, progress_bar

# Changes of structure settle in two rounds where no other writer runs.
SETTLING_ROUNDS = 2


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "refresh",
        help="drain until the queue is empty",
        description="Drain until the queue is empty, after queueing versions that were loaded or "
        "deleted past the triggers. With --all or --version, recompute from the base tables first. "
        "Can be interrupted and run again.",
    )
    database_url(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="recompute every version")
    which.add_argument(
        "--version",
        type=id_of("a version"),
        dest="version_id",
        metavar="ID",
        help="recompute one version",
    )
    override(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Drain, showing how far it is."""
    console = Console()
    with connect_installed(options) as connection:
        drain.require_primary(connection)
        action = "rebuild" if options.all else "refresh"
        drain.guard(connection, action, automated=in_ci(), reason=options.override)
        if options.all:
            drain.signal_all(connection)
        elif options.version_id is not None:
            drain.signal_version(connection, options.version_id)
        else:
            drain.signal_unsignalled(connection)
        started = time.perf_counter()
        drained = drain_with_progress(connection, console)
        state = insights.status(connection)
    spent = time.perf_counter() - started
    console.print(f"drained {counted(drained, 'version')} in {spent:.1f} s")
    if state.unsettled_changes:
        console.print(
            f"waiting: {counted(state.unsettled_changes, 'change')} of the canon or of recordings, "
            "until the transactions that ran beside have ended; reads of the versions are live."
        )
    if state.failing_versions or state.dead_letters:
        raise WorkRemains(
            f"{counted(state.failing_versions, 'version')} failed, to be tried again, "
            f"{counted(state.dead_letters, 'signal')} given up as dead letters; "
            "their reads are live",
            hint="bible-progress status and bible-progress dead-letter list show the errors.",
        )
    return 0


def drain_with_progress(connection: Any, console: Console) -> int:
    """Drain until nothing is due, behind a progress bar with an estimate; return how many."""
    drainer = drain.Drainer(connection)
    drained: set[tuple[str, UUID]] = set()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("versions,"),
        TimeRemainingColumn(),
    )
    with translated(), progress_bar(console, *columns) as bar:
        task = bar.add_task("draining", total=insights.status(connection).dirty_versions)
        done = idle = 0
        while idle <= SETTLING_ROUNDS:
            worked = False
            for version in drainer.due(50):
                result = drainer.drain(version)
                if result.outcome == "drained":
                    drained.add((version.kind, version.version_id))
                    # Settling brings versions back: each time counts, so that the bar fills.
                    done += 1
                    bar.update(task, completed=done)
                worked = worked or result.outcome not in ("locked", "waiting")
            state = insights.status(connection)
            bar.update(task, total=done + state.dirty_versions)
            if worked:
                idle = 0
            elif drainer.due(1):
                # Another drain holds what is left; its commit is a moment away.
                time.sleep(0.02)
            else:
                idle += 1
                if not state.unsettled_changes:
                    break
    return len(drained)
