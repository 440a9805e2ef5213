"""Numbers as people read them: never more than the truth."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bible_progress.cli.demo import bar
from bible_progress.formatting import age, counted

totals = st.integers(min_value=1, max_value=2**31)


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    """Draw (covered, total); nearly complete and nearly empty ones often."""
    total = draw(totals)
    near = st.integers(0, min(total, 3))
    covered = draw(
        st.one_of(st.integers(0, total), near, near.map(lambda missing: total - missing))
    )
    return covered, total


@given(shares())
def test_a_bar_is_full_only_when_complete_and_empty_only_when_nothing_is_there(
    share: tuple[int, int],
) -> None:
    covered, total = share
    drawn, _, words = bar(covered, total, covered * 100 // total).plain.partition(" ")
    assert len(drawn) == len(bar(total, total, 100).plain.partition(" ")[0])
    assert (set(drawn) == {"█"}) == (covered == total)
    assert (set(drawn) == {"░"}) == (covered == 0)
    assert words.split() == [str(covered * 100 // total), "%"]


def test_a_testament_without_verses_has_no_bar() -> None:
    assert not set(bar(0, 0, None).plain) & set("█░▏%")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.04, "40 ms"),
        (1, "1.0 s"),
        (3.24, "3.2 s"),
        (60, "1 min"),
        (300, "5 min"),
        (3600, "1 h"),
        (7 * 3600, "7 h"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 days"),
        (400 * 86400, "400 days"),
    ],
)
def test_age_as_people_say_it(seconds: float, said: str) -> None:
    assert age(seconds) == said


@given(st.floats(min_value=0, max_value=1e9))
@example(0.9996)
@example(59.96)
@example(3599.9)
@example(172799.0)
def test_age_never_reaches_the_next_unit(seconds: float) -> None:
    """Never "1000 ms", "60.0 s", "60 min" or "48 h", which are said otherwise."""
    amount, unit = age(seconds).split()
    limit = {"ms": 1000, "s": 60, "min": 60, "h": 48, "days": 1e9}[unit]
    assert 0 <= float(amount) < limit


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_a_longer_age_is_never_said_to_be_shorter(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert length(age(shorter)) <= length(age(longer))


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert not age(-5).startswith("-")


def length(said: str) -> float:
    match = re.fullmatch(r"([\d.]+) (ms|s|min|h|days)", said)
    assert match is not None, said
    return float(match[1]) * {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "days": 86400}[match[2]]


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 verses"), (1, "1 verse"), (2, "2 verses"), (31102, "31,102 verses")]
)
def test_only_one_is_singular(number: int, said: str) -> None:
    assert counted(number, "verse") == said
