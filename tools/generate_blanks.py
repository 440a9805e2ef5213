"""Write what is no text by itself into the SQL that tells texts from blanks.

Usage: .venv/bin/python tools/generate_blanks.py

The rule stands in `is_blank`; docs/reference/what-counts.md says it to people. Unicode's general
categories are those that this Python knows, of which the files note the version.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

SQL = Path(__file__).resolve().parents[1] / "src/bible_progress/sql"

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, which Python does not know.
# Stable since Unicode 4.1: what may come is reserved in it already.
_IGNORABLE = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
)
# Letters to Unicode that people draw lines with: tatweel, lajanyalan, prolonged sound marks.
_LINES = (0x0640, 0x07FA, 0x30FC, 0xFF70)
# Symbols to Unicode that people write verses with: Braille (but its blank), Sutton SignWriting, and
# the ligatures of whole Arabic words.
_WRITING = (
    *range(0x2801, 0x2900),
    *range(0x1D800, 0x1DAB0),
    *range(0xFD40, 0xFD50),
    0xFDCF,
    *range(0xFDFD, 0xFE00),
)
_IN_WRITING = frozenset(_WRITING)
_ANYWAY = frozenset((*_IGNORABLE, *_LINES))
# Unassigned code points between two blank ones are taken for blank where they are no more than
# this: the next Unicode fills them with their like, and fewer ranges are faster to look through.
_GAP = 64
_WIDTH = 94


def is_blank(code: int) -> bool:
    """Whether this character is no text by itself: neither letter, number nor mark."""
    category = unicodedata.category(chr(code))
    return (
        code in _ANYWAY
        # Me: marks that enclose others, as those of keycaps.
        or category in ("Cc", "Cf", "Me")
        or category[0] in "ZP"
        or (category[0] == "S" and code not in _IN_WRITING)
    )


def ranges() -> list[tuple[int, int]]:
    """Return the blank code points as (first, last), from 0, which stands for no character."""
    found = [(0, 0)]
    unassigned = True
    for code in range(1, sys.maxunicode + 1):
        if is_blank(code):
            first, last = found[-1]
            if code == last + 1 or (unassigned and code - last <= _GAP):
                found[-1] = (first, code)
            else:
                found.append((code, code))
            unassigned = True
        elif unicodedata.category(chr(code)) != "Cn":
            unassigned = False
    return found


def _escaped(code: int) -> str:
    return f"\\\\u{code:04x}" if code < 0x10000 else f"\\\\U{code:08x}"


def _characters() -> list[str]:
    """Return the ranges as a regular expression writes them between brackets."""
    return [
        _escaped(first) + (f"-{_escaped(last)}" if last > first else "")
        for first, last in ((max(first, 1), last) for first, last in ranges())
        if last > 0
    ]


def _numbers() -> list[str]:
    """Return the ranges as an int4multirange writes them."""
    found = [f"[{first},{last}]," for first, last in ranges()]
    return ["{", *found[:-1], found[-1].removesuffix(",") + "}"]


def _between(path: Path, parts: list[str], before: str, after: str) -> str:
    """Return the file with these parts as one literal between its two marks."""
    text = path.read_text(encoding="utf-8")
    start, _, rest = text.partition("-- generated")
    _, _, end = rest.partition("-- end\n")
    indent = " " * (len(start) - len(start.rstrip(" ")))
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > _WIDTH - len(indent):
            lines.append("")
        lines[-1] += part
    literal = "\n".join(
        f"{indent}{before if n == 0 else ''}'{line}'" for n, line in enumerate(lines)
    )
    mark = f"-- generated: Unicode {unicodedata.unidata_version}"
    return f"{start}{mark}\n{literal}{after}\n{indent}-- end\n{end}"


def render() -> dict[Path, str]:
    """Return what the generated files must say."""
    numbers = SQL / "objects/rules/blank_code_points.sql"
    characters = SQL / "objects/rules/blank_characters.sql"
    check = SQL / "checks/blank_texts.sql"
    return {
        numbers: _between(numbers, _numbers(), "", "::int4multirange;"),
        characters: _between(characters, _characters(), "e", ";"),
        check: _between(check, ["[^", *_characters(), "]"], "!~ e", ""),
    }


def main() -> int:
    for path, text in render().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"wrote {path.relative_to(SQL)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
