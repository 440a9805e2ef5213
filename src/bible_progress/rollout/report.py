"""Measurements of the steps side by side, as rows and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import charts
from ..errors import InputError
from .measure import Measurement

LEVELS = ("verse", "chapter", "book", "version", "language")
HATCHES = ("", "//", "..", "xx", "--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure on two steps; `ratio` is after / before."""

    name: str
    unit: str
    before: float | None
    after: float | None

    @property
    def ratio(self) -> float | None:
        if self.before and self.after is not None:
            return self.after / self.before
        return None


def compared(before: list[Measurement], after: list[Measurement]) -> list[Line]:
    """Return the figures of two runs, those of both first: p95 in ms, sizes in MB."""
    olds = {_key(each): each for each in before}
    news = {_key(each): each for each in after}
    keys = sorted(
        {**olds, **news},
        key=lambda key: ((key in olds) != (key in news), _label(news.get(key) or olds[key])),
    )
    return [
        Line(
            name=_label(news.get(key) or olds[key]),
            unit="MB" if (news.get(key) or olds[key]).subject == "size" else "ms",
            before=_value(olds.get(key)),
            after=_value(news.get(key)),
        )
        for key in keys
    ]


def draw(runs: dict[int, list[Measurement]], folder: Path) -> list[Path]:
    """Write rollout.svg and rollout.png into `folder` and return them.

    Raises UsageError where matplotlib is not installed, InputError where nothing was measured or
    the folder cannot be written to.
    """
    if not runs:
        raise InputError("nothing was measured yet", hint="Run bible-progress rollout measure.")
    figure = charts.new_figure(10, 4.5)
    for column, kind in enumerate(("text", "audio"), start=1):
        axes = figure.add_subplot(1, 2, column)
        for place, (step, run) in enumerate(runs.items()):
            values = [_p95(run, kind, level) for level in LEVELS]
            width = 0.8 / len(runs)
            at = [n + (place - (len(runs) - 1) / 2) * width for n in range(len(LEVELS))]
            axes.bar(
                at,
                [value or 0 for value in values],
                width=width,
                hatch=HATCHES[step - 1],
                edgecolor="black",
                label=f"step {step}",
            )
        axes.set_yscale("log")
        axes.set_xticks(range(len(LEVELS)), LEVELS)
        axes.set_title(f"{kind}: one version or language")
        axes.set_ylabel("exact read, warm, p95 (ms)")
        axes.legend()
    return charts.save(figure, folder, "rollout")


def _p95(run: list[Measurement], kind: str, level: str) -> float | None:
    found = [
        each.p95
        for each in run
        if (each.subject, each.source, each.temperature) == ("read", "exact", "warm")
        and (each.kind, each.level, each.readers) == (kind, level, 1)
    ]
    return found[0] * 1000 if found and found[0] is not None else None


def _key(each: Measurement) -> tuple[object, ...]:
    return (each.subject, each.name, each.temperature, each.readers)


def _label(each: Measurement) -> str:
    if each.subject == "read":
        readers = f"{each.readers} reader" + ("s" if each.readers != 1 else "")
        return f"read, {each.name}, {each.temperature}, {readers}"
    return f"{each.subject}, {each.name}"


def _value(each: Measurement | None) -> float | None:
    if each is None:
        return None
    if each.subject == "size":
        return None if each.bytes is None else each.bytes / 1e6
    return None if each.p95 is None else each.p95 * 1000
