"""bible-progress verify"""

from __future__ import annotations

import argparse
import json

from ..engine import audit, drain
from ..errors import DriftFound, WorkRemains
from ..formatting import counted
from .options import Subparsers, connect_installed, database_url, in_ci, override, positive
from .output import Console, progress_bar

_SHOWN = 5
# Why a version was left out, and what to do about it.
_REASONS = {
    "waiting": (
        "in the queue",
        "Let bible-progress worker drain, or run bible-progress refresh, and verify again.",
    ),
    "failing": ("failing", "bible-progress status shows the errors."),
    "dead": ("with dead letters", "bible-progress dead-letter list shows the errors."),
    "unsettled": (
        "behind a change of the canon or of recordings",
        "Such a change waits for the transactions that ran beside it: verify again when they "
        "have ended.",
    ),
    "unstored": (
        "without stored numbers, since they came past the triggers",
        "bible-progress refresh stores them, and so does a worker.",
    ),
    "unfilled": (
        "behind materialized views that are not filled",
        "bible-progress refresh fills them, and so does a worker.",
    ),
    "unsignalled": (
        "on a step of the rollout without signals",
        "Up to step 3 nothing says what changed since it was stored, and every read is live: "
        "bible-progress rollout apply goes on.",
    ),
}


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "verify",
        help="compare the stored numbers with the base tables",
        description="Compare what is stored with what the base tables say, at every level, for "
        "all versions that are not waiting in the queue. Exit code 9 if anything differs, 10 if "
        "versions were left out or there was none to compare.",
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
    with connect_installed(options) as connection:
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
        raise _drift(found, is_repaired=options.repair)
    if not found.is_complete:
        if not found.left_out:
            raise WorkRemains(
                "there is no version, so nothing was compared",
                hint="Look whether this is the right database; then add a version.",
            )
        raise WorkRemains(
            f"{counted(found.left_out.total(), 'version')} not compared: {_left_out(found)}",
            hint=" ".join(_REASONS[reason][1] for reason in _REASONS if reason in found.left_out),
        )
    return 0


def _drift(found: audit.Audit, *, is_repaired: bool) -> DriftFound:
    what: list[str] = []
    hints: list[str] = []
    if found.drifted:
        what.append(f"wrong stored numbers in {counted(len(found.drifted), 'version')}")
        hints.append(
            "They are queued: a worker or bible-progress refresh counts them."
            if is_repaired
            else "bible-progress verify --repair queues them."
        )
    if found.broken_triggers:
        what.append(counted(len(found.broken_triggers), "broken trigger"))
        hints.append("bible-progress install restores triggers.")
    return DriftFound(", ".join(what), hint=" ".join(hints))


def _left_out(found: audit.Audit) -> str:
    return ", ".join(
        f"{found.left_out[reason]} {words}"
        for reason, (words, _) in _REASONS.items()
        if reason in found.left_out
    )


def _print(console: Console, found: audit.Audit) -> None:
    left_out = f"; left out: {_left_out(found)}" if found.left_out else ""
    console.print(f"{counted(found.checked, 'version')} compared{left_out}")
    for version in found.drifted:
        console.print(
            f"{version.kind} version {version.version_id}: "
            f"{counted(len(version.rows), 'wrong row')}",
            style="red",
        )
        for row in version.rows[:_SHOWN]:
            console.print(f"  {row.level}, only {row.side}: {row.difference}", markup=False)
        if len(version.rows) > _SHOWN:
            console.print(f"  and {len(version.rows) - _SHOWN} more")
    for trigger in found.broken_triggers:
        console.print(f"trigger {trigger}", style="red", markup=False)
    for total in found.wrong_totals[:_SHOWN]:
        console.print(f"note: {total}; the count is used", style="yellow", markup=False)
    if len(found.wrong_totals) > _SHOWN:
        console.print(f"note: and {len(found.wrong_totals) - _SHOWN} more", style="yellow")


def _as_json(found: audit.Audit) -> dict[str, object]:
    return {
        "checked": found.checked,
        "dirty": found.left_out.total(),
        "left_out": dict(found.left_out),
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
        "wrong_totals": found.wrong_totals,
    }
