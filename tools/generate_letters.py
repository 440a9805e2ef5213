"""Write which letters a search takes for others into the SQL that folds names.

Usage: .venv/bin/python tools/generate_letters.py

Accents go by decomposition, which PostgreSQL knows. Here are the letters that do not decompose,
other digits and quotation marks; and capitals that lower() leaves alone where the locale is C.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "src/bible_progress/sql/objects/rules/folded_name.sql"

# Letters with strokes, hooks and tails, of African and European languages, that keyboards lack;
# apostrophes (and the letters that look like them), quotation marks and dashes.
_ALIKE = {
    "a": "ɑ", "b": "ɓƃƀ", "c": "ƈȼ", "d": "đɖɗƌð", "e": "ɛǝəɇ", "f": "ƒ", "g": "ɠǥɣ", "h": "ħɦ",
    "i": "ıɨɩ", "j": "ɉ", "k": "ƙ", "l": "łƚɬ", "m": "ɱ", "n": "ŋɲƞɳ", "o": "øɔɵ", "p": "ƥ",
    "r": "ɍ", "t": "ŧƭʈ", "u": "ʉʊ", "v": "ʋ", "y": "ƴɏ", "z": "ƶ",
    "'": "’‘‛ʼʻʽʾʿꞌ", '"': "“”„«»", "-": "‐‑–—−",
}  # fmt: skip
# The zeros of digits in use today: Arabic, Persian, Indic from Devanagari to Malayalam, Thai, Lao,
# Tibetan, Myanmar, Khmer.
_ZEROS = (
    0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x17E0,
)  # fmt: skip
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew, Arabic and Syriac. Vowel signs of
# Indic scripts are no accents: they spell.
_MARKS = (
    (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2),
    (0x05C4, 0x05C5), (0x05C7, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06DC), (0x06DF, 0x06E4), (0x0711, 0x0711), (0x0730, 0x074A), (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE20, 0xFE2F),
)  # fmt: skip
# What is printed in both cases today: Latin; Greek, Cyrillic and Armenian.
_LATIN = (*range(0x80, 0x250), 0x2C62, 0x2C64, 0x2C6D, 0x2C6E, 0xA78B, 0xA7AA, 0xA7AD, 0xA7AE)
_OTHERS = (*range(0x386, 0x3AC), *range(0x400, 0x430), *range(0x48A, 0x530), *range(0x531, 0x557))
_WIDTH = 76


def _stripped(text: str) -> str:
    """Return a text without what normalize() and taking away the marks take from it."""
    return "".join(
        c
        for c in unicodedata.normalize("NFKD", text)
        if not any(first <= ord(c) <= last for first, last in _MARKS)
    )


def tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return what stands for what: letters alike, with their capitals; digits; other capitals."""
    alike = {c: plain for plain, others in _ALIKE.items() for c in others}

    def capitals(codes: tuple[int, ...]) -> dict[str, str]:
        return {
            c: alike.get(c.lower(), c.lower())
            for c in map(chr, codes)
            if _stripped(c) == c and len(c.lower()) == 1 and c.lower() != c
        }

    digits = {chr(zero + n): str(n) for zero in _ZEROS for n in range(10)}
    return alike | capitals(_LATIN), digits, capitals(_OTHERS)


def _class(letters: set[str]) -> str:
    """Return these characters, and those that come to them, as a regular expression's class."""
    codes = [
        code
        for code in range(0x80, 0x10000)
        if not 0xD800 <= code < 0xE000 and letters.intersection(_stripped(chr(code)))
    ]
    found: list[list[int]] = []
    for code in codes:
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(
        f"\\\\u{first:04x}" + (f"-\\\\u{last:04x}" if last > first else "") for first, last in found
    )


def _literal(text: str, indent: int, prefix: str = "") -> str:
    """Return an SQL literal of several lines."""
    parts: list[str] = [""]
    for unit in text.replace("\\\\u", "\x00\\\\u").split("\x00") if prefix else text:
        if len(parts[-1]) + len(unit) > _WIDTH:
            parts.append("")
        parts[-1] += unit
    pad = " " * indent
    return f"\n{pad}".join(
        f"{prefix if n == 0 else ''}'{part}'"
        for n, part in enumerate(p.replace("'", "''") for p in parts)
    )


def render() -> str:
    """Return what the generated file must say."""
    letters, digits, capitals = tables()
    marks = "".join(f"\\\\u{a:04x}" + (f"-\\\\u{b:04x}" if b > a else "") for a, b in _MARKS)

    guarded = "lower('Ж' collate \"default\") <> 'ж'\n                        and "

    def chosen(pick: Callable[[dict[str, str]], str]) -> str:
        """Return the text that holds of each table what a name needs."""
        return "\n                || ".join(
            f"""case
                    when {also}p_name ~ {_literal("[" + _class(set(table)) + "]", 24, "e")}
                        then {_literal(pick(table), 28)}
                    else ''
                end"""
            for also, table in (("", letters), ("", digits), (guarded, capitals))
        )

    def plain(indent: int) -> str:
        lines = f"""lower(
    lower(
        regexp_replace(
            normalize(p_name, nfkd),
            {_literal("[" + marks + "]", 16, "e")},
            '',
            'g'
        ) collate "C"
    ) collate "default"
)"""
        return f"\n{' ' * indent}".join(lines.splitlines())

    special = {*letters, *digits}
    return f"""-- Generated by tools/generate_letters.py, Unicode {unicodedata.unidata_version}.
-- Inlined by the planner, hence no pinned search_path. Lists fold thousands of names, and a table
-- costs every letter of a name as much as it is long: each name takes only what it needs. In a
-- database of locale C lower() knows no letters but those of ASCII; in a Turkish one it makes ı of
-- I, unless that is small already.
-- noqa: disable=LT02,LT05
create or replace function progress.folded_name(p_name text)
returns text
language sql
immutable
parallel safe
return case
    when octet_length(p_name) = length(p_name) then lower(p_name collate "C") collate "default"
    when
        p_name !~ {_literal("[" + _class(special) + "]", 8, "e")}
        and (
            lower('Ж' collate "default") = 'ж'
            or p_name !~ {_literal("[" + _class(set(capitals)) + "]", 12, "e")}
        )
        then
            {plain(12)}
    else
        translate(
            {plain(12)},
            {chosen(lambda table: "".join(table))},
            {chosen(lambda table: "".join(table.values()))}
        )
end;

comment on function progress.folded_name(text) is
'A name as searches and orders take it, whatever the locale of the database: without accents and
vowel points, in small letters, with letters that keyboards lack as those that they look like (ŋ is
n), digits of other scripts as 0-9, and one kind of apostrophe, quotation mark and dash.';
"""


def main() -> int:
    text = render()
    if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        FILE.write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"wrote {FILE.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
