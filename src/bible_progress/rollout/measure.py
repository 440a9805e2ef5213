"""Measure the contract on a database's own data, without leaving a trace but the measurements."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.sql import SQL, Composed, Identifier

from .. import sql
from ..db import connect, translated
from ..errors import InputError
from ..formatting import counted
from ..installing.schema import INCREMENTAL, TRIGGERS, VERSE_MATVIEWS
from . import moves as rollout

_QUERIES = sql.queries("measure")

_EXACT: dict[str, LiteralString] = {
    "verse": _QUERIES["exact_verse"],
    "chapter": _QUERIES["exact_chapter"],
    "book": _QUERIES["exact_book"],
    "version": _QUERIES["exact_version"],
    "language": _QUERIES["exact_language"],
}
_WRITES: dict[str, LiteralString] = {
    "audio": _QUERIES["write_audio"],
    "text": _QUERIES["write_text"],
}

COLD_SAMPLES = 3
WARM_SAMPLES = 200
REFRESH_SAMPLES = 5
WRITE_SAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One row of progress.measurement; times in seconds, None where nothing ended in time."""

    step: int
    subject: str
    name: str
    measured_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    level: str | None = None
    kind: str | None = None
    source: str | None = None
    temperature: str | None = None
    readers: int | None = None
    samples: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    bytes: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and how hard to measure. `seconds` is the most that one figure may take."""

    readers: int = 4
    seconds: float = 0.5
    timeout_seconds: float = 30.0
    versions: int = 20
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Read:
    level: str
    kind: str
    source: str
    statement: Composed | bytes
    ids: Sequence[UUID]


def measure(
    url: str,
    options: Options,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[Measurement]:
    """Measure reads, refreshes, sizes and writes, keep what was found, and return it.

    Everything but the kept rows is rolled back. `progress` gets (what, done, in all). Raises
    InputError where there is no version to measure with.
    """
    with connect(url) as connection, translated():
        step = rollout.current(connection).number
        reads = list(_reads(connection, options))
        if not reads:
            raise InputError(
                "there is no version to measure with", hint="Measure where the content is."
            )
        counts = (1, options.readers) if options.readers > 1 else (1,)
        total = len(reads) * (1 + len(counts)) + 3
        found: list[Measurement] = []
        for read in reads:
            what = f"{read.source} {read.kind} {read.level}"
            for readers in (0, *counts):
                progress(what, len(found), total)
                found.append(_time_read(url, read, step, readers, options))
        for what, figures in (
            ("refreshes", _refreshes(connection, step, options)),
            ("writes", _writes(connection, step, options)),
            ("sizes", _sizes(connection, step)),
        ):
            progress(what, len(found), max(total, len(found)))
            found += figures
        run_id = uuid4()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                _QUERIES["keep"], [asdict(each) | {"run_id": run_id} for each in found]
            )
    return found


def latest(connection: Connection[Any]) -> dict[int, list[Measurement]]:
    """Return the last run of every step that was measured."""
    runs: dict[int, list[Measurement]] = {}
    with translated(), connection.cursor(row_factory=class_row(Measurement)) as cursor:
        for each in cursor.execute(_QUERIES["latest"]):
            runs.setdefault(each.step, []).append(each)
    return runs


def percentile(times: Sequence[float], share: float) -> float | None:
    """Return the smallest time that at least `share` of all do not exceed; None for none."""
    ordered = sorted(times)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None


def _summed(base: Measurement, times: Sequence[float], note: str | None = None) -> Measurement:
    return replace(
        base,
        samples=len(times),
        p50=percentile(times, 0.5),
        p95=percentile(times, 0.95),
        p99=percentile(times, 0.99),
        note=note,
    )


def _sample(connection: Connection[Any], kind: str, options: Options) -> list[UUID]:
    values = {"kind": kind, "seed": options.seed, "at_most": options.versions}
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_QUERIES["sample_versions"], values).fetchall()


def _reads(connection: Connection[Any], options: Options) -> Iterator[_Read]:
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_QUERIES["levels"]).fetchall():
            level, kind = row["level"], row["kind"]
            ids = _sample(connection, kind, options)
            if level == "language":
                values = {"kind": kind, "seed": options.seed, "at_most": options.versions}
                rows = cursor.execute(_QUERIES["sample_languages"], values).fetchall()
                ids = [each["language_entity_id"] for each in rows]
            if not ids:
                continue
            yield _Read(level, kind, "exact", _EXACT[level].encode(), ids)
            for source in ("live", "stored"):
                if source == "live" or row["is_stored"]:
                    statement = SQL("select * from {} where {} = %(id)s").format(
                        Identifier(*row[source].split(".")), Identifier(row["key_column"])
                    )
                    yield _Read(level, kind, source, statement, ids)


def _time_read(url: str, read: _Read, step: int, readers: int, options: Options) -> Measurement:
    """Time one read; no readers at all stands for a cold one: the first of a connection."""
    base = Measurement(
        step=step,
        subject="read",
        name=f"{read.source} {read.kind} {read.level}",
        level=read.level,
        kind=read.kind,
        source=read.source,
        temperature="warm" if readers else "cold",
        readers=max(1, readers),
    )
    if not readers:
        runs = [_ask(url, read, options, start, once=True) for start in range(COLD_SAMPLES)]
    else:
        with ThreadPoolExecutor(readers) as threads:
            asked = [threads.submit(_ask, url, read, options, start) for start in range(readers)]
            runs = [each.result() for each in asked]
    late = sum(timed_out for _, timed_out in runs)
    note = f"{late} timed out after {options.timeout_seconds:g} s" if late else None
    return _summed(base, [each for times, _ in runs for each in times], note)


def _ask(
    url: str, read: _Read, options: Options, start: int, *, once: bool = False
) -> tuple[list[float], bool]:
    times: list[float] = []
    with connect(url) as connection:
        try:
            # The timeout goes with the transaction: behind a pooler the session is another's next.
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(
                    _QUERIES["set_statement_timeout"],
                    {"statement": round(options.timeout_seconds * 1000)},
                )
                until = time.monotonic() + options.seconds
                if not once:
                    cursor.execute(
                        read.statement, {"kind": read.kind, "id": read.ids[0]}
                    ).fetchall()
                while not times or (
                    not once and len(times) < WARM_SAMPLES and time.monotonic() < until
                ):
                    id_ = read.ids[(start + len(times)) % len(read.ids)]
                    started = time.perf_counter()
                    cursor.execute(read.statement, {"kind": read.kind, "id": id_}).fetchall()
                    times.append(time.perf_counter() - started)
        except pg.QueryCanceled:
            return times, True
    return times, False


@contextmanager
def _undone(connection: Connection[Any], options: Options) -> Generator[psycopg.Cursor[Any]]:
    """A transaction that is rolled back, and whose waits for others end soon."""
    with connection.transaction(force_rollback=True), connection.cursor(row_factory=dict_row) as c:
        c.execute(_QUERIES["set_timeouts"], {"statement": round(options.timeout_seconds * 1000)})
        yield c


def _timed(
    connection: Connection[Any], options: Options, name: str, values: dict[str, Any]
) -> tuple[float | None, str | None]:
    """Return the time of a statement that is rolled back, or None and why there is none."""
    try:
        with _undone(connection, options) as cursor:
            started = time.perf_counter()
            cursor.execute(_QUERIES[name], values)
            return time.perf_counter() - started, None
    except (pg.QueryCanceled, pg.LockNotAvailable) as error:
        return None, error.diag.message_primary


def _refreshes(connection: Connection[Any], step: int, options: Options) -> Iterator[Measurement]:
    """Yield the time of a full and of a scoped refresh of each kind."""
    for kind in ("audio", "text"):
        full = Measurement(step=step, subject="refresh", name=f"full, {kind}", kind=kind)
        scoped = replace(full, name=f"scoped, {kind}")
        ids = _sample(connection, kind, options)
        if not ids or step < VERSE_MATVIEWS:
            continue
        if step < INCREMENTAL:
            taken, note = _timed(connection, options, "refresh_materialized_views", {"kind": kind})
            times = [] if taken is None else [taken]
            yield _summed(full, times, note)
            yield _summed(scoped, times, note or "a refresh is one of the whole kind")
            continue
        sample = [
            _timed(connection, options, "recompute", {"kind": kind, "id": id_})[0]
            for id_ in ids[:REFRESH_SAMPLES]
        ]
        times = [each for each in sample if each is not None]
        with connection.cursor(row_factory=dict_row) as cursor:
            [row] = cursor.execute(_QUERIES["versions"], {"kind": kind}).fetchall()
        whole = sum(times) / len(times) * row["versions"] if times else None
        yield _summed(
            full,
            [] if whole is None else [whole],
            f"estimated from {len(times)} of {counted(row['versions'], 'version')}",
        )
        yield _summed(scoped, list(_drains(connection, kind, ids, options)))


def _drains(
    connection: Connection[Any], kind: str, ids: Sequence[UUID], options: Options
) -> Iterator[float]:
    for id_ in ids:
        with _undone(connection, options) as cursor:
            values = {"kind": kind, "id": id_}
            chapter = cursor.execute(_QUERIES["chapter_of"], values).fetchone()
            if chapter is None:
                continue
            cursor.execute(_QUERIES["signal"], values | chapter)
            started = time.perf_counter()
            row = cursor.execute(_QUERIES["drain"], values).fetchone()
            if row and row["outcome"] == "drained":
                yield time.perf_counter() - started


def _writes(connection: Connection[Any], step: int, options: Options) -> Iterator[Measurement]:
    """Yield what our triggers add to a write of one row, as the server itself tells."""
    if step < TRIGGERS:
        return
    for kind in ("audio", "text"):
        ids = _sample(connection, kind, options)
        whole: list[float] = []
        ours: list[float] = []
        refused: str | None = None
        for turn in range(WRITE_SAMPLES if ids else 0):
            try:
                with _undone(connection, options) as cursor:
                    values = {"id": ids[turn % len(ids)]}
                    [row] = cursor.execute(_WRITES[kind], values).fetchall()
            except psycopg.Error as error:
                # Row security, a trigger of the host, a lock: the sample is not to be had.
                refused = error.diag.message_primary or str(error)
                break
            [plan] = next(iter(row.values()))
            plan = json.loads(plan) if isinstance(plan, str) else plan
            if plan["Plan"]["Plans"][0].get("Actual Rows") and plan.get("Triggers"):
                whole.append(plan["Execution Time"] / 1000)
                ours.append(
                    sum(
                        trigger["Time"] / 1000
                        for trigger in plan["Triggers"]
                        if trigger["Trigger Name"].startswith("progress_")
                    )
                )
        if not ids:
            continue
        base = Measurement(step=step, subject="write", name=f"one row, {kind}", kind=kind)
        yield _summed(base, whole, refused and f"not measured: {refused}")
        yield _summed(replace(base, name=f"our triggers in it, {kind}"), ours, refused)


def _sizes(connection: Connection[Any], step: int) -> Iterator[Measurement]:
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_QUERIES["sizes"]).fetchall():
            yield Measurement(
                step=step, subject="size", name=row["name"], bytes=row["bytes"], samples=1
            )
