"""The other processes of a run: the real worker, and writers. Each ends with the one here."""

from __future__ import annotations

import multiprocessing
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from ..embedded.binaries import find_binaries
from ..engine.metrics import Metrics
from ..engine.worker import Worker, WorkerSettings
from ..errors import EmbeddedFailed
from ..models import Drained

START_SECONDS = 60.0
_SPAWN = multiprocessing.get_context("spawn")
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class _Recorder(Metrics):
    """Keeps what every drain says of its lag, beside counting."""

    def __init__(self) -> None:
        super().__init__()
        self.lags: list[float] = []
        self.outcomes: dict[str, int] = {}

    def drained(self, kind: str, result: Drained, seconds: float) -> None:
        super().drained(kind, result, seconds)
        self.outcomes[result.outcome] = self.outcomes.get(result.outcome, 0) + 1
        if result.lag_seconds is not None:
            self.lags.append(result.lag_seconds)


@contextmanager
def child(target: Callable[..., None], *arguments: object) -> Generator[Pipe]:
    """Run `target(pipe, *arguments)` in a process for the block; it must end when the pipe does."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5.0)
        if process.is_alive():
            process.kill()
            process.join()


@contextmanager
def worker(url: str) -> Generator[Callable[[], dict[str, Any]]]:
    """Run the real worker for the block; the yielded function stops it and says what it did."""
    with child(_work, url) as pipe:
        if not pipe.poll(START_SECONDS) or pipe.recv() != "warm":
            raise RuntimeError("the worker did not start")

        def stop() -> dict[str, Any]:
            pipe.send("stop")
            return pipe.recv()

        yield stop


def _work(pipe: Pipe, url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the pipe says when to stop
    recorder = _Recorder()
    # No audit in between: it is not what is measured, and runs once in 30 s anyway.
    worker = Worker(WorkerSettings(database_url=url, audit_seconds=3600), metrics=recorder)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        pipe.send("warm" if worker.wait_until_warm(START_SECONDS) else "cold")
        pipe.recv()
    except EOFError:
        pass
    worker.stop()
    running.join()
    with suppress(OSError):
        pipe.send({"lags": recorder.lags, "outcomes": recorder.outcomes})


def throughput(
    url: str, statement: str, *, version: UUID, clients: int, seconds: float, picks: int
) -> float:
    """Return how many times a second `clients` together execute a statement.

    `:version` in it is the version, `:n` a random number from 1 to `picks`. Uses pgbench where the
    server's programs have it; writers in Python take much of the processor away from the server.
    """
    with suppress(EmbeddedFailed):
        pgbench = find_binaries() / "pgbench"
        if pgbench.exists():
            return _pgbench(pgbench, url, statement, version, clients, seconds, picks)
    return _python_writers(url, statement, version, clients, seconds, picks)


def _pgbench(
    program: Path,
    url: str,
    statement: str,
    version: UUID,
    clients: int,
    seconds: float,
    picks: int,
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "--no-vacuum", "--protocol=extended", f"--time={seconds:.0f}"]
        command += [f"--client={clients}", "--jobs=2", f"--define=version={version}"]
        script = Path(folder, "writer.sql")
        script.write_text(f"\\set n random(1, {picks})\n{statement}\n")
        command.append(f"--file={script}")
        process = subprocess.Popen(
            [*command, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            output, _ = process.communicate(timeout=seconds + START_SECONDS)
        finally:
            process.kill()
            process.wait()
    found = _TPS.search(output)
    if process.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench failed: {output.strip()[-500:]}")
    return float(found[1])


def _python_writers(
    url: str, statement: str, version: UUID, clients: int, seconds: float, picks: int
) -> float:
    barrier = _SPAWN.Barrier(clients)
    results = _SPAWN.Queue()
    arguments = (barrier, results, url, statement, version, seconds, picks)
    writers = [
        _SPAWN.Process(target=_write, args=(number, *arguments), daemon=True)
        for number in range(clients)
    ]
    for writer in writers:
        writer.start()
    try:
        return sum(results.get(timeout=seconds + START_SECONDS) for _ in writers) / seconds
    finally:
        for writer in writers:
            writer.kill()
            writer.join()


def _write(
    number: int,
    barrier: Any,
    results: Any,
    url: str,
    statement: str,
    version: UUID,
    seconds: float,
    picks: int,
) -> None:
    chance = random.Random(number)
    text = statement.replace(":version", "%(version)s").replace(":n", "%(n)s").encode()
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        barrier.wait(START_SECONDS)
        done, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            connection.execute(text, {"n": chance.randint(1, picks), "version": version})
            done += 1
    results.put(done)
