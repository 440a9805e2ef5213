"""A small project that run.py can install without a network, in two seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

RUN_PY = Path(__file__).parents[2] / "run.py"

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "bible-progress"
version = "0.1.0"
"""

# A build backend that needs nothing: one wheel with programs that print what they were given.
BACKEND = '''
import os, time, zipfile
from pathlib import Path

PROGRAM = """
import json, os, sys

def main():
    print(json.dumps({"program": NAME, "arguments": sys.argv[1:], "python": sys.version_info[:2],
        "folder": os.getcwd(), "postgres": os.environ.get("BIBLE_PROGRESS_POSTGRES_BIN")}))
    return NAME in os.environ.get("FAKE_FAILING", "").split()

if __name__ == "__main__":
    sys.exit(main())
"""
FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: bible-progress\\nVersion: 0.1.0\\n"
    "Provides-Extra: demo\\nProvides-Extra: dev\\n"
    + os.environ.get("FAKE_REQUIRES", ""),
    "WHEEL": "Wheel-Version: 1.0\\nGenerator: fake\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "entry_points.txt": "[console_scripts]\\nbible-progress = fake_program:main\\n",
}

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open("builds", "a") as builds:
        builds.write("one\\n")
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    name = "bible_progress-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as wheel:
        record = ""
        for module in ("fake_program", "pytest", "ruff", "pyright", "sqlfluff"):
            wheel.writestr(module + ".py", f"NAME = {module!r}\\n" + PROGRAM)
            record += module + ".py,,\\n"
        for file, text in FILES.items():
            wheel.writestr("bible_progress-0.1.0.dist-info/" + file, text)
            record += "bible_progress-0.1.0.dist-info/" + file + ",,\\n"
        wheel.writestr("bible_progress-0.1.0.dist-info/RECORD", record)
    return name
'''


class Project:
    """A checkout with run.py, the way it looks before its first run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.stamp = self.venv / "run.stamp"
        root.mkdir()
        shutil.copy(RUN_PY, root / "run.py")
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "backend.py").write_text(BACKEND)

    def start(
        self, *arguments: str, python: str = sys.executable, **environment: str
    ) -> subprocess.Popen[str]:
        outer = ("PIP_", "PYTHON", "BIBLE_PROGRESS_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(outer)}
        own = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        return subprocess.Popen(
            [python, str(self.root / "run.py"), *arguments],
            env=inherited | own | environment,
            cwd=self.root.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *arguments: str, python: str = sys.executable, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, python=python, **environment)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def builds(self) -> int:
        """How many times the project was installed."""
        count = self.root / "builds"
        return len(count.read_text().splitlines()) if count.exists() else 0
