"""A release that comes after this one: this package with more migrations, to upgrade to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bible_progress
from acceptance.command_line import GIVE_UP_SECONDS, CommandLine, Finished

VERSION = "99.0.0"
# An upgrade that older code need not notice.
HARMLESS = "alter table progress.worker add column region text;\n"
# One that older code would drain beside without an error, and wrongly for all it knows.
BREAKING = f"-- progress: breaking\n{HARMLESS}"
# One that leaves nothing of what older code calls, but what every release must keep.
RENAMED = {"due_versions": "versions_due", "drain_version": "drain_one", "status": "state"}
RENAMING = """-- progress: breaking
drop routine if exists progress.due_versions;
drop routine if exists progress.drain_version;
drop view if exists progress.status;
alter table progress.worker rename column description to name;
"""


class NewerPackage:
    """A copy of the package with one more migration; calling it runs its commands."""

    def __init__(self, folder: Path, migration: str | None) -> None:
        self._folder = folder
        self.package = folder / "bible_progress"
        shutil.copytree(
            Path(bible_progress.__file__).parent,
            self.package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        code = self.package / "__init__.py"
        code.write_text(f'"""A later release."""\n\n__version__ = "{VERSION}"\n')
        if migration == RENAMING:
            # What a release has brought is never edited.
            for path in {*(self.package / "sql").rglob("*.sql")} - {
                *(self.package / "sql/migrations").iterdir()
            }:
                path.write_text(_renamed(path.read_text()))
        if migration is not None:
            self._add(migration)

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Let this release have another text of a SQL file."""
        file = self.package / "sql" / path
        before = file.read_text()
        after = change(before)
        assert after != before, path
        file.write_text(after)

    def __call__(self, url: str, *arguments: object) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "bible_progress", *map(str, arguments)],
            env=CommandLine(url).environment({"PYTHONPATH": str(self._folder)}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * GIVE_UP_SECONDS,
            check=False,
        )
        return Finished(code=done.returncode, out=done.stdout, err=done.stderr)

    def _add(self, migration: str) -> None:
        migrations = sorted((self.package / "sql" / "migrations").iterdir())
        path = f"migrations/{len(migrations) + 1:04}_later.sql"
        (self.package / "sql" / path).write_text(f"-- progress: since {VERSION}\n{migration}")
        manifest = self.package / "sql" / "install.sql"
        last = f"\\ir migrations/{migrations[-1].name}\n"
        listed = manifest.read_text()
        assert last in listed
        manifest.write_text(listed.replace(last, f"{last}\\ir {path}\n"))


def _renamed(text: str) -> str:
    for old, new in RENAMED.items():
        text = re.sub(rf"\bprogress\.{old}\b", f"progress.{new}", text)
    return re.sub(r"(progress\.worker as w \(worker_id, )description", r"\1name", text)
