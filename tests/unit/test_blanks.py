"""What SQL calls blank is generated, and up to date."""

import re
import unicodedata
from itertools import pairwise

import pytest

import generate_blanks


def test_the_generated_sql_says_what_the_rule_does() -> None:
    for path, text in generate_blanks.render().items():
        current = path.read_text(encoding="utf-8")
        version = re.search(r"generated: Unicode (\S+)", current)
        assert version is not None, path
        if version[1] != unicodedata.unidata_version:
            pytest.skip(f"generated from Unicode {version[1]}, which this Python does not have")
        assert current == text, "run tools/generate_blanks.py"


def test_ranges_are_in_order_apart_and_hold_no_text() -> None:
    ranges = generate_blanks.ranges()
    assert all(first <= last for first, last in ranges)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))
    for first, last in ranges[1:]:
        for code in range(first, last + 1):
            assert generate_blanks.is_blank(code) or unicodedata.category(chr(code)) == "Cn", hex(
                code
            )
