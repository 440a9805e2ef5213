"""Operations over HTTP: who may, what they do, and that they may be called at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.engine.worker import Worker, WorkerSettings
from bible_progress.reading import documents as d
from web.site import BEARER, SECRET, code, served

V1 = "/api/v1"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def login(client: httpx.Client, secret: str) -> httpx.Response:
    return client.post("/login", data={"secret": secret})


def test_a_scheduler_drains_with_the_secret_only(database: str, site: Installation) -> None:
    [version] = site.texts(1)
    site.touch(version)
    with served(database, secret=SECRET) as api:
        assert code(api.post(f"{V1}/refresh")) == (401, "secret_needed")
        wrong = {"Authorization": "Bearer not the secret, but as long as it is"}
        assert code(api.post(f"{V1}/refresh", headers=wrong)) == (401, "secret_needed")
        assert site.queued() == 1
        foreign = BEARER | {"Origin": "https://elsewhere.example"}
        assert code(api.post(f"{V1}/refresh", headers=foreign)) == (403, "forbidden")
        done = d.Refreshed.model_validate_json(api.post(f"{V1}/refresh", headers=BEARER).content)
        assert (done.drained, done.failed, done.remaining) == (1, 0, 0)
    site.assert_right()


def test_the_hook_may_be_called_at_once_and_stops_in_time(
    database: str, site: Installation
) -> None:
    versions = site.texts(12)
    for version in versions:
        site.touch(version)
    with served(database, secret=SECRET) as api, ThreadPoolExecutor(4) as pool:
        url = f"{api.base_url}{V1}/refresh"
        answers = list(
            pool.map(lambda _: httpx.post(url, headers=BEARER, timeout=60).json(), range(4))
        )
        assert sum(answer["drained"] for answer in answers) == len(versions)
        site.fail_drains_of(versions[0])
        site.touch(versions[0], "gen-1-3")
        failed = api.post(f"{V1}/refresh", headers=BEARER, params={"seconds": 1}).json()
        assert (failed["drained"], failed["failed"], failed["remaining"]) == (0, 1, 1)
        site.stop_failing()
    assert all(answer["seconds"] < 6 for answer in answers)


def test_a_hook_whose_time_is_up_before_it_knows_what_is_due_says_what_waits(
    database: str, site: Installation
) -> None:
    [version] = site.texts(1)
    site.touch(version)
    site.run("""
        create or replace function progress.due_versions(p_limit integer)
        returns table (kind text, version_id uuid, oldest_at timestamptz) language sql
        begin atomic select 'text', gen_random_uuid(), now() from pg_sleep(600); end
    """)
    with served(database, secret=SECRET) as api:
        answer = api.post(f"{V1}/refresh", headers=BEARER, params={"seconds": 0.5})
        done = d.Refreshed.model_validate_json(answer.content)
    assert (answer.status_code, done.drained, done.failed, done.remaining) == (200, 0, 0, 1)
    assert site.queued() == 1


def test_operations_are_shown_to_those_who_have_the_secret(
    database: str, site: Installation
) -> None:
    [version] = site.texts(1)
    letter = site.bury(version, "the reason is here")
    for path in (f"{V1}/operations/queue", f"{V1}/operations/dead-letters", "/metrics"):
        with served(database, secret=SECRET) as api:
            assert code(api.get(path)) == (401, "secret_needed")
            assert api.get(path, headers=BEARER).status_code == 200
        with served(database) as api:
            assert api.get(path).status_code == 200
    with served(database) as api:
        shown = api.get(f"{V1}/operations/dead-letters").json()
        assert shown["items"][0]["id"] == str(letter)
        assert "the reason is here" in shown["items"][0]["last_error"]
        retry = f"{V1}/operations/dead-letters/{letter}/retry"
        assert code(api.post(retry)) == (403, "no_secret_set")
    assert site.dead() == 1


def test_dead_letters_are_retried_and_discarded(database: str, site: Installation) -> None:
    one, other = site.texts(2)
    first, second = site.bury(one), site.bury(other)
    path = f"{V1}/operations/dead-letters"
    with served(database, secret=SECRET) as api:
        assert api.post(f"{path}/{first}/retry", headers=BEARER).status_code == 204
        assert site.queued() == 1
        assert code(api.post(f"{path}/{first}/retry", headers=BEARER)) == (404, "not_found")
        # Its version is not as stored.
        refused = api.delete(f"{path}/{second}", headers=BEARER)
        assert code(refused) == (409, "refused")
        assert site.dead() == 1
        site.drain()
        site.run(
            "insert into progress_refresh_dead_letter"
            " (kind, version_id, chapter_id, enqueued_at, attempts, last_error)"
            " values ('text', %s, 'gen-1', now(), 1, 'broken')",
            one,
        )
        right = site.value("select id from progress_refresh_dead_letter where version_id = %s", one)
        assert api.delete(f"{path}/{right}", headers=BEARER).status_code == 204
        assert code(api.delete(f"{path}/{right}", headers=BEARER)) == (404, "not_found")
        assert site.dead() == 1


def test_the_production_guard_holds_here_too(database: str, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version)
    site.run("update progress.settings set environment = 'production'")
    with served(database, secret=SECRET) as api:
        path = f"{V1}/operations/dead-letters/{letter}/retry"
        assert code(api.post(path, headers=BEARER)) == (409, "guarded")
    assert site.dead() == 1


def test_a_session_is_opened_by_the_secret_and_ends(database: str, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version, "<script>broken</script>")
    with served(database, secret=SECRET) as page:
        assert page.get("/operations").headers["location"] == "/login"
        assert login(page, "wrong, but as long as the secret is").status_code == 401
        opened = login(page, SECRET)
        assert opened.status_code == 303
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert SECRET not in opened.headers["set-cookie"]
        shown = page.get("/operations").text
        assert "&lt;script&gt;broken" in shown
        assert "<script>broken" not in shown
        assert SECRET not in shown
        form = f"/operations/dead-letters/{letter}"
        foreign = page.post(
            form, data={"action": "retry"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 403
        assert page.post(form, data={"action": "burn"}).status_code == 422
        assert page.post(form, data={"action": "retry"}).status_code == 303
        assert site.dead() == 0
        assert page.post("/logout").status_code == 303
        assert page.get("/operations").headers["location"] == "/login"


def test_the_queue_is_watched_where_no_worker_runs_and_drains_by_the_hook_are_counted(
    database: str, site: Installation
) -> None:
    for version in site.texts(2):
        site.touch(version)
    with served(database, secret=SECRET) as api:

        def sample(name: str) -> bool:
            lines = api.get("/metrics", headers=BEARER).text.splitlines()
            return f"bible_progress_{name}" in lines

        assert soon(lambda: sample("queue_depth 2.0"))
        api.post(f"{V1}/refresh", headers=BEARER)
        assert sample('drains_total{kind="text",outcome="drained"} 2.0')


def test_where_pg_cron_drains_nobody_is_told_to_start_a_worker(
    database: str, site: Installation
) -> None:
    with served(database) as page:
        assert "No worker is running" in page.get("/operations").text
        site.run("update progress.settings set cron_database = 'jobs'")
        shown = page.get("/operations").text
        assert "No worker is running" not in shown
        assert "jobs" in shown


@pytest.mark.parametrize(
    "path", ["/healthz", "/", f"{V1}/versions", f"{V1}/versions/text/{UNKNOWN}", f"{V1}/refresh"]
)
def test_head_is_get_without_a_body(api: httpx.Client, path: str) -> None:
    got, headed = api.get(path), api.head(path)
    assert headed.content == b""
    assert headed.status_code == got.status_code
    assert headed.headers["content-type"] == got.headers["content-type"]
    assert int(headed.headers["content-length"]) > 0
    # On the same connection: no byte of a body is left in it.
    assert api.get("/healthz").text == "ok\n"


def test_head_of_live_updates_is_refused(api: httpx.Client) -> None:
    assert api.head(f"{V1}/events").status_code == 405


def test_metrics_are_those_of_the_worker(database: str, site: Installation) -> None:
    worker = Worker(WorkerSettings(database_url=database))
    worker.metrics.audited(drifted=False)
    with served(database, worker=worker) as api:
        assert "bible_progress_audited_total 1.0" in api.get("/metrics").text
        assert api.get("/readyz").text == "ready\n"
