"""bible-progress rollout"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.errors import InputError
from bible_progress.rollout import moves as rollout
from bible_progress.rollout import plan
from bible_progress.rollout.measure import Measurement, percentile
from bible_progress.rollout.plan import Thresholds, advise
from support import traffic

QUICK = ("--seconds", "0.01", "--readers", "2")

CONTENT = (
    "select string_agg(t::text, '|' order by t::text) from {} as t",
    (
        "bible_versions",
        "books",
        "chapters",
        "verses",
        "text_versions",
        "audio_versions",
        "verse_texts",
        "media_files",
        "media_files_verses",
        "progress_refresh_queue",
        "progress.failure",
        "progress.version_rollup",
        "progress.chapter_bitmap",
        "progress.version_history",
        "progress.settings",
    ),
)


def everything(site: Installation) -> list[object]:
    query, tables = CONTENT
    return [site.value(query.format(table)) for table in tables]


def build(site: Installation) -> None:
    traffic.build(site.world)
    site.drain()


def test_status_names_the_step(cli: CommandLine, site: Installation) -> None:
    rollout.move(site.connection, 3)
    state = json.loads(cli("rollout", "status", "--json").assert_done().out)
    assert (state["number"], state["strategy"]) == (3, "matview")
    shown = cli("rollout", "status").assert_done().out
    assert [line[0] for line in shown.splitlines()[:5]] == [" ", " ", ">", " ", " "]


@pytest.mark.parametrize("step", [1, 2, 4, 5])
def test_measuring_leaves_no_trace_and_says_everything_that_a_step_has(
    cli: CommandLine, site: Installation, step: int
) -> None:
    build(site)
    rollout.move(site.connection, step)
    site.drain()
    # Signals that wait must still wait afterwards.
    site.run("update verse_texts set verse_text = ''")
    before = everything(site)
    found = json.loads(cli("rollout", "measure", *QUICK, "--json").assert_done().out)
    assert everything(site) == before
    assert {each["step"] for each in found} == {step}
    reads = [each for each in found if each["subject"] == "read"]
    wanted = {"exact", "live"} | ({"stored"} if step > 1 else set())
    assert {each["source"] for each in reads} == wanted
    assert {each["level"] for each in reads} == {"verse", "chapter", "book", "version", "language"}
    assert {each["temperature"] for each in reads} == {"cold", "warm"}
    assert {each["readers"] for each in reads} == {1, 2}
    assert all(each["samples"] and each["p50"] <= each["p95"] <= each["p99"] for each in reads)
    subjects = {each["subject"] for each in found if each["samples"]}
    assert ("refresh" in subjects) == (step > 1)
    assert ("write" in subjects) == (step > 3)
    sizes = {each["name"] for each in found if each["subject"] == "size"}
    assert ("public.mv_text_verse_coverage" in sizes) == (step in (2, 3, 4))
    assert ("progress.chapter_bitmap" in sizes) is True
    assert site.value("select count(*) from progress.measurement") == len(found)


def test_a_read_that_takes_too_long_is_told_and_not_waited_for(
    cli: CommandLine, site: Installation
) -> None:
    build(site)
    site.run(
        "create or replace function progress.text_counts(p_verse_text text, p_deleted_at timestamptz)"
        " returns boolean language plpgsql stable as 'begin perform pg_sleep(9); return true; end'"
    )
    found = json.loads(
        cli("rollout", "measure", *QUICK, "--timeout", "0.05", "--json").assert_done().out
    )
    [live] = [
        each for each in found if (each["name"], each["temperature"]) == ("live text verse", "cold")
    ]
    assert live["p50"] is None
    assert "timed out" in live["note"]


def test_measuring_needs_versions(cli: CommandLine) -> None:
    cli("rollout", "measure").assert_refused(7, "no version")


def test_walking_up_and_down_by_the_command(cli: CommandLine, site: Installation) -> None:
    build(site)
    for step in (4, 3, 2, 1):
        cli("rollout", "back").assert_done()
        assert rollout.current(site.connection).number == step
    cli("rollout", "back").assert_refused(7, "no step before 1")
    for step in (2, 3, 4, 5):
        cli("rollout", "apply").assert_done()
        assert rollout.current(site.connection).number == step
    cli("rollout", "apply").assert_refused(7, "no step after 5")
    cli("rollout", "apply", "--to", "3").assert_refused(7, "not after")
    cli("rollout", "back", "--to", "1").assert_done()
    cli("rollout", "apply", "--to", "5").assert_done()
    cli("refresh").assert_done()
    site.assert_right()


def test_a_dry_run_changes_nothing(cli: CommandLine, site: Installation) -> None:
    site.run("drop index media_files_verses_verse_id_idx")
    rollout.move(site.connection, 4)
    shown = cli("rollout", "apply", "--dry-run").assert_done().out
    assert "create index concurrently progress_media_files_verses_verse_id_idx" in shown
    assert rollout.current(site.connection).number == 4
    assert len(rollout.pending_indexes(site.connection)) == 1
    cli("rollout", "apply").assert_done()
    assert rollout.pending_indexes(site.connection) == ()


def test_materialized_views_are_refreshed_by_the_worker_s_own_command(
    cli: CommandLine, site: Installation
) -> None:
    """On steps 2 and 3 nothing signals; refresh --all is how they come up to date."""
    build(site)
    for step in (2, 3):
        rollout.move(site.connection, step)
        site.run("update verse_texts set verse_text = case verse_text when '' then 'W' else '' end")
        stored = "select count(*) from mv_text_verse_coverage"
        before = site.value(stored)
        cli("refresh", "--all").assert_done()
        assert site.value(stored) != before
        assert site.value(stored) == site.value("select count(*) from text_verse_coverage")


def test_production_refuses_the_move_by_hand(cli: CommandLine, site: Installation) -> None:
    site.run("update progress.settings set environment = 'production'")
    cli("rollout", "back").assert_refused(8)
    cli("rollout", "back", "--override", "measured").assert_done()
    cli("rollout", "apply", env={"CI": "true"}).assert_done()


def test_plan_and_report_need_a_measurement(cli: CommandLine) -> None:
    cli("rollout", "plan").assert_refused(7, "never measured")
    cli("rollout", "report").assert_refused(7, "nothing was measured")


def test_plan_and_report_compare_what_was_measured(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    build(site)
    for step in (4, 5):
        rollout.move(site.connection, step)
        cli("rollout", "measure", *QUICK).assert_done()
        head, *lines = cli("rollout", "report").assert_done().out.splitlines()
        steps = ["step", "4"] if step == 4 else ["step", "4", "step", "5", "ratio"]
        assert head.split() == ["figure", "unit", *steps]
        reads = [line for line in lines if line.strip().startswith("read, ")]
        if step == 4:
            assert len(reads) > 2
            assert reads == sorted(reads)
    strict = ("--read-p95", "0.0000001")
    assert json.loads(cli("rollout", "plan", "--json", *strict).assert_done().out)["due"] is None
    rollout.move(site.connection, 4)
    due = json.loads(cli("rollout", "plan", "--json", *strict).assert_done().out)
    assert due["due"]["number"] == 5
    assert due["reasons"]
    easy = ("--read-p95", "1000", "--refresh-seconds", "1000", "--lag-seconds", "1000")
    assert json.loads(cli("rollout", "plan", "--json", *easy).assert_done().out)["due"] is None
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    cli("rollout", "report", "--out", tmp_path / "new").assert_done()
    assert (tmp_path / "new" / "rollout.svg").read_text().startswith("<?xml")
    assert (tmp_path / "new" / "rollout.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "file").touch()
    cli("rollout", "report", "--out", tmp_path / "file" / "x").assert_refused(7, "cannot write")


@pytest.mark.parametrize(
    "flags",
    [
        ("measure", "--readers", "0"),
        ("measure", "--seconds", "-1"),
        ("plan", "--read-p95", "fast"),
        ("apply", "--to", "two"),
        (),
    ],
)
def test_wrong_flags_are_wrong_usage(cli: CommandLine, flags: tuple[str, ...]) -> None:
    assert cli("rollout", *flags).code == 2


def read(level: str, p95: float | None, note: str | None = None) -> Measurement:
    return Measurement(
        step=1,
        subject="read",
        name=level,
        level=level,
        kind="text",
        source="exact",
        temperature="warm",
        readers=1,
        samples=0 if p95 is None else 9,
        p95=p95,
        note=note,
    )


def refresh(name: str, p95: float) -> Measurement:
    return Measurement(step=4, subject="refresh", name=name, kind="text", samples=1, p95=p95)


@pytest.mark.parametrize(
    ("step", "measured", "due"),
    [
        (1, [read("verse", 0.01)], None),
        (1, [read("verse", 0.06)], 2),
        (1, [read("version", 0.06)], 2),
        (1, [read("verse", None, "timed out")], 2),
        (2, [read("book", 0.06)], 3),
        (3, [read("version", 0.06)], 4),
        (3, [read("version", 0.01)], None),
        (4, [refresh("full, text", 61)], 5),
        (4, [refresh("scoped, text", 6)], 5),
        (4, [refresh("full, text", 59), refresh("scoped, text", 4)], None),
        (5, [read("verse", 9)], None),
    ],
)
def test_thresholds_decide_which_step_is_due(
    step: int, measured: list[Measurement], due: int | None
) -> None:
    advice = advise(rollout.STEPS[step - 1], measured, Thresholds())
    assert (advice.due and advice.due.number) == due
    assert bool(advice.reasons) == (due is not None or step == 5)


def test_a_step_without_a_measurement_has_no_plan() -> None:
    with pytest.raises(InputError):
        plan.advise(rollout.STEPS[0], [], Thresholds())


def test_percentiles_are_values_that_were_measured() -> None:
    times = [n / 1000 for n in range(1, 101)]
    assert [percentile(times, share) for share in (0.5, 0.95, 0.99, 1)] == [0.05, 0.095, 0.099, 0.1]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.5) is None
