"""Pictures of measurements, with matplotlib where it is installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from .errors import InputError, UsageError, reason


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure, size in inches; raises UsageError where nothing can draw."""
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise UsageError(
            "pictures need matplotlib", hint="pip install 'bible-progress[plot]'"
        ) from error
    return figures.Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, folder: Path, name: str) -> list[Path]:
    """Write `name`.svg and .png; return the paths. Raises InputError where that is impossible."""
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {reason(error)}") from error
    return paths
