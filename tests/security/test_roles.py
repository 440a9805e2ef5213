"""Every command runs as the role documented for it, and a lesser one is told which it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.worker_process import WorkerProcess
from security.supabase import Site
from support.oracle import assert_same
from web.site import BEARER, SECRET, code, served

WORKERS = ("progress_worker", "progress_admin")


@pytest.fixture
def owner(site: Site) -> Installation:
    return Installation(site.connection)


@pytest.mark.parametrize("login", WORKERS)
def test_a_worker_drains_audits_and_is_seen(
    site: Site, owner: Installation, login: str, tmp_path: Path
) -> None:
    version = site.project.shown["text"]
    cli = CommandLine(site.url(login))
    with WorkerProcess(cli, tmp_path, "--audit-seconds", "0.2") as worker:
        owner.touch(version, "gen-1-3")
        assert soon(lambda: owner.covered(version) == 3), worker.log.read_text()
        owner.plant_drift(version)
        assert soon(lambda: owner.covered(version) == 3), worker.log.read_text()
        assert soon(lambda: owner.value("select workers from progress.status") == 1)
        worker.stop()
        assert owner.value("select count(*) from progress.worker") == 0
        assert "denied" not in worker.log.read_text()
    assert_same(site.connection)


@pytest.mark.parametrize("login", WORKERS)
def test_a_failing_version_of_a_worker_ends_as_a_dead_letter(
    site: Site, owner: Installation, login: str, tmp_path: Path
) -> None:
    version = site.project.shown["text"]
    owner.run("update progress.settings set dead_after = '0', backoff_base = '1 ms'")
    owner.fail_drains_of(version)
    owner.touch(version, "gen-1-3")
    with WorkerProcess(CommandLine(site.url(login)), tmp_path):
        assert soon(lambda: owner.dead() == 1)
    assert owner.queued() == 0


@pytest.mark.parametrize("login", WORKERS)
def test_what_a_worker_may_run_by_hand(site: Site, owner: Installation, login: str) -> None:
    version = site.project.shown["text"]
    cli = CommandLine(site.url(login))
    owner.touch(version, "gen-1-3")
    cli("status").assert_done()
    cli("refresh").assert_done()
    assert owner.covered(version) == 3
    cli("verify").assert_done()
    owner.plant_drift(version)
    cli("verify", "--repair").assert_refused(9)
    assert owner.queued() == 1
    with psycopg.connect(site.url(login), autocommit=True) as scheduler:
        scheduler.execute("call progress.drain()")
    assert owner.covered(version) == 3


ADMINS_ONLY = (
    ("refresh", "--all"),
    ("refresh", "--version", "{version}"),
    ("dead-letter", "list"),
    ("dead-letter", "retry", "{letter}"),
    ("dead-letter", "discard", "{letter}"),
    ("dead-letter", "retry", "--all"),
)


@pytest.mark.parametrize("command", ADMINS_ONLY, ids=" ".join)
def test_what_takes_an_admin(site: Site, owner: Installation, command: tuple[str, ...]) -> None:
    version = site.project.shown["text"]
    letter = owner.bury(version)
    # What the letter is about is undone, so that it may be discarded.
    owner.run(
        "delete from verse_texts where text_version_id = %s and verse_id = 'gen-1-2'", version
    )
    owner.run("delete from progress_refresh_queue")
    before = (owner.queued(), owner.dead())
    arguments = [part.format(version=version, letter=letter) for part in command]
    for lesser, needed in (
        ("progress_worker", "progress_admin"),
        ("progress_reader", "progress_worker"),
        ("stranger", "progress_worker"),
    ):
        done = CommandLine(site.url(lesser))(*arguments)
        done.assert_refused(4, "may not do that", needed)
        assert (owner.queued(), owner.dead()) == before
    CommandLine(site.url("progress_admin"))(*arguments).assert_done()


@pytest.mark.parametrize("login", ["progress_reader", "stranger", *WORKERS])
@pytest.mark.parametrize(
    "command",
    [("install",), ("uninstall", "--yes"), ("rollout", "apply", "--to", "1")],
    ids=" ".join,
)
def test_what_takes_the_owner(
    site: Site, owner: Installation, login: str, command: tuple[str, ...]
) -> None:
    before = owner.relations()
    done = CommandLine(site.url(login))(*command)
    assert done.code in (4, 5), done
    assert "Connect as" in done.err, done
    assert owner.relations() == before


@pytest.mark.parametrize("login", ["progress_reader", "stranger"])
@pytest.mark.parametrize(
    "command", [("worker",), ("status",), ("verify",), ("serve", "--port", "0")]
)
def test_a_lesser_role_is_told_which_it_takes(
    site: Site, login: str, command: tuple[str, ...]
) -> None:
    done = CommandLine(site.url(login))(*command)
    done.assert_refused(4, "may not do that", "member of progress_worker")


READS = (
    "/versions", "/versions/text/{text}", "/versions/audio/{audio}/tree",
    "/versions/text/{text}/books", "/versions/text/{text}/chapters",
    "/versions/text/{text}/chapters/gen-1", "/versions/text/{text}/gaps",
    "/versions/text/{text}/history", "/versions/text/{text}/badge.svg",
    "/compare?version=text:{text}&version=audio:{audio}", "/languages", "/languages/{language}",
    "/operations/queue",
)  # fmt: skip


@pytest.fixture(params=WORKERS)
def served_as(site: Site, request: pytest.FixtureRequest) -> Iterator[tuple[str, httpx.Client]]:
    """The server as either role, with a secret."""
    with served(site.url(request.param), secret=SECRET) as client:
        yield request.param, client


def test_the_server_reads_as_either_role(site: Site, served_as: tuple[str, httpx.Client]) -> None:
    _, client = served_as
    names = {
        "text": site.project.shown["text"],
        "audio": site.project.shown["audio"],
        "language": site.project.language,
    }
    for consistency in ("exact", "stored"):
        for path in READS:
            answer = (
                client.get(
                    "/api/v1" + path.format(**names),
                    params={"consistency": consistency},
                    headers=BEARER,
                )
                if "?" not in path
                else client.get("/api/v1" + path.format(**names), headers=BEARER)
            )
            assert answer.status_code == 200, f"{path}: {answer.text}"
    for page in (
        "/",
        f"/versions/text/{names['text']}",
        "/languages",
        f"/languages/{names['language']}",
    ):
        assert client.get(page, headers={"accept": "text/html"}).status_code == 200
    assert client.get("/readyz").text == "ready\n"


def test_the_server_operates_as_an_admin_only(
    site: Site, owner: Installation, served_as: tuple[str, httpx.Client]
) -> None:
    login, client = served_as
    letter = owner.bury(site.project.shown["text"])
    listed = client.get("/api/v1/operations/dead-letters", headers=BEARER)
    retried = client.post(f"/api/v1/operations/dead-letters/{letter}/retry", headers=BEARER)
    page = client.get("/operations", headers={"accept": "text/html", **BEARER})
    assert page.status_code == 200
    if login == "progress_admin":
        assert [item["id"] for item in listed.json()["items"]] == [str(letter)]
        assert retried.status_code == 204
    else:
        assert code(listed) == (403, "forbidden")
        assert code(retried) == (403, "forbidden")
        assert "progress_admin" in listed.json()["hint"]
        assert "broken" not in page.text, "a worker reads the errors of dead letters"
        assert owner.dead() == 1
    refreshed = client.post("/api/v1/refresh?seconds=25", headers=BEARER)
    assert refreshed.json()["drained"] == (1 if login == "progress_admin" else 0)
