"""What SQL calls blank is generated, and up to date."""

import re
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """tools/generate_blanks.py."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import generate_blanks
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return generate_blanks


def test_the_generated_sql_says_what_the_rule_does(generator: ModuleType) -> None:
    for path, text in generator.render().items():
        current = path.read_text(encoding="utf-8")
        version = re.search(r"generated: Unicode (\S+)", current)
        assert version is not None, path
        if version[1] != unicodedata.unidata_version:
            pytest.skip(f"generated from Unicode {version[1]}, which this Python does not have")
        assert current == text, "run tools/generate_blanks.py"


def test_ranges_are_in_order_apart_and_hold_no_text(generator: ModuleType) -> None:
    ranges = generator.ranges()
    assert all(first <= last for first, last in ranges)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))
    for first, last in ranges[1:]:
        for code in range(first, last + 1):
            assert generator.is_blank(code) or unicodedata.category(chr(code)) == "Cn", hex(code)
