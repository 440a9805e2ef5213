"""bible-progress export supabase: which file, under which name, and when none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from acceptance.command_line import CommandLine
from bible_progress import __version__
from bible_progress.installing import export
from upgrades.newer_package import HARMLESS, VERSION, NewerPackage

NAME = f"_bible_progress_v{__version__}.sql"


@pytest.fixture
def cli() -> CommandLine:
    """The command line without a database: none is asked."""
    return CommandLine(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for migrations that `supabase init` has prepared."""
    (tmp_path / "supabase").mkdir()
    return tmp_path / "supabase" / "migrations"


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def test_the_first_export_is_a_new_installation_stamped_now(cli: CommandLine, folder: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    done = cli("export", "supabase", "--out", folder).assert_done()
    [(name, text)] = files(folder).items()
    assert name in done.out
    assert name.endswith(NAME)
    stamp = datetime.strptime(name.split("_")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert before <= stamp <= datetime.now(UTC)
    assert text == export.render()


def test_the_folder_of_a_project_is_the_default(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parents[1])
    cli("export", "supabase").assert_done()
    assert len(files(folder)) == 1


@pytest.mark.parametrize(
    ("last", "stamp"),
    [
        ("29991231235958_from_the_future.sql", "29991231235959"),
        ("29991231235959_at_midnight.sql", "30000101000000"),
    ],
)
def test_it_comes_after_the_last_migration(
    cli: CommandLine, folder: Path, last: str, stamp: str
) -> None:
    folder.mkdir()
    for name in ("20200101000000_first.sql", last, "README.md", "9_seed.txt"):
        (folder / name).write_text("select 1;\n")
    cli("export", "supabase", "--out", folder).assert_done()
    assert stamp + NAME in files(folder)


def test_a_migration_without_a_date_that_nothing_can_follow(cli: CommandLine, folder: Path) -> None:
    folder.mkdir()
    (folder / "9_seed.sql").write_text("select 1;\n")
    before = files(folder)
    cli("export", "supabase", "--out", folder).assert_refused(7, "9_seed.sql", "14 digits")
    assert files(folder) == before


def test_again_adds_nothing_whatever_the_stamp(cli: CommandLine, folder: Path) -> None:
    cli("export", "supabase", "--out", folder).assert_done()
    [path] = folder.iterdir()
    # A team may have moved it between its own.
    path.rename(folder / f"20240506070809{NAME}")
    (folder / "20250101000000_later.sql").write_text("select 1;\n")
    before = files(folder)
    assert "nothing to add" in cli("export", "supabase", "--out", folder).assert_done().out
    assert files(folder) == before


def test_a_dry_run_names_the_file_and_writes_nothing(cli: CommandLine, folder: Path) -> None:
    done = cli("export", "supabase", "--out", folder, "--dry-run").assert_done()
    assert NAME in done.out
    assert "would be written" in done.out
    assert not folder.exists()


@pytest.mark.parametrize("change", ["other options", "edits"])
def test_a_file_with_other_content_is_never_replaced(
    cli: CommandLine, folder: Path, change: str
) -> None:
    cli("export", "supabase", "--out", folder).assert_done()
    flags: tuple[str, ...] = ("--reader", "web")
    if change == "edits":
        [path] = folder.iterdir()
        path.write_text(path.read_text().replace("notify pgrst", "notify others"))
        flags = ()
    before = files(folder)
    cli("export", "supabase", "--out", folder, *flags).assert_refused(7, "other content", change)
    assert files(folder) == before


def test_an_upgrade_follows_the_last_export_by_itself(
    cli: CommandLine, folder: Path, tmp_path: Path
) -> None:
    cli("export", "supabase", "--out", folder).assert_done()
    newer = NewerPackage(tmp_path / "newer", HARMLESS)
    done = newer("", "export", "supabase", "--out", folder).assert_done()
    assert f"upgrades from {__version__} to {VERSION}" in done.out
    first, second = sorted(files(folder))
    assert first < second
    assert second.endswith(f"_bible_progress_v{VERSION}.sql")
    assert "create table progress.settings" not in files(folder)[second]
    before = files(folder)
    again = newer("", "export", "supabase", "--out", folder).assert_done()
    assert "nothing to add" in again.out
    # A colleague with the older package.
    cli("export", "supabase", "--out", folder).assert_refused(7, "newer")
    assert files(folder) == before


def test_an_upgrade_may_be_asked_for(folder: Path, tmp_path: Path) -> None:
    newer = NewerPackage(tmp_path / "newer", HARMLESS)
    newer("", "export", "supabase", "--out", folder, "--from", __version__).assert_done()
    [text] = files(folder).values()
    assert "create table progress.settings" not in text
    assert f"an upgrade from {__version__} or newer" in text


@pytest.mark.parametrize(
    ("flags", "code", "word"),
    [
        (("--from", "0.0.1"), 2, "there is no version 0.0.1"),
        (("--from", __version__), 2, "not older"),
        (("--from", "99.0.0"), 2, "not older"),
    ],
)
def test_a_version_that_cannot_be_upgraded(
    cli: CommandLine, folder: Path, flags: tuple[str, ...], code: int, word: str
) -> None:
    cli("export", "supabase", "--out", folder, *flags).assert_refused(code, word)
    assert not folder.exists()


@pytest.mark.parametrize("flags", [("--from", "latest"), ("--strategy", "magic"), ("elsewhere",)])
def test_wrong_usage(cli: CommandLine, folder: Path, flags: tuple[str, ...]) -> None:
    assert cli("export", "supabase", "--out", folder, *flags).code == 2
    assert not folder.exists()


@pytest.mark.parametrize("place", ["nowhere/migrations", "file"])
def test_a_folder_that_cannot_be(cli: CommandLine, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    cli("export", "supabase", "--out", tmp_path / place).assert_refused(2, "supabase init")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
