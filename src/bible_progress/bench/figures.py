"""Compare variants within one run.

The machines that this runs on are shared and noisy, so no absolute time is judged: the variants
take turns, and only ratios of their medians count.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BLOCKS = 10

Tick = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value beside its goal; without `limit` or unless `decides` it only informs.

    `low` and `high` are the range over parts of the run, `quiet` the ratio of the fastest tenths,
    which neighbours on the machine disturb least, `details` whatever explains the value.
    """

    goal: str
    what: str
    value: float
    unit: str = "x"
    limit: float | None = None
    at_least: bool = False
    decides: bool = True
    low: float | None = None
    high: float | None = None
    quiet: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def verdict(self) -> str:
        if self.limit is None or not self.decides:
            return "informs"
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
    decides: bool = True,
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
        decides=decides,
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
