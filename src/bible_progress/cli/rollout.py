"""bible-progress rollout"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from psycopg import Connection
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ..db import connect
from ..errors import InputError
from ..rollout import measure
from ..rollout import moves as rollout
from ..rollout import plan as rollout_plan
from ..rollout import report as rollout_report
from .options import (
    Subparsers,
    database_url,
    in_ci,
    lock_timeout,
    override,
    path,
    positive,
    require_database,
    seconds,
    setting,
    timeout,
    whole_number,
)
from .output import Console, progress_bar


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "rollout",
        help="adopt step by step: measure, see which step is due, apply it, go back",
        description="Five steps from logical views to incremental rollups. Readers never miss a "
        "relation and exact reads are exact on every step.",
    )
    database_url(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=help)
        added.set_defaults(run=run)
        database_url(added, again=True)
        return added

    status = action("status", _status, "which step this database is on, and what it means")
    status.add_argument("--json", action="store_true", help="print JSON")
    measured = action("measure", _measure, "time reads, refreshes and writes on your own data")
    measured.add_argument(
        "--readers", type=positive, default=4, metavar="N", help="concurrent readers, default 4"
    )
    measured.add_argument(
        "--seconds",
        type=seconds,
        default=0.5,
        metavar="SECONDS",
        help="the most that one figure may take, default 0.5",
    )
    measured.add_argument(
        "--timeout",
        type=timeout,
        default=30.0,
        metavar="SECONDS",
        help="when a statement is given up, default 30",
    )
    measured.add_argument(
        "--seed", type=whole_number, default=0, metavar="N", help="draws other versions, default 0"
    )
    measured.add_argument("--json", action="store_true", help="print JSON")
    plan = action("plan", _plan, "which step is due next, and why")
    for flag, env, default, help in (
        ("--read-p95", "BIBLE_PROGRESS_READ_SECONDS", "0.05", "an exact read, p95"),
        ("--refresh-seconds", "BIBLE_PROGRESS_REFRESH_SECONDS", "60", "a full refresh of a kind"),
        ("--lag-seconds", "BIBLE_PROGRESS_LAG_SECONDS", "5", "numbers behind a write"),
    ):
        setting(plan, flag, env=env, type=seconds, default=default, metavar="SECONDS", help=help)
    plan.add_argument("--json", action="store_true", help="print JSON")
    for name, run, help in (
        ("apply", _apply, "create missing indexes and go one step on"),
        ("back", _back, "undo one step"),
    ):
        mover = action(name, run, help)
        mover.add_argument(
            "--to", type=whole_number, metavar="STEP", help="another step than the next, 1 to 5"
        )
        mover.add_argument("--dry-run", action="store_true", help="say what would be done")
        lock_timeout(mover)
        override(mover)
    report = action("report", _report, "the measured steps side by side, as a table and a picture")
    report.add_argument(
        "--out", type=path, metavar="DIR", help="also write rollout.svg and rollout.png there"
    )


def _status(options: argparse.Namespace) -> int:
    with connect(require_database(options)) as connection:
        current = rollout.current(connection)
        indexes = rollout.pending_indexes(connection)
        measured = measure.latest(connection)
    if options.json:
        print(
            json.dumps(
                asdict(current) | {"missing_indexes": indexes, "measured_steps": sorted(measured)}
            )
        )
        return 0
    console = Console()
    for step in rollout.STEPS:
        mark = ">" if step == current else " "
        seen = ""
        if step.number in measured:
            seen = f" (measured {measured[step.number][0].measured_at:%Y-%m-%d %H:%M})"
        console.print(f"{mark} {step.number} {step.name}{seen}", markup=False)
    console.print(f"{current.meaning}", markup=False)
    for statement in indexes:
        console.print(f"missing index: {statement}", markup=False)
    return 0


def _measure(options: argparse.Namespace) -> int:
    url = require_database(options)
    console = Console()
    with _bar(console) as bar:
        task = bar.add_task("measuring", total=None)
        found = measure.measure(
            url,
            measure.Options(
                readers=options.readers,
                seconds=options.seconds,
                timeout_seconds=options.timeout,
                seed=options.seed,
            ),
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    if options.json:
        print(json.dumps([asdict(each) for each in found], default=str, indent=2))
        return 0
    table = Table("figure", "p50", "p95", "p99", "note", box=None, pad_edge=False)
    for each in found:
        if each.subject == "size":
            table.add_row(f"size, {each.name}", "", _bytes(each.bytes), "", "")
            continue
        how = f", {each.temperature}, {each.readers} at once" if each.subject == "read" else ""
        table.add_row(
            f"{each.subject}, {each.name}{how}",
            *(_ms(value) for value in (each.p50, each.p95, each.p99)),
            each.note or "",
        )
    console.print(table)
    console.print(f"step {found[0].step}; kept in progress.measurement, nothing else was changed")
    return 0


def _plan(options: argparse.Namespace) -> int:
    url = require_database(options)
    with connect(url) as connection:
        current = rollout.current(connection)
        advice = rollout_plan.advise(
            current,
            measure.latest(connection).get(current.number, []),
            rollout_plan.Thresholds(
                read_p95=options.read_p95,
                refresh=options.refresh_seconds,
                lag=options.lag_seconds,
            ),
        )
    if options.json:
        print(json.dumps(asdict(advice)))
        return 0
    console = Console()
    if advice.due:
        console.print(
            f"step {advice.due.number} is due: {advice.due.name}. {advice.due.meaning}",
            markup=False,
        )
    else:
        console.print(f"no step is due after step {current.number}, {current.name}", markup=False)
    for reason in advice.reasons:
        console.print(f"  {reason}", markup=False)
    return 0


def _apply(options: argparse.Namespace) -> int:
    return _move(options, +1)


def _back(options: argparse.Namespace) -> int:
    return _move(options, -1)


def _move(options: argparse.Namespace, direction: int) -> int:
    console = Console()
    with connect(require_database(options)) as connection:
        current = rollout.current(connection)
        number = current.number + direction if options.to is None else options.to
        if (number - current.number) * direction <= 0 or not 1 <= number <= len(rollout.STEPS):
            way = "after" if direction > 0 else "before"
            raise InputError(
                f"there is no step {way} {current.number}"
                if options.to is None
                else f"step {number} is not {way} step {current.number}",
                hint="bible-progress rollout status shows the steps.",
            )
        wanted = rollout.STEPS[number - 1]
        console.print(f"step {current.number} to {number}: {wanted.name}", markup=False)
        indexes = rollout.pending_indexes(connection) if direction > 0 else ()
        for statement in indexes:
            console.print(f"  {statement}", markup=False)
        if options.dry_run:
            console.print("nothing was changed")
            return 0
        moved = _run(connection, console, number, bool(indexes), options)
    for line in moved.done:
        console.print(f"  {line}", markup=False)
    console.print(f"now on step {number}. {wanted.meaning}", markup=False)
    return 0


def _run(
    connection: Connection[Any],
    console: Console,
    number: int,
    indexes: bool,
    options: argparse.Namespace,
) -> rollout.Move:
    with _bar(console) as bar:
        task = bar.add_task("moving", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        if indexes:
            rollout.create_indexes(connection, report)
        return rollout.move(
            connection,
            number,
            lock_timeout_seconds=options.lock_timeout,
            automated=in_ci(),
            override=options.override,
            report=report,
        )


def _report(options: argparse.Namespace) -> int:
    with connect(require_database(options)) as connection:
        runs = measure.latest(connection)
    if not runs:
        raise InputError("nothing was measured yet", hint="Run bible-progress rollout measure.")
    console = Console()
    *_, after = sorted(runs, key=lambda step: runs[step][0].measured_at)
    before = max(
        (step for step in runs if step != after),
        key=lambda step: runs[step][0].measured_at,
        default=after,
    )
    steps = [before, after] if before != after else [after]
    table = Table("figure", "unit", *(f"step {step}" for step in steps), box=None)
    if len(steps) > 1:
        table.add_column("ratio")
    for line in rollout_report.compared(runs[before], runs[after]):
        values = [line.before, line.after, line.ratio] if len(steps) > 1 else [line.after]
        table.add_row(
            line.name,
            line.unit,
            *("-" if value is None else f"{value:.3g}" for value in values),
        )
    console.print(table)
    if len(steps) == 1:
        console.print("Measure another step too, and they stand side by side.")
    if options.out:
        for path in rollout_report.draw(runs, options.out):
            console.print(f"wrote {path}", markup=False)
    return 0


def _bar(console: Console) -> Progress:
    return progress_bar(
        console, TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value * 1000:.2f} ms"


def _bytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.2f} MB"
