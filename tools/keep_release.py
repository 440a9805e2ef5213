"""Keep what this release installs, for the tests of every later upgrade.

Usage: .venv/bin/python tools/keep_release.py [NAME], once, when a version is released. NAME stands
for the version where what is kept is none: a state of the code that was installed all the same.
"""

from __future__ import annotations

import re
import sys
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from bible_progress import __version__
from bible_progress.installing import export, schema

FOLDER = Path(__file__).resolve().parents[1] / "releases"


def main() -> int:
    path = FOLDER / f"{sys.argv[1] if sys.argv[1:] else __version__}.sql"
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(merge({step: export.render(step=step) for step in schema.STEPS}))
    except FileExistsError:
        sys.stderr.write(f"{path.name} is kept already; a release is kept once\n")
        return 1
    return 0


def merge(texts: dict[int, str]) -> str:
    """Return texts that share most lines as one, in sections headed by the steps they belong to."""
    merged: list[tuple[str, str]] = []
    for step, text in texts.items():
        lines = text.splitlines(keepends=True)
        matcher = SequenceMatcher(None, [line for line, _ in merged], lines, autojunk=False)
        entries: list[tuple[str, str]] = []
        for what, start, end, new_start, new_end in matcher.get_opcodes():
            if what == "equal":
                entries += [(line, f"{steps} {step}") for line, steps in merged[start:end]]
            else:
                entries += merged[start:end]
                entries += [(line, str(step)) for line in lines[new_start:new_end]]
        merged = entries
    return "".join(
        f"-- steps {steps}\n{''.join(line for line, _ in section)}"
        for steps, section in groupby(merged, key=itemgetter(1))
    )


def text_of(merged: str, step: int) -> str:
    """Return one of the texts that were merged."""
    _, *parts = re.split(r"^-- steps ([\d ]+)\n", merged, flags=re.MULTILINE)
    return "".join(
        section
        for steps, section in zip(parts[::2], parts[1::2], strict=True)
        if str(step) in steps.split()
    )


if __name__ == "__main__":
    sys.exit(main())
