"""bible-progress import"""

from __future__ import annotations

import argparse

from ..db import connect, translated
from ..formatting import counted
from ..importers.canon import load_canon, packaged_canon, read_canon
from ..sql import queries
from .options import Subparsers, database_url, path, require_database, text
from .output import Console, progress_bar


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "import", help="load a canon", description="Load what the host tables are made of."
    )
    kinds = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    canon = kinds.add_parser(
        "canon",
        help="books, chapters and verses",
        description="Load a canon: the English Protestant one (66 books, 1,189 chapters, 31,102 "
        "verses) that ships with the package, or another from a CSV file. Refused whole if "
        "anything is wrong with it; loading the same canon again changes nothing.",
    )
    database_url(canon)
    canon.add_argument("file", nargs="?", type=path, metavar="CSV", help="default: the shipped one")
    canon.add_argument(
        "--id",
        type=text,
        default="eng-protestant",
        metavar="ID",
        help="its id (default: %(default)s)",
    )
    canon.add_argument("--name", type=text, metavar="NAME", help="its name")
    canon.add_argument(
        "--id-prefix",
        default="",
        metavar="PREFIX",
        help="before every book, chapter and verse id, where another canon has them already",
    )
    canon.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load a canon."""
    console = Console()
    url = require_database(options)
    canon = packaged_canon() if options.file is None else read_canon(options.file)
    name = options.name or ("English Protestant" if options.file is None else options.id)
    with connect(url) as connection, progress_bar(console) as bar:
        task = bar.add_task("loading", total=None)
        with translated():
            report = load_canon(
                connection,
                canon,
                bible_version_id=options.id,
                name=name,
                id_prefix=options.id_prefix,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            if report.changed:
                for query in ("flush_statistics", "analyze"):
                    connection.execute(queries("canon")[query])
    console.print(
        f"{options.id}: {counted(report.books, 'book')}, {counted(report.chapters, 'chapter')}, "
        f"{counted(report.verses, 'verse')} "
        + ("loaded" if report.changed else "there already; nothing changed"),
        markup=False,
    )
    return 0
