"""Compare variants within one run, and say what came out: figures, a table, JSON.

The machines that this runs on are shared and noisy, so no absolute time is judged: the variants
take turns, and only ratios of their medians count.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from worlds import Bench, open_bench

RESULTS = Path(__file__).resolve().parent / "results"
BLOCKS = 10

Tick = Callable[[str, float], None]
Measure = Callable[[Bench, Tick], "list[Figure]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value beside its goal; `limit` None means that it only informs.

    `low` and `high` are the range over parts of the run, `quiet` the ratio of the fastest tenths,
    which neighbours on the machine disturb least, `details` whatever explains the value.
    """

    goal: str
    what: str
    value: float
    unit: str = "x"
    limit: float | None = None
    at_least: bool = False
    low: float | None = None
    high: float | None = None
    quiet: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return "info"
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "met" if met else "missed"

    @property
    def goal_text(self) -> str:
        if self.limit is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {number(self.limit)} {self.unit}"


def number(value: float) -> str:
    """Return a value with the digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def interleave(
    variants: Mapping[str, Callable[[int], float]],
    repetitions: int,
    tick: Callable[[float], None] | None = None,
    *,
    warm_up: int = 0,
) -> dict[str, list[float]]:
    """Call every variant once a repetition, the first one changing, and return their values.

    A variant gets the number of the repetition and returns its value, nearly always seconds: so
    it can prepare and clean up outside of what it times. Negative numbers are warm-up.
    """
    values: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    was_enabled = gc.isenabled()
    gc.disable()  # a collection would hit one variant and not the other
    try:
        for repetition in range(-warm_up, repetitions):
            first = repetition % len(names)
            for name in names[first:] + names[:first]:
                value = variants[name](repetition)
                if repetition >= 0:
                    values[name].append(value)
            if tick is not None and repetition >= 0:
                tick((repetition + 1) / repetitions)
    finally:
        if was_enabled:
            gc.enable()
    return values


def compare(
    goal: str,
    what: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    limit: float | None = None,
    at_least: bool = False,
    details: Mapping[str, Any] | None = None,
) -> Figure:
    """Return the ratio of two medians as a figure; its range is that over consecutive blocks."""
    size = max(1, len(above) // BLOCKS)
    blocks = [
        statistics.median(above[start : start + size])
        / statistics.median(below[start : start + size])
        for start in range(0, size * (len(above) // size), size)
    ]
    return Figure(
        goal=goal,
        what=what,
        value=statistics.median(above) / statistics.median(below),
        limit=limit,
        at_least=at_least,
        low=min(blocks),
        high=max(blocks),
        # The fast end: the lowest times, the highest throughputs.
        quiet=quantile(above, 0.9 if at_least else 0.1) / quantile(below, 0.9 if at_least else 0.1),
        details=details or {},
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(values: Sequence[float], scale: float = 1000.0) -> dict[str, float]:
    """Return median, 10th and 90th percentile; in milliseconds for seconds."""
    shares = (("p10", 0.1), ("median", 0.5), ("p90", 0.9))
    return {name: round(scale * quantile(values, share), 4) for name, share in shares}


def print_figures(figures: Sequence[Figure], console: Console) -> None:
    """Print one table, a line for each figure."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns: tuple[tuple[str, Literal["left", "right"]], ...] = (
        ("goal", "left"),
        ("what", "left"),
        ("value", "right"),
        ("wanted", "right"),
        ("range", "right"),
        ("quiet", "right"),
        ("verdict", "left"),
    )
    for column, justify in columns:
        table.add_column(column, justify=justify, no_wrap=column != "what")
    colours = {"met": "green", "missed": "bold red", "info": "dim"}
    for figure in figures:
        between = (
            f"{number(figure.low)} - {number(figure.high)}"
            if figure.low is not None and figure.high is not None
            else ""
        )
        table.add_row(
            figure.goal,
            figure.what,
            f"{number(figure.value)} {figure.unit}",
            figure.goal_text,
            between,
            "" if figure.quiet is None else number(figure.quiet),
            f"[{colours[figure.verdict]}]{figure.verdict}[/]",
        )
    console.print(table)


def write_json(figures: Sequence[Figure], name: str, bench: Bench, seconds: float) -> Path:
    """Write the figures, and where they come from, into the folder of results."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    document = {
        "name": name,
        "measured_at": now.isoformat(timespec="seconds"),
        "quick": bench.quick,
        "seed": bench.seed,
        "seconds": round(seconds, 1),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load": [round(load, 2) for load in os.getloadavg()],
            "python": platform.python_version(),
            "postgresql": bench.server_version,
        },
        "figures": [
            {
                "goal": figure.goal,
                "what": figure.what,
                "value": _rounded(figure.value),
                "unit": figure.unit,
                "limit": figure.limit,
                "at_least": figure.at_least,
                "low": _rounded(figure.low),
                "high": _rounded(figure.high),
                "quiet": _rounded(figure.quiet),
                "verdict": figure.verdict,
                "details": dict(figure.details),
            }
            for figure in figures
        ],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def run(name: str, measures: Mapping[str, Measure], arguments: Sequence[str] | None = None) -> int:
    """Run measures one after the other on one server, print and write; return an exit code."""
    parser = argparse.ArgumentParser(prog=f"{name}.py")
    parser.add_argument("--quick", action="store_true", help="smaller worlds, fewer repetitions")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    options = parser.parse_args(arguments)
    console, errors = Console(), Console(stderr=True)
    # Without this a SIGTERM would leave the server's folder and the children behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    figures: list[Figure] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    started = time.monotonic()
    try:
        with Progress(*columns, console=errors, transient=True) as progress:
            task = progress.add_task("starting PostgreSQL", total=len(measures))
            with open_bench(quick=options.quick, seed=options.seed) as bench:
                for done, (label, measure) in enumerate(measures.items()):

                    def tick(what: str, share: float, done: int = done, label: str = label) -> None:
                        progress.update(
                            task, description=f"{label}: {what}", completed=done + share
                        )

                    tick("", 0.0)
                    figures += measure(bench, tick)
                progress.update(task, completed=len(measures))
    except KeyboardInterrupt:
        errors.print("interrupted, nothing is left behind", style="yellow")
        return 130
    finally:
        if figures:
            print_figures(figures, console)
    path = write_json(figures, name, bench, time.monotonic() - started)
    errors.print(f"written: {RESULTS.name}/{path.name}", style="dim")
    return 0


def main(name: str, measure: Measure) -> None:
    """Run one measure as a script."""
    sys.exit(run(name, {name.partition("_")[0].upper(): measure}))
