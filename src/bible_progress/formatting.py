"""How numbers are said to people."""

from __future__ import annotations


def age(seconds: float) -> str:
    """Say a time span as people do: 40 ms, 3.2 s, 5 min, 7 h, 2 days."""
    # Rounded down, so that 59.99 s is not 60.0 s. A clock that is behind makes no negative age.
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{int(seconds * 1000)} ms"
    if seconds < 60:
        return f"{int(seconds * 10) / 10:.1f} s"
    for limit, unit, name in ((3600, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / unit)} {name}"
    return f"{int(seconds / 86400)} days"


def counted(number: int, noun: str) -> str:
    """Say a number with its noun: 1 version, 1,189 versions."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
