"""bible-progress dead-letter"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from ..engine import drain
from ..errors import InputError, UsageError
from ..formatting import counted
from ..reading import insights
from .options import Subparsers, connect_installed, database_url, id_of, in_ci, override
from .output import Console


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "dead-letter",
        help="list, retry or discard signals that were given up",
        description="Signals of versions that failed for a day, with errors that do not pass by "
        "themselves. Reads of those versions are live until the letter is retried with success.",
    )
    database_url(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    lister = actions.add_parser("list", help="show them with their errors")
    lister.add_argument("--json", action="store_true", help="print JSON")
    lister.set_defaults(run=_list)
    database_url(lister, again=True)
    retry = actions.add_parser("retry", help="put them back into the queue")
    retry.add_argument(
        "ids", nargs="*", type=id_of("a dead letter"), metavar="ID", help="ids as list shows them"
    )
    retry.add_argument("--all", action="store_true", help="every one")
    override(retry)
    database_url(retry, again=True)
    retry.set_defaults(run=_retry)
    discard = actions.add_parser(
        "discard", help="drop some whose version is right all the same; refused otherwise"
    )
    discard.add_argument(
        "ids", nargs="+", type=id_of("a dead letter"), metavar="ID", help="ids as list shows them"
    )
    override(discard)
    database_url(discard, again=True)
    discard.set_defaults(run=_discard)


def _list(options: argparse.Namespace) -> int:
    with connect_installed(options) as connection:
        letters = insights.dead_letters(connection)
    if options.json:
        print(json.dumps([asdict(letter) for letter in letters], default=str, indent=2))
        return 0
    console = Console()
    if not letters:
        console.print("There are no dead letters.")
        return 0
    for letter in letters:
        where = f"chapter {letter.chapter_id}" if letter.chapter_id else "all chapters"
        console.print(
            f"{letter.id}  {letter.kind} version {letter.version_id}, {where}: died "
            f"{letter.died_at:%Y-%m-%d %H:%M} after {counted(letter.attempts, 'attempt')}: "
            f"{letter.last_error}",
            markup=False,
        )
    return 0


def _retry(options: argparse.Namespace) -> int:
    if bool(options.ids) == options.all:
        raise UsageError("name the dead letters to retry, or give --all")
    with connect_installed(options) as connection, connection.transaction():
        drain.guard(connection, "dead-letter retry", automated=in_ci(), reason=options.override)
        moved = insights.retry_dead_letters(connection, options.ids or None)
        if options.ids and moved < len(set(options.ids)):
            raise InputError(
                "some of these dead letters do not exist: "
                + ", ".join(str(letter_id) for letter_id in options.ids),
                hint="Nothing was changed; see bible-progress dead-letter list.",
            )
    print(f"{counted(moved, 'dead letter')} put back into the queue")
    return 0


def _discard(options: argparse.Namespace) -> int:
    with connect_installed(options) as connection, connection.transaction():
        drain.guard(connection, "dead-letter discard", automated=in_ci(), reason=options.override)
        for letter_id in options.ids:
            insights.discard_dead_letter(connection, letter_id)
    print(f"{counted(len(options.ids), 'dead letter')} discarded")
    return 0
