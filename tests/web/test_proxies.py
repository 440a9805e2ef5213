"""Behind a proxy: what one that is trusted says is taken, and nothing that another says."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.errors import UsageError
from bible_progress.web.app import create_app
from bible_progress.web.settings import WebSettings
from web.nginx import needed, nginx
from web.site import SECRET, served
from web.test_events import events

V1 = "/api/v1"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "serve.md"
# Where the requests of nginx come from. It is of this machine, but named for itself.
PROXY, ELSEWHERE = "127.0.0.9", "127.0.0.10"

SERVER = """
    server {{
        listen 127.0.0.1:PORT ssl;
        ssl_certificate CERTIFICATE;
        ssl_certificate_key KEY;
        location / {{
            proxy_pass {backend};
            proxy_bind {source};
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            {lines}
        }}
    }}
"""
# How proxies pass on the name of the host that a browser asked.
HOSTS = {
    "kept": "proxy_set_header Host $http_host;",
    "kept without its port": "proxy_set_header Host $host;",
    "rewritten": "proxy_set_header Host backend; proxy_set_header X-Forwarded-Host $http_host;",
    "rewritten, told without its port": (
        "proxy_set_header Host backend:8080; proxy_set_header X-Forwarded-Host $host;"
    ),
}


def behind(backend: httpx.Client, lines: str, source: str = PROXY) -> str:
    return SERVER.format(backend=str(backend.base_url).rstrip("/"), source=source, lines=lines)


def log_in(proxy: httpx.Client, **headers: str) -> httpx.Response:
    return proxy.post("/login", data={"secret": SECRET}, headers=headers)


def origin(proxy: httpx.Client) -> str:
    return str(proxy.base_url).rstrip("/")


@needed
@pytest.mark.parametrize("hosts", HOSTS)
def test_a_login_through_a_trusted_proxy_is_as_safe_as_its_connection(
    database: str, site: Installation, tmp_path: Path, hosts: str
) -> None:
    [version] = site.texts(1)
    with (
        served(
            database, secret=SECRET, trusted_proxies=(PROXY,), allowed_hosts=("localhost",)
        ) as backend,
        nginx(tmp_path / "nginx", behind(backend, HOSTS[hosts])) as proxy,
    ):
        page = proxy.get(f"/versions/text/{version}").text
        # Without the port nobody can know it.
        shown = origin(proxy) if "without" not in hosts else "https://localhost"
        assert f"{shown}{V1}/versions/text/{version}/badge.svg" in page
        assert "http://localhost" not in page
        done = log_in(proxy, Origin=origin(proxy), **{"Sec-Fetch-Site": "same-origin"})
        assert done.status_code == 303
        assert re.search(r";\s*secure", done.headers["set-cookie"], re.IGNORECASE)
        assert proxy.get("/operations").status_code == 200
        assert proxy.post("/logout", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
        assert proxy.get(f"{V1}/operations/queue").status_code == 401
        for foreign in (
            {"Origin": "https://evil.example"},
            {"Origin": origin(proxy), "Sec-Fetch-Site": "cross-site"},
        ):
            assert log_in(proxy, **foreign).status_code == 403


@needed
@pytest.mark.parametrize("hosts", ["kept", "rewritten"])
def test_browsers_that_say_only_where_a_page_is_from_can_log_in(
    database: str, tmp_path: Path, hosts: str
) -> None:
    with (
        served(database, secret=SECRET, trusted_proxies=("127.0.0.0/28",)) as backend,
        nginx(tmp_path / "nginx", behind(backend, HOSTS[hosts])) as proxy,
    ):
        assert log_in(proxy, Origin=origin(proxy)).status_code == 303
        assert log_in(proxy, Origin="https://localhost").status_code == 403


@needed
@pytest.mark.parametrize("trusted", [(ELSEWHERE,), ("10.0.0.0/8", "::1", "2001:db8::/32")])
def test_what_others_say_is_not_taken(
    database: str, site: Installation, tmp_path: Path, trusted: tuple[str, ...]
) -> None:
    [version] = site.texts(1)
    with (
        served(
            database, secret=SECRET, trusted_proxies=trusted, allowed_hosts=("localhost", "backend")
        ) as backend,
        nginx(tmp_path / "nginx", behind(backend, HOSTS["rewritten"])) as proxy,
    ):
        page = proxy.get(f"/versions/text/{version}").text
        assert f"http://backend{V1}/versions/text/{version}/badge.svg" in page
        assert log_in(proxy, Origin=origin(proxy)).status_code == 403
        done = log_in(proxy)
        assert done.status_code == 303
        assert "secure" not in done.headers["set-cookie"].lower()


def fields(said: dict[str, str]) -> dict[str, str]:
    return {f"X-Forwarded-{name}": value for name, value in said.items()}


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ({"Proto": "https"}, "https"),
        ({"Proto": "HTTPS"}, "https"),
        # What the nearest proxy says is behind what a client may have sent.
        ({"Proto": "https, http"}, "http"),
        ({"Proto": "http,https"}, "https"),
        ({"Proto": "javascript"}, "http"),
        ({"Proto": ""}, "http"),
        ({}, "http"),
    ],
)
def test_the_scheme_is_the_one_of_the_nearest_proxy(
    database: str, site: Installation, said: dict[str, str], scheme: str
) -> None:
    [version] = site.texts(1)
    with served(database) as api:
        page = api.get(f"/versions/text/{version}", headers=fields(said)).text
        assert f"{scheme}://127.0.0.1" in page


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1"])
def test_a_page_cannot_name_an_allowed_host_beside_its_own(api: httpx.Client, host: str) -> None:
    """As one would that has made its own name one of this machine."""
    assert api.get(f"{V1}/versions", headers={"Host": "evil.example"}).status_code == 400
    rebound = {"Host": "evil.example", "X-Forwarded-Host": host}
    assert api.get(f"{V1}/versions", headers=rebound).status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "evil.example, localhost, evil.example"])
def test_a_host_that_a_trusted_proxy_tells_must_be_allowed_too(database: str, host: str) -> None:
    with served(
        database, trusted_proxies=("127.0.0.1",), allowed_hosts=("progress.example.org",)
    ) as api:
        for told, status in ((host, 400), ("progress.example.org", 200)):
            found = api.get(f"{V1}/versions", headers={"X-Forwarded-Host": told})
            assert found.status_code == status


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", '"', "", "[::1", "x:999999"])
def test_a_host_that_is_none_is_not_taken(database: str, host: str) -> None:
    with served(database, trusted_proxies=("127.0.0.1",)) as api:
        found = api.get(f"{V1}/versions", headers={"X-Forwarded-Host": host})
        assert found.status_code == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trusted_proxies": ("nginx",)}, "neither an address nor a network"),
        ({"trusted_proxies": ("*",)}, "neither an address nor a network"),
        ({"trusted_proxies": ("10.0.0.1/8",)}, "10.0.0.0/8"),
        ({"trusted_proxies": ("10.0.0.5", "300.1.1.1")}, "300.1.1.1"),
        ({"cookie_name": ""}, "cookie"),
        ({"cookie_name": "a b"}, "cookie"),
        ({"cookie_name": "a=b"}, "cookie"),
        ({"cookie_name": "a;b"}, "cookie"),
        ({"cookie_name": "\u00e9"}, "cookie"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        create_app(WebSettings(database_url="postgresql://nowhere", **settings))


@pytest.mark.parametrize(
    ("settings", "is_secure"),
    [
        ({}, False),
        ({"secure_cookie": True}, True),
        ({"cookie_name": "other"}, False),
        ({"cookie_name": "__Host-progress"}, True),
        ({"cookie_name": "__Secure-progress"}, True),
    ],
)
def test_the_cookie_of_a_login_is_as_it_was_set(
    database: str, settings: dict[str, Any], is_secure: bool
) -> None:
    with served(database, secret=SECRET, **settings) as api:
        given = log_in(api).headers["set-cookie"]
        name, _, value = given.partition(";")[0].partition("=")
        assert name == settings.get("cookie_name", "bible_progress_session")
        assert ("secure" in given.lower()) is is_secure
        assert {"httponly", "path=/", "samesite=strict"} <= set(given.lower().split("; "))
        api.cookies.clear()
        opened = {"Cookie": f"{name}={value}"}
        assert api.get(f"{V1}/operations/queue", headers=opened).status_code == 200
        ended = api.post("/logout", headers=opened).headers["set-cookie"]
        assert ended.startswith(f"{name}=")
        assert ("secure" in ended.lower()) is is_secure
        assert api.get(f"{V1}/operations/queue", headers=opened).status_code == 401


@needed
def test_the_configuration_in_the_guide_works(
    database: str, site: Installation, tmp_path: Path
) -> None:
    [version] = site.texts(1)
    [config] = re.findall(r"^```nginx\n(.*?)^```$", GUIDE.read_text("utf-8"), re.S | re.M)
    with served(
        database, secret=SECRET, trusted_proxies=("127.0.0.1",), allowed_hosts=("localhost",)
    ) as backend:
        for theirs, ours in {
            "443 ssl": "127.0.0.1:PORT ssl",
            "/etc/ssl/progress.pem": "CERTIFICATE",
            "/etc/ssl/progress.key": "KEY",
            "http://10.0.0.7:8080": str(backend.base_url).rstrip("/"),
        }.items():
            assert theirs in config
            config = config.replace(theirs, ours)
        with nginx(tmp_path / "nginx", config) as proxy:
            assert origin(proxy) in proxy.get(f"/versions/text/{version}").text
            done = log_in(proxy, Origin=origin(proxy))
            assert done.status_code == 303
            assert "secure" in done.headers["set-cookie"].lower()
            with proxy.stream("GET", f"{V1}/events") as answer:
                stream = events(answer)
                assert next(stream)[0] == "ready"
                site.touch(version)
                assert next(stream)[2] == [str(version)]
            assert proxy.post("/login", content=b"x" * 70_000).status_code == 413
            # The client is not whom it says to be.
            seen = {proxy.get("/healthz").status_code for _ in range(300)}
            assert seen == {200, 429}


def guess(api: httpx.Client, said: str) -> int:
    headers = {"X-Forwarded-For": said, "Authorization": "Bearer wrong"}
    return api.get(f"{V1}/operations/queue", headers=headers).status_code


def test_wrong_secrets_are_those_of_the_client_that_the_proxy_tells_of(database: str) -> None:
    with served(database, secret=SECRET, trusted_proxies=("127.0.0.1", "10.0.0.0/8")) as api:
        # What stands first the client wrote; the last trusted one is a proxy before the proxy.
        ways = ["203.0.113.5", "192.0.2.1, 203.0.113.5", "203.0.113.5:4711, 10.1.2.3"]
        assert soon(lambda: 429 in {guess(api, way) for way in ways})
        assert guess(api, "203.0.113.6") == 401
        assert guess(api, "2001:db8::1") == 401
        assert guess(api, "nonsense") == 401


def test_nobody_else_can_say_that_a_guess_was_anothers(database: str) -> None:
    with served(database, secret=SECRET, trusted_proxies=(ELSEWHERE,)) as api:
        clients = iter(f"203.0.113.{n}" for n in range(250))
        assert soon(lambda: guess(api, next(clients)) == 429)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_address_is_the_same_to_a_server_that_listens_to_both_kinds(
    database: str, site: Installation
) -> None:
    [version] = site.texts(1)
    with served(database, host="::", secret=SECRET, trusted_proxies=("127.0.0.1",)) as api:
        by_four = f"http://127.0.0.1:{api.base_url.port}/versions/text/{version}"
        assert "https://127.0.0.1" in httpx.get(by_four, headers=fields({"Proto": "https"})).text
