"""Draw docs/images/demo.svg from a run of the demo.

    .venv/bin/python tools/render_demo.py

Everything in the picture is printed by `bible-progress demo --once` on an embedded PostgreSQL; the
times are those of this machine and this run.
"""

from __future__ import annotations

import io
import os
import re
import sys
from html import escape, unescape
from pathlib import Path

from rich.console import Console
from rich.segment import Segment
from rich.terminal_theme import TerminalTheme

from bible_progress import cli
from bible_progress.cli import demo

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "demo.svg"
COMMAND = "python3 run.py demo --once"
COLUMNS = 96
TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[^"]+)" y="(?P<y>[^"]+)" '
    r'textLength="(?P<length>[^"]+)" clip-path="(?P<clip>[^"]+)">(?P<content>[^<]*)</text>'
)

# Quiet, and readable on a light page as well as on a dark one.
THEME = TerminalTheme(
    background=(23, 27, 36),
    foreground=(214, 220, 229),
    normal=[
        (23, 27, 36),
        (229, 115, 115),
        (124, 196, 132),
        (231, 184, 92),
        (122, 162, 247),
        (187, 154, 247),
        (115, 208, 209),
        (214, 220, 229),
    ],
    bright=[
        (74, 82, 99),
        (240, 140, 140),
        (150, 215, 157),
        (242, 203, 124),
        (150, 183, 255),
        (205, 178, 255),
        (150, 225, 226),
        (245, 247, 250),
    ],
)

# Rich's own template loads its font from another host; this one uses what the reader has.
TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" \
role="img" aria-labelledby="{unique_id}-title">
<title id="{unique_id}-title">{label}</title>
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono",
        "Liberation Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record() -> Console:
    """Run the demo and return the console that it printed to."""
    # Not a terminal, so that progress bars leave nothing behind; colours are recorded all the same.
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)

    def recorder(**_: object) -> Console:
        return console

    # The command makes its own console; this is the one place where it gets another.
    demo.Console = recorder  # type: ignore[assignment, misc]
    code = cli.main(["demo", "--once"])
    if code:
        sys.exit(code)
    return console


def picture(recorded: Console) -> str:
    """Return what was printed as SVG, under the command that prints it."""
    lines = list(Segment.split_lines(Segment.filter_control(recorded._record_buffer)))
    texts = ["".join(segment.text for segment in line).strip() for line in lines]
    first = next(number for number, text in enumerate(texts) if text)
    last = max(number for number, text in enumerate(texts) if text)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    console.print(f"[green]$[/] [bold]{COMMAND}[/]\n")
    for line in lines[first : last + 1]:
        for segment in line:
            console.print(
                segment.text.rstrip("\n"), style=segment.style or "", end="", markup=False
            )
        console.print()
    console.print()
    template = TEMPLATE.replace(
        "{label}", "Output of the demo: coverage of nine versions, and four live edits"
    )
    svg = console.export_svg(title="", theme=THEME, code_format=template, unique_id="demo")
    svg = TEXT.sub(_words, svg)
    # Blank lines and trailing spaces of the generated code would only make noise in diffs.
    return re.sub(r"\s*\n\s*", "\n", svg)


def _words(text: re.Match[str]) -> str:
    """Return a text element as one element a word: some viewers swallow spaces at its start."""
    content = unescape(text["content"])
    left, width = float(text["x"]), float(text["length"]) / len(content)
    return "".join(
        f'<text class="{text["style"]}" x="{left + width * word.start():.1f}" y="{text["y"]}" '
        f'textLength="{width * len(word[0]):.1f}" clip-path="{text["clip"]}">'
        f"{escape(word[0])}</text>"
        for word in re.finditer(r"\S+", content)
    )


def main() -> None:
    """Write the picture."""
    os.environ.pop("DATABASE_URL", None)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(record()), encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    main()
