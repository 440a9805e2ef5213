"""Keep what this release installs, for the tests of every later upgrade.

Usage: .venv/bin/python tools/keep_release.py [NAME], once, when a version is released. NAME stands
for the version where what is kept is none: a state of the code that was installed all the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bible_progress import __version__, export, schema

FOLDER = Path(__file__).resolve().parents[1] / "releases"


def main() -> int:
    folder = FOLDER / (sys.argv[1] if sys.argv[1:] else __version__)
    try:
        folder.mkdir()
    except FileExistsError:
        sys.stderr.write(f"{folder.name} is kept already; a release is kept once\n")
        return 1
    for step in schema.STEPS:
        path = folder / f"step-{step}.sql"
        path.write_text(export.render(step=step), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
