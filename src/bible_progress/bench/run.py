"""Run the goals one after the other on one server; say and write what came out."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import charts
from ..errors import InputError, reason
from . import api, concurrent_writers, drain_cost, lag, old_snapshots, reads, refresh, write_cost
from .figures import Figure, Tick, number
from .worlds import Bench

GOALS: Mapping[tuple[str, ...], Callable[[Bench, Tick], list[Figure]]] = {
    ("P1",): drain_cost.measure,
    ("P2", "P7", "P8"): refresh.measure,
    ("P3",): write_cost.measure,
    ("P4",): concurrent_writers.measure,
    ("P5",): lag.measure,
    ("P6",): reads.measure,
    ("P9",): old_snapshots.measure,
    ("API", "P10"): api.measure,
}
NAMES = tuple(sorted((n for names in GOALS for n in names), key=lambda n: (n[0], len(n), n)))
COLOURS = {"met": "green", "missed": "bold red", "informs": "dim"}


def run(
    bench: Bench,
    wanted: Sequence[str],
    tick: Callable[[str, float], None],
    found: list[Figure],
) -> None:
    """Measure the wanted goals into `found`; `tick` gets (what, share of everything done).

    What is measured before an interrupt stays in `found`.
    """
    chosen = [(names, measure) for names, measure in GOALS.items() if set(names) & set(wanted)]
    tick("making the template", 0.0)
    with bench.opened():
        for place, (names, measure) in enumerate(chosen):

            def on(what: str, share: float, place: int = place, names: Any = names) -> None:
                tick(f"{names[0]}: {what}", (place + share) / len(chosen))

            on("", 0.0)
            found += [figure for figure in measure(bench, on) if figure.goal in wanted]


def table(figures: Sequence[Figure]) -> Table:
    """Return a line for each figure."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("goal", "what", "value", "wanted", "range", "quiet", "verdict"):
        right = column in ("value", "wanted", "range", "quiet")
        shown.add_column(column, justify="right" if right else "left", no_wrap=column != "what")
    for figure in figures:
        between = (
            f"{number(figure.low)} - {number(figure.high)}"
            if figure.low is not None and figure.high is not None
            else ""
        )
        shown.add_row(
            figure.goal,
            figure.what,
            f"{number(figure.value)} {figure.unit}",
            figure.goal_text,
            between,
            "" if figure.quiet is None else number(figure.quiet),
            f"[{COLOURS[figure.verdict]}]{figure.verdict}[/]",
        )
    return shown


def show(figures: Sequence[Figure], bench: Bench, console: Console) -> None:
    """Print the figures, and what they were measured on."""
    console.print(table(figures))
    jit = "on" if bench.has_jit else "off"
    console.print(
        f"PostgreSQL {bench.server_version}, JIT {jit}, {os.cpu_count()} cores", style="dim"
    )


def write_json(figures: Sequence[Figure], path: Path, bench: Bench, seconds: float) -> None:
    """Write the figures and where they come from. Raises InputError where that is impossible."""
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": bench.versions,
        "quick": bench.quick,
        "seed": bench.seed,
        "real_shapes": bench.data is not None,
        "seconds": round(seconds, 1),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load": [round(load, 2) for load in os.getloadavg()],
            "python": platform.python_version(),
            "postgresql": bench.server_version,
            "jit": bench.has_jit,
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
    try:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {path}: {reason(error)}") from error


def draw_growth(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Write drain_growth.svg and .png: what a drain costs as versions grow; return the paths."""
    figure = charts.new_figure(7, 4.2)
    axes = figure.add_subplot()
    for kind, marker, line in (("text", "o", "-"), ("audio", "s", "--")):
        points = [
            (each.details["versions"], each.value)
            for each in figures
            if each.goal == "P1" and each.details.get("kind") == kind
        ]
        axes.plot(
            [versions for versions, _ in points],
            [value for _, value in points],
            marker=marker,
            linestyle=line,
            label=f"drain of one change, {kind}",
        )
    axes.axhline(drain_cost.COMMIT_GOAL, color="grey", linestyle=":", label="goal")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("versions of each kind")
    axes.set_ylabel("one-row UPDATE commits (ratio of medians)")
    axes.legend()
    return charts.save(figure, folder, "drain_growth")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
