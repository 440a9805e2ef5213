"""A worker as an operator runs it: a process, its log, its metrics."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from .command_line import GIVE_UP_SECONDS, PROGRAM, CommandLine, soon


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WorkerProcess:
    """`bible-progress worker`, its log in a file; killed at the end if it still runs."""

    def __init__(self, cli: CommandLine, folder: Path, *arguments: object) -> None:
        self._cli = cli
        self._arguments = [str(argument) for argument in arguments]
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "worker", *self._arguments],
                env=self._cli.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        assert soon(lambda: self.said("worker started") or self.process.poll() is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop and wait until it has; raises where it does not."""
        self.process.send_signal(number)
        self.process.wait(timeout=240)

    def events(self) -> list[dict[str, Any]]:
        """Return the log, one object a line; fails unless every line is one."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def said(self, message: str) -> bool:
        return message in self.log.read_text()


def metrics(port: int) -> dict[str, float]:
    """Return every sample that is served, labels in the name: `drains_total{outcome=dead}`."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/metrics", timeout=GIVE_UP_SECONDS
    ) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("bible_progress_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found
