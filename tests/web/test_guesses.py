"""Whoever guesses at the secret waits longer and longer; whoever has it never waits for long."""

from collections.abc import Callable

import httpx
import pytest

from bible_progress.web import guesses
from bible_progress.web.guesses import Guesses
from web.site import BEARER, SECRET, code, served

V1 = "/api/v1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Guesses:
    return Guesses(clock)


def test_one_client_waits_longer_with_every_wrong_secret(kept: Guesses, clock: Clock) -> None:
    waits: list[int] = []
    for _ in range(12):
        while wait := kept.wait("192.0.2.1", is_right=False):
            waits.append(wait)
            clock.now += wait
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert waits[-1] == guesses.LONGEST_WAIT_SECONDS
    assert waits.count(1) == 1
    # Others do not wait for it.
    assert kept.wait("192.0.2.2", is_right=True) == 0


def test_a_refused_guess_is_not_looked_at_and_does_not_prolong(kept: Guesses, clock: Clock) -> None:
    for _ in range(guesses.FREE_OF_CLIENT):
        assert kept.wait("client", is_right=False) == 0
    for right in (True, False) * 50:
        assert kept.wait("client", is_right=right) == 1
    clock.now += 1
    assert kept.wait("client", is_right=True) == 0
    # The right one ends it.
    for _ in range(guesses.FREE_OF_CLIENT):
        assert kept.wait("client", is_right=False) == 0


def test_guesses_are_forgotten(kept: Guesses, clock: Clock) -> None:
    for _ in range(guesses.FREE_OF_CLIENT + 1):
        clock.now += kept.wait("client", is_right=False)
    clock.now += guesses.FORGOTTEN_SECONDS + 1
    for _ in range(guesses.FREE_OF_CLIENT):
        assert kept.wait("client", is_right=False) == 0


def test_many_clients_together_are_slowed_but_those_who_had_the_secret_are_not(
    kept: Guesses, clock: Clock
) -> None:
    assert kept.wait("operator", is_right=True) == 0
    judged = sum(kept.wait(f"10.0.{n // 256}.{n % 256}", is_right=False) == 0 for n in range(5000))
    assert judged == guesses.FREE_OF_ALL
    assert kept.wait("operator", is_right=True) == 0
    assert kept.wait("another operator", is_right=True) == 1
    clock.now += 1
    assert kept.wait("another operator", is_right=True) == 0
    clock.now += 60
    judged = sum(kept.wait(f"10.1.0.{n}", is_right=False) == 0 for n in range(250))
    assert judged <= 61


def test_memory_has_an_end(kept: Guesses, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "KEPT_CLIENTS", 10)
    for number in range(100):
        clock.now += 2
        kept.wait(f"wrong {number}", is_right=False)
        kept.wait(f"right {number}", is_right=True)
    assert len(kept._clients) == len(kept._known) == 10


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_a_client_is_an_address_or_a_network(
    kept: Guesses, one: str, other: str, are_one: bool
) -> None:
    for _ in range(guesses.FREE_OF_CLIENT):
        assert kept.wait(one, is_right=False) == 0
    assert (kept.wait(other, is_right=False) == 1) is are_one


def _login(client: httpx.Client, secret: str) -> httpx.Response:
    return client.post("/login", data={"secret": secret})


def _bearer(client: httpx.Client, secret: str) -> httpx.Response:
    return client.post(f"{V1}/refresh?seconds=0.01", headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("guess", [_login, _bearer])
def test_the_server_refuses_guesses_and_says_until_when(
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    guess: Callable[[httpx.Client, str], httpx.Response],
) -> None:
    clock = Clock()
    monkeypatch.setattr(guesses.Guesses.__init__, "__defaults__", (clock,))
    with served(database, secret=SECRET) as api:
        opened = api.post("/login", data={"secret": SECRET})
        session = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
        api.cookies.clear()
        for _ in range(guesses.FREE_OF_CLIENT):
            assert guess(api, "wrong, but as long as it is").status_code == 401
        for secret in ("wrong", SECRET):
            refused = guess(api, secret)
            assert code(refused) == (429, "too_many_guesses")
            assert refused.headers["retry-after"] == "1"
        # Whoever is in already stays in, and what needs no secret is served.
        assert api.get("/operations", headers=session).status_code == 200
        assert api.get(f"{V1}/versions", headers=BEARER).status_code == 200
        assert code(api.get("/metrics", headers=BEARER)) == (429, "too_many_guesses")
        clock.now += 1
        assert guess(api, SECRET).status_code in (200, 303)
        assert api.get("/metrics", headers=BEARER).status_code == 200
