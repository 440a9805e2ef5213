"""bible-progress demo"""

from __future__ import annotations

import argparse
import threading
from contextlib import ExitStack

from rich.panel import Panel
from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from ..db import connect
from ..demo.library import Demo, Edit, refuse_used_database
from ..demo.sample_bibles import require_texts
from ..embedded.server import database_server
from ..engine.worker import Worker, WorkerSettings
from ..formatting import counted
from ..installing import install
from ..models import VersionProgress
from ..reading import insights
from .options import Subparsers, check, database_url, port_or_any
from .output import Console, progress_bar
from .refresh import drain_with_progress
from .serve import require_web
from .worker import wait_for_interrupt

_BAR = 8


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "demo",
        help="watch real Bible texts stay counted, on a PostgreSQL of its own",
        description="Start an embedded PostgreSQL (or use an empty database), load real texts and "
        "sample recordings, show their coverage, edit them and show how soon the numbers are "
        "fresh. Stays up until Ctrl-C.",
    )
    database_url(parser)
    parser.add_argument(
        "--port",
        type=port_or_any,
        default=0,
        metavar="PORT",
        help="where the dashboard listens; a free port unless given",
    )
    parser.add_argument("--once", action="store_true", help="exit after the report")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo."""
    check(options)
    require_web()
    require_texts()
    from ..web.server import serving
    from ..web.settings import WebSettings

    console = Console()
    with ExitStack() as stack:
        with console.status("starting PostgreSQL"):
            url = stack.enter_context(database_server(options.database_url, durable=False))
            connection = stack.enter_context(connect(url))
            refuse_used_database(connection)
            install.install(connection)
        demo = Demo(connection)
        _load(demo, console)
        drained = drain_with_progress(connection, console)
        state = insights.status(connection)
        console.print(
            f"PostgreSQL {state.server_version}: {counted(state.text_versions, 'text')} and "
            f"{counted(state.audio_versions, 'recording')} loaded, "
            f"{counted(drained, 'version')} counted\n"
        )
        console.print(coverage_table(insights.versions(connection)))
        worker = Worker(WorkerSettings(database_url=url, idle_seconds=0.01))
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        try:
            worker.wait_until_warm(30)
            console.print()
            console.print(edits_table(list(demo.edits())))
            if not options.once:
                settings = WebSettings(database_url=url, port=options.port)
                ended = threading.Event()
                with serving(settings, worker=worker, on_failure=ended.set) as address:
                    _stay(console, url, address, ended, is_embedded=not options.database_url)
        finally:
            worker.stop()
            thread.join()
    return 0


def _load(demo: Demo, console: Console) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("loading {task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
    )
    with progress_bar(console, *columns) as bar:
        task = bar.add_task("", total=None)
        demo.load(
            lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            )
        )


def _stay(
    console: Console, url: str, address: str, ended: threading.Event, *, is_embedded: bool
) -> None:
    # A signal comes as KeyboardInterrupt, from the first line on that says what it does.
    try:
        _tell(console, url, address, is_embedded=is_embedded)
        wait_for_interrupt(ended)
    except KeyboardInterrupt:
        console.print("stopping")


def _tell(console: Console, url: str, address: str, *, is_embedded: bool) -> None:
    console.print(
        Panel(
            Text.assemble(
                ("Still running, and a worker keeps it fresh. Edit what you like.\n", "bold"),
                "\n",
                "Stored, fresh within milliseconds: mv_text_version_progress_summary,\n"
                "mv_text_chapter_coverage, mv_language_entity_best_text_version, ...\n",
                "The same from the base tables: the names without mv_.\n\n",
                "Ctrl-C ends it and removes everything."
                if is_embedded
                else "Ctrl-C ends it; the database keeps what was loaded.",
            ),
            expand=False,
        )
    )
    # Outside of the panel, whole and on one line, so that it can be copied.
    console.print(f"psql '{url}'", markup=False)
    console.print(f"Dashboard and API: {address}", style="bold", markup=False)


def coverage_table(versions: list[VersionProgress]) -> Table:
    """Return the versions with a bar per testament; a star marks the best of its language."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("version")
    table.add_column("language")
    table.add_column("Old Testament", no_wrap=True)
    table.add_column("New Testament", no_wrap=True)
    table.add_column("verses", justify="right", no_wrap=True)
    table.add_column("books", justify="right", no_wrap=True)
    kind = None
    for version in versions:
        if version.kind != kind:
            kind = version.kind
            table.add_row("", Text("Recordings" if kind == "audio" else "Texts", style="bold"))
        table.add_row(
            "★" if version.is_best else "",
            Text(f"{version.name}"),
            Text(version.language or "-"),
            bar(version.old_covered, version.old_total, version.old_percent),
            bar(version.new_covered, version.new_total, version.new_percent),
            f"{version.covered_verses:,}",
            f"{version.books_complete}/{version.total_books}",
        )
    table.caption = "★ best version of its language and kind; bars are full only at 100 %"
    table.caption_justify = "left"
    return table


def bar(covered: int, total: int, share: int | None) -> Text:
    """Return a bar with its percentage, both rounded down: full means that nothing is missing."""
    if share is None:
        return Text("no verses", style="dim")
    filled = covered * _BAR // total
    # One step of colour for something, so that a verse in an empty testament shows.
    some = 1 if covered and not filled else 0
    style = "green" if covered == total else "yellow"
    return Text.assemble(
        ("█" * filled + "▏" * some, style),
        ("░" * (_BAR - filled - some), "bright_black"),
        f" {share:3d} %",
    )


def edits_table(edits: list[Edit]) -> Table:
    """Return what each edit changed and how soon the numbers were fresh."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("live edit")
    table.add_column("version")
    table.add_column("verses", justify="right", no_wrap=True)
    table.add_column("books", justify="right", no_wrap=True)
    table.add_column("fresh after", justify="right", no_wrap=True)
    for edit in edits:
        table.add_row(
            edit.what,
            Text(edit.version),
            f"{edit.verses_before:,} → {edit.verses_after:,}",
            f"{edit.books_before} → {edit.books_after}",
            f"{edit.lag_seconds * 1000:.1f} ms",
        )
    return table
