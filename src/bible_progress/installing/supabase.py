"""The folder of migrations of a Supabase project: where ours go, and which are there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import __version__
from ..errors import InputError, UsageError, reason
from . import export, schema

STAMP = "%Y%m%d%H%M%S"

# What the Supabase CLI takes for a migration; it orders them by the text of the version.
_MIGRATION = re.compile(r"(\d+)_.*\.sql")
# Whatever the stamp, the rest of the name says what it is.
_OURS = re.compile(r"\d+_bible_progress_v(\d+\.\d+\.\d+)\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The migration of this version in a folder; `is_new` where it is not there yet."""

    path: Path
    text: str
    is_new: bool
    since: str | None

    def write(self) -> None:
        """Put the file there, whole or not at all."""
        self.path.parent.mkdir(exist_ok=True)
        new = self.path.with_suffix(".sql.new")
        try:
            new.write_text(self.text, encoding="utf-8", newline="\n")
            # Unlike a rename, a link never replaces what came in between.
            os.link(new, self.path)
        except OSError as error:
            raise InputError(
                f"cannot write {self.path}: {reason(error)}", hint="Nothing was written."
            ) from error
        finally:
            new.unlink(missing_ok=True)


def plan(
    folder: Path,
    *,
    strategy: str = "incremental",
    readers: Sequence[str] | None = None,
    since: str | None = None,
    now: datetime | None = None,
) -> Export:
    """Say which file brings the databases of this folder to this version; nothing is written.

    Without `since` it upgrades from the last of our files that is there, or installs where none
    is. Raises UsageError or InputError where the folder cannot be used or holds something else
    under the name.
    """
    if not folder.parent.is_dir() or (folder.exists() and not folder.is_dir()):
        raise UsageError(
            f"{folder} is no folder of migrations, nor can it become one",
            hint="Run `supabase init` first, and give its supabase/migrations as --out.",
        )
    there = sorted(path for path in folder.glob("*.sql") if _MIGRATION.fullmatch(path.name))
    ours = {match[1]: path for path in there if (match := _OURS.fullmatch(path.name))}
    past = sorted(ours, key=schema.release)
    if past and schema.release(past[-1]) > schema.release(__version__):
        raise InputError(
            f"{ours[past[-1]].name} was written by a newer Bible Progress than this one "
            f"({__version__})",
            hint="Upgrade the package: pip install --upgrade bible-progress",
        )
    present = ours.get(__version__)
    if since is None:
        since = next((version for version in reversed(past) if version != __version__), None)
    text = export.render(strategy=strategy, readers=readers, since=since)
    if present is not None:
        content = present.read_text(encoding="utf-8")
        if content != text:
            cause = (
                "other options or another build"
                if export.is_whole(content)
                else "edits by another hand"
            )
            raise InputError(
                f"{present} is there already and has other content, by {cause}",
                hint="If it was never applied anywhere, remove it and export again.",
            )
        return Export(path=present, text=text, is_new=False, since=since)
    stamp = _stamp(there[-1].name if there else None, now or datetime.now(UTC))
    path = folder / f"{stamp}_bible_progress_v{__version__}.sql"
    return Export(path=path, text=text, is_new=True, since=since)


def _stamp(last: str | None, now: datetime) -> str:
    """Return a version that the CLI orders after the last one, now if that will do."""
    stamp = now.strftime(STAMP)
    last_stamp = "" if last is None else last.split("_")[0]
    if stamp > last_stamp:
        return stamp
    try:
        return (datetime.strptime(last_stamp, STAMP) + timedelta(seconds=1)).strftime(STAMP)
    except ValueError:
        raise InputError(
            f"no date comes after migration {last}",
            hint="Name it with a date of 14 digits, as `supabase migration new` does.",
        ) from None
