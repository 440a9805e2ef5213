"""Keep what this release installs, for the tests of every later upgrade.

Usage: .venv/bin/python tools/keep_release.py, once, when a version is released.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bible_progress import __version__, export

FOLDER = Path(__file__).resolve().parents[1] / "releases"


def main() -> int:
    path = FOLDER / f"{__version__}.sql"
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(export.render())
    except FileExistsError:
        sys.stderr.write(f"{path.name} is kept already; a release is kept once\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
