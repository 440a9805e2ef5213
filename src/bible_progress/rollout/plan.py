"""Which step of the rollout is due, by what was measured and what the operator demands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..formatting import counted
from ..installing.schema import INCREMENTAL, TRIGGERS, VERSE_MATVIEWS, VIEWS
from .measure import Measurement
from .moves import STEPS, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What an operator wants: reads (p95), a full refresh, and lag behind a write, in seconds."""

    read_p95: float = 0.05
    refresh: float = 60.0
    lag: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The step that is due, None for none, and the reasons."""

    current: Step
    due: Step | None
    reasons: tuple[str, ...]


def advise(current: Step, measured: Sequence[Measurement], wanted: Thresholds) -> Advice:
    """Return which step is due next after the last run on the current one.

    Raises InputError where that step was never measured.
    """
    if not measured:
        raise InputError(
            f"step {current.number} was never measured here",
            hint="Run bible-progress rollout measure first.",
        )
    slow = list(_slow_reads(measured, wanted))
    late = list(_late_refreshes(current, measured, wanted))
    if current.number == VIEWS:
        verse = [reason for level, reason in slow if level == "verse"]
        reasons = verse or [reason for _, reason in slow]
    elif current.number < TRIGGERS:
        reasons = [
            reason for level, reason in slow if current.number > VERSE_MATVIEWS or level != "verse"
        ] or [reason for _, reason in slow]
    else:
        reasons = late + [reason for _, reason in slow]
    if current.number == INCREMENTAL:
        return Advice(current=current, due=None, reasons=tuple(reasons))
    due = STEPS[current.number] if reasons else None
    return Advice(current=current, due=due, reasons=tuple(reasons))


def _slow_reads(
    measured: Iterable[Measurement], wanted: Thresholds
) -> Iterable[tuple[str | None, str]]:
    for each in measured:
        if each.subject == "read" and each.source == "exact" and each.temperature == "warm":
            took = None if each.note and not each.samples else each.p95
            if took is None or each.note or took > wanted.read_p95:
                said = each.note or f"p95 is {_ms(took)}"
                yield (
                    each.level,
                    f"exact {each.kind} reads of one {each.level} list under "
                    f"{counted(each.readers or 0, 'reader')}: {said}, "
                    f"wanted {_ms(wanted.read_p95)}",
                )


def _late_refreshes(
    current: Step, measured: Iterable[Measurement], wanted: Thresholds
) -> Iterable[str]:
    for each in measured:
        if each.subject != "refresh":
            continue
        full = each.name.startswith("full")
        limit = wanted.refresh if full else wanted.lag
        what = "a full refresh" if full else "lag behind a write, at least one scoped refresh,"
        if each.p95 is None or each.p95 > limit:
            took = each.note or "did not end" if each.p95 is None else f"{each.p95:.2f} s"
            yield f"{what} of {each.kind}: {took}, wanted {limit:g} s"


def _ms(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * 1000:.1f} ms"
