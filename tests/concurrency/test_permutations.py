"""Every order of the steps of a few writers and drainers, with the promises checked after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest

from support.sessions import Session, Stage

# Orders that are played at the same time, each on a version of its own: one check covers them.
SIDE_BY_SIDE = 15

STATEMENTS = {
    "W1": "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " values (%s, 'gen-1-3', 'Words.')",
    "W2": "delete from verse_texts where text_version_id = %s and verse_id = 'gen-1-1'",
}
BEFORE = {"gen-1-1", "gen-1-2"}


@dataclass(frozen=True, slots=True)
class Step:
    actor: str
    action: str

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"


Order = tuple[Step, ...]


def orders(*actors: str) -> list[Order]:
    """Return every interleaving of actors, each given as "name action action ..."."""
    scripts = []
    for actor in actors:
        name, *actions = actor.split()
        scripts.append([Step(name, action) for action in actions])
    return list(_merge(scripts))


def _merge(scripts: Sequence[Sequence[Step]]) -> Iterator[Order]:
    if not any(scripts):
        yield ()
    for at, script in enumerate(scripts):
        if script:
            rest = [*scripts[:at], script[1:], *scripts[at + 1 :]]
            for tail in _merge(rest):
                yield (script[0], *tail)


def first_to(action: str, actor: str, order: Order) -> bool:
    return next(step.actor for step in order if step.action == action) == actor


CASES = {
    "writer commits, drainer": orders("W1 write commit", "D1 begin drain commit"),
    "writer aborts, drainer": orders("W1 write rollback", "D1 begin drain commit"),
    "two writers, drainer": orders("W1 write commit", "W2 write commit", "D1 drain commit"),
    # The drainers are alike, so D1 may as well always be the first.
    "writer commits, two drainers": [
        order
        for order in orders("W1 write commit", "D1 drain commit", "D2 drain commit")
        if first_to("drain", "D1", order)
    ],
    "writer commits, two drainers of which one aborts": [
        order
        for order in orders("W1 write commit", "D1 drain rollback", "D2 drain commit")
        if first_to("drain", "D1", order)
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_no_order_of_steps_breaks_a_promise(stage: Stage, case: str) -> None:
    stage.world.canon()
    language = stage.world.language()
    versions = [stage.world.text_version(language=language) for _ in range(SIDE_BY_SIDE)]
    actors = sorted({step.actor for order in CASES[case] for step in order})
    sessions = [{actor: stage.session(actor) for actor in actors} for _ in versions]
    remaining = CASES[case]
    while remaining:
        batch, remaining = remaining[:SIDE_BY_SIDE], remaining[SIDE_BY_SIDE:]
        _play(stage, dict(zip(versions, batch, strict=False)), sessions)


def _play(
    stage: Stage, orders_by_version: dict[UUID, Order], sessions: list[dict[str, Session]]
) -> None:
    stage.execute("delete from verse_texts")
    for version in orders_by_version:
        stage.world.text(version, ["gen-1-1"])
    stage.rest()
    for version in orders_by_version:
        # A signal that waits already: the drain has something to claim in every order.
        stage.world.text(version, ["gen-1-2"])

    for at in range(max(len(order) for order in orders_by_version.values())):
        for (version, order), own in zip(orders_by_version.items(), sessions, strict=False):
            _step(own[order[at].actor], order[at], version)
        try:
            stage.check()
        except AssertionError as error:
            raise AssertionError(_explain(orders_by_version, at, error)) from error

    stage.rest()
    for version, order in orders_by_version.items():
        assert _stored(stage, version) == _expected(order), " - ".join(map(str, order))


def _step(session: Session, step: Step, version: UUID) -> None:
    if step.action in {"commit", "rollback"}:
        session.run(step.action)
        return
    if session.connection.info.transaction_status.name == "IDLE":
        session.begin()
    if step.action == "drain":
        assert session.drain("text", version) in {"drained", "clean", "locked"}
    elif step.action == "write":
        session.run(STATEMENTS[step.actor], [version])


def _explain(orders_by_version: dict[UUID, Order], at: int, error: AssertionError) -> str:
    wrong = [
        " - ".join(map(str, order[: at + 1]))
        for version, order in orders_by_version.items()
        if str(version) in str(error)
    ]
    return f"broken by: {'; '.join(wrong)}\n{error}"


def _stored(stage: Stage, version: UUID) -> set[str]:
    stored = "select verse_id from mv_text_verse_coverage where text_version_id = %s"
    return {verse for (verse,) in stage.execute(stored, [version])}


def _expected(order: Order) -> set[str]:
    committed = {step.actor for step in order if step.action == "commit"}
    return BEFORE - ({"gen-1-1"} if "W2" in committed else set()) | (
        {"gen-1-3"} if "W1" in committed else set()
    )
