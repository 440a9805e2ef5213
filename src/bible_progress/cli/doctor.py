"""bible-progress doctor"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from ..db import connect
from ..errors import ProblemsFound
from ..formatting import counted
from ..installing import doctor
from ..installing.checks import SEVERITIES
from ..installing.copies import COPIES
from .options import Subparsers, database_url, positive, require_database, setting, timeout
from .output import Console, progress_bar

_WORDS = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "advice": ("piece of advice", "pieces of advice"),
}
_STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="check a database before install, or at any time, changing nothing",
        description="Check a database, read-only, and say what was found, why it matters and what "
        "to do: errors, for which install would refuse; warnings, where numbers will surprise or "
        "work gets slow; advice. Exit code 13 if there are errors.",
    )
    database_url(parser)
    parser.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        default="error",
        help="end with exit code 13 for this severity too (default: error)",
    )
    parser.add_argument(
        "--rows",
        type=positive,
        default=doctor.SHOWN,
        metavar="N",
        help=f"how many rows of each finding to show, default {doctor.SHOWN}",
    )
    setting(
        parser,
        "--check-timeout",
        env="BIBLE_PROGRESS_CHECK_TIMEOUT",
        type=timeout,
        default=f"{doctor.CHECK_SECONDS:g}",
        metavar="SECONDS",
        help="how long one check may look",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine, and tell what was found."""
    console = Console()
    with (
        connect(require_database(options)) as connection,
        progress_bar(console, quiet=options.json) as bar,
    ):
        task = bar.add_task("checking", total=None)
        found = doctor.examine(
            connection,
            seconds=options.check_timeout,
            shown=options.rows,
            progress=lambda title, done, total: bar.update(
                task, description=title, completed=done, total=total
            ),
        )
    if options.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        _print(console, found)
    fatal = SEVERITIES[: SEVERITIES.index(options.fail_on) + 1]
    if any(found.count(severity) for severity in fatal):
        raise ProblemsFound(
            f"doctor found {_counts(found, fatal)}",
            hint="Install refuses while there are errors."
            if found.count("error")
            else "Install would go on all the same.",
        )
    return 0


def _counts(found: doctor.Examination, severities: tuple[str, ...] = SEVERITIES) -> str:
    return ", ".join(f"{found.count(s)} {_WORDS[s][found.count(s) != 1]}" for s in severities)


def _print(console: Console, found: doctor.Examination) -> None:
    state = (
        f"Bible Progress {found.installed_version} is installed"
        if found.installed_version
        else "Bible Progress is not installed"
    )
    console.print(
        f"{found.database} (PostgreSQL {found.server_version}) as role {found.role}: {state}",
        markup=False,
    )
    for finding in found.findings:
        check = finding.check
        console.print(
            f"\n{check.severity}: {check.title}", style=_STYLES[check.severity], markup=False
        )
        for row in finding.rows:
            console.print(f"  {row}", markup=False)
        if finding.how_many > len(finding.rows):
            console.print(f"  and {finding.how_many - len(finding.rows)} more")
        console.print(f"  why: {check.why}", markup=False)
        console.print(f"  fix: {check.fix}", markup=False)
        for statement in finding.statements:
            console.print(f"    {statement}", markup=False)
    for check, reason in found.unfinished:
        console.print(
            f"\n{check.severity}: could not look for {check.title}: {reason}",
            style=_STYLES[check.severity],
            markup=False,
        )
    if found.waiting:
        console.print(
            f"\n{counted(len(found.waiting), 'check')} of rows not done: columns are missing."
        )
    if found.installed_version:
        console.print("\ncopies that work, with SOURCE and TARGET set to connection strings:")
        for copy in COPIES:
            console.print(f"  {copy.title}")
            for command in copy.commands:
                console.print(f"    {command}", markup=False, soft_wrap=True)
    console.print(f"\n{_counts(found)}; {counted(len(found.passed), 'check')} found nothing.")


def _as_json(found: doctor.Examination) -> dict[str, object]:
    return {
        "database": found.database,
        "server_version": found.server_version,
        "role": found.role,
        "installed_version": found.installed_version,
        "counts": {severity: found.count(severity) for severity in SEVERITIES},
        "findings": [
            {
                "check": finding.check.name,
                "severity": finding.check.severity,
                "title": finding.check.title,
                "how_many": finding.how_many,
                "rows": finding.rows,
                "why": finding.check.why,
                "fix": finding.check.fix,
                "statements": finding.statements,
            }
            for finding in found.findings
        ],
        "unfinished": [
            {"check": check.name, "severity": check.severity, "reason": reason}
            for check, reason in found.unfinished
        ],
        "waiting": [check.name for check in found.waiting],
        "passed": [check.name for check in found.passed],
        "copies": [asdict(copy) for copy in COPIES] if found.installed_version else [],
    }
