"""bible-progress bench"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .. import charts
from ..bench import run as benchmark
from ..bench.figures import Figure
from ..bench.worlds import SETTINGS, Bench
from ..embedded.binaries import BINARIES_VARIABLE
from ..embedded.server import database_server
from ..errors import UsageError
from .options import Subparsers, check, database_url, path, positive, whole_number
from .output import Console, progress_bar

VERSIONS = 200
QUICK_VERSIONS = 20


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "bench",
        help="measure the speed goals as ratios within one run",
        description="Builds worlds in databases of its own, on DATABASE_URL or an embedded "
        "PostgreSQL, and drops them at the end. Your data is never touched.",
    )
    database_url(parser)
    parser.add_argument(
        "--postgres-bin",
        type=path,
        metavar="DIR",
        help=f"the bin folder of the PostgreSQL to measure; default {BINARIES_VARIABLE}, else the "
        "embedded one",
    )
    parser.add_argument(
        "--versions",
        type=positive,
        metavar="N",
        help=f"texts, and as many recordings, default {VERSIONS}; 1000 for the growth goal",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"one to two minutes, {QUICK_VERSIONS} versions"
    )
    parser.add_argument(
        "--only",
        type=_goals,
        default=benchmark.NAMES,
        metavar="P1,P3",
        help=f"some of {', '.join(benchmark.NAMES)}",
    )
    parser.add_argument(
        "--data",
        type=path,
        metavar="DIR",
        help="a folder with audio_chapters.csv.gz and text_coverage.csv.gz to take shapes from",
    )
    parser.add_argument("--seed", type=whole_number, default=1, metavar="N", help="default 1")
    parser.add_argument("--json", type=path, metavar="FILE", help="write every detail there")
    parser.add_argument(
        "--plot", type=path, metavar="DIR", help="write drain_growth.svg and .png there (P1)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    check(options)
    if options.plot:
        # Before anything is measured for nothing.
        charts.new_figure(1, 1)
        if "P1" not in options.only:
            raise UsageError("--plot draws what P1 measures", hint="Add P1 to --only.")
    if options.postgres_bin:
        os.environ[BINARIES_VARIABLE] = str(options.postgres_bin)
    versions = options.versions or (QUICK_VERSIONS if options.quick else VERSIONS)
    console, errors = Console(), Console(stderr=True)
    found: list[Figure] = []
    bench: Bench | None = None
    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    try:
        with ExitStack() as stack:
            bar = stack.enter_context(progress_bar(errors, *columns))
            task = bar.add_task("starting PostgreSQL", total=1.0)
            url = stack.enter_context(database_server(options.database_url, settings=SETTINGS))
            bench = Bench(
                url, versions=versions, quick=options.quick, seed=options.seed, data=options.data
            )
            benchmark.run(
                bench,
                options.only,
                lambda what, share: bar.update(task, description=what, completed=share),
                found,
            )
    finally:
        # What was measured before an interrupt is worth seeing.
        if found and bench:
            benchmark.show(found, bench, console)
    if options.json and bench:
        benchmark.write_json(found, options.json, bench, time.monotonic() - started)
        errors.print(f"wrote {options.json}", markup=False)
    if options.plot:
        for path in benchmark.draw_growth(found, options.plot):
            errors.print(f"wrote {path}", markup=False)
    return 0


def _goals(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().upper() for name in text.split(","))
    for name in names:
        if name not in benchmark.NAMES:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(benchmark.NAMES)}")
    return names
