"""The installed program as a user starts it: another process, its own environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("bible-progress")
# Far above what any command needs here; a command that hangs fails its test, not the whole run.
GIVE_UP_SECONDS = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def assert_done(self) -> Finished:
        """Assert success."""
        assert self.code == 0, self
        return self

    def assert_refused(self, code: int, *parts: str) -> Finished:
        """Assert an exit code, and one sentence for people with these words in it."""
        assert self.code == code, self
        assert "Traceback" not in self.err, self
        said = [line for line in self.err.splitlines() if line.startswith("bible-progress: ")]
        assert len(said) == 1, self
        for part in parts:
            assert part in self.err, self
        return self


class CommandLine:
    """Runs commands against one database, without the caller's own settings."""

    def __init__(self, url: str | None) -> None:
        self.url = url

    def __call__(
        self, *arguments: object, env: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            self._command(arguments),
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds or GIVE_UP_SECONDS,
            check=False,
        )
        return Finished(code=done.returncode, out=done.stdout, err=done.stderr)

    @contextmanager
    def started(
        self, *arguments: object, env: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a command, output in pipes; it is killed at the end if it still runs."""
        with subprocess.Popen(
            self._command(arguments),
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return this process's environment without anything that changes what commands do."""
        foreign = ("BIBLE_PROGRESS_", "PG", "DATABASE_URL", "CI", "COLUMNS", "FORCE_COLOR")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(foreign) or name == "BIBLE_PROGRESS_POSTGRES_BIN"
        }
        # Buffered, as it is for a user.
        kept.pop("PYTHONUNBUFFERED", None)
        return kept | ({"DATABASE_URL": self.url} if self.url else {}) | dict(extra or {})

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [str(PROGRAM), *map(str, arguments)]


def finish(process: subprocess.Popen[str], seconds: float = GIVE_UP_SECONDS) -> Finished:
    """Wait for a started command to end."""
    out, err = process.communicate(timeout=seconds)
    return Finished(code=process.returncode, out=out, err=err)


def interrupt(
    process: subprocess.Popen[str], number: signal.Signals, seconds: float = GIVE_UP_SECONDS
) -> Finished:
    """Send a signal and wait for the command to end."""
    process.send_signal(number)
    return finish(process, seconds)


def soon(condition: Callable[[], object], seconds: float = GIVE_UP_SECONDS) -> bool:
    """Return whether the condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
