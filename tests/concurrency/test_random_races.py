"""Random statements in up to three transactions, in random orders: what a seed found, it repeats.

Many worlds play the same order side by side, each with statements of its own, so that one check
after a step covers them all. The order is the same because a change of structure settles when all
transactions of the server have ended: worlds in other orders would hold it up and hide a loss.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from random import Random

import psycopg
import pytest
from races import RACES, Ids, set_up, timing

from support import traffic
from support.sessions import Session, Stage

SECONDS = float(os.environ.get("BIBLE_PROGRESS_STRESS_SECONDS", "5"))
WORLDS = 16
TRANSACTIONS = 3

STATEMENTS = sorted(
    {statement for race in RACES for statement in (race.writer, race.change)}
    | {
        timing("draft", "<gen-1-2"),
        "update media_files_verses set deleted_at = now() where media_file_id = %(file)s",
        "update media_files_verses set verse_id = '<gen-1-2' where media_file_id = %(file)s",
        "update media_files set chapter_id = '<gen-2', start_verse_id = null where id = %(file)s",
        "update media_files set chapter_id = '<gen-2', start_verse_id = null where id = %(draft)s",
        "update media_files set audio_version_id = null where id = %(file)s",
        "delete from media_files where id = %(file)s",
        "delete from media_files where id = %(draft)s",
        "delete from verses where id = '<gen-1-1'",
        "delete from chapters where id = '<gen-1'",
        "update chapters set book_id = '<exod', chapter_number = 9 where id = '<exod-2'",
        "update books set bible_version_id = '<other' where id = '<exod'",
        "update audio_versions set bible_version_id = '<other' where id = %(audio)s",
        "update audio_versions set deleted_at = now() where id = %(audio_2)s",
        "delete from audio_versions where id = %(audio)s",
    }
)


@dataclass(slots=True)
class Player:
    """One transaction of one world."""

    session: Session
    statement: str
    is_open: bool = False
    wants_to_end: str = ""


@dataclass(slots=True)
class World:
    prefix: str
    ids: Ids
    players: list[Player]

    def __str__(self) -> str:
        return "; ".join(f"T{n}: {player.statement}" for n, player in enumerate(self.players))


class Order:
    """When the transactions begin, run their statement and end, and where a drain comes between."""

    def __init__(self, random: Random) -> None:
        ends = random.choices(("commit", "rollback"), (9, 1), k=TRANSACTIONS)
        self.isolation = random.choices(
            ("read committed", "repeatable read"), (3, 1), k=TRANSACTIONS
        )
        left = [["begin", "run", end] for end in ends]
        self.steps: list[tuple[int, str]] = []
        while any(left):
            turn = random.choice([n for n, actions in enumerate(left) if actions])
            self.steps.append((turn, left[turn].pop(0)))
            if random.random() < 0.3:
                self.steps.append((-1, "drain"))

    def __str__(self) -> str:
        steps = ", ".join(
            action if turn < 0 else f"T{turn} {action}" for turn, action in self.steps
        )
        return f"{self.isolation}: {steps}"


class Game:
    """Worlds that play one order."""

    def __init__(self, stage: Stage, order: Order, worlds: list[World]) -> None:
        self.stage = stage
        self.order = order
        self.worlds = worlds

    def play(self) -> None:
        for turn, action in self.order.steps:
            if turn < 0:
                self.stage.drain()
                continue
            for world in self.worlds:
                self._act(world, world.players[turn], action, self.order.isolation[turn])
            if action == "commit":
                self.stage.check()
        self.stage.rest()

    def _act(self, world: World, player: Player, action: str, isolation: str) -> None:
        if action == "begin":
            player.session.begin(isolation)
            player.is_open = True
        elif action == "run":
            statement = player.statement.replace("<", world.prefix)
            player.session.start(statement, world.ids)
        else:
            player.wants_to_end = action
        # What one waits for, another one's end may have brought.
        for _ in range(TRANSACTIONS):
            for each in world.players:
                self._go_on(each, self.order.isolation[world.players.index(each)])

    def _go_on(self, player: Player, isolation: str) -> None:
        if player.session.is_started:
            if player.session.waits_for():
                return
            try:
                player.session.finish()
            except psycopg.Error as error:
                assert traffic.is_refusal(error, isolation), error
                player.session.rollback()
                player.is_open = False
        if player.wants_to_end:
            if player.is_open:
                player.session.run(player.wants_to_end)
            player.is_open, player.wants_to_end = False, ""


@pytest.mark.timeout(SECONDS + 120)
def test_no_order_of_random_transactions_breaks_a_promise(stage: Stage) -> None:
    seed = int(os.environ.get("BIBLE_PROGRESS_SEED") or secrets.randbelow(2**31))
    random = Random(seed)
    until = time.monotonic() + SECONDS
    sessions = [
        [stage.session(f"T{n} of world {world}") for n in range(TRANSACTIONS)]
        for world in range(WORLDS)
    ]
    for session in (session for own in sessions for session in own):
        session.run("set deadlock_timeout = '20ms'")
    games = 0
    while time.monotonic() < until or not games:
        stage.empty()
        language = stage.world.language()
        worlds = []
        for number, own in enumerate(sessions):
            prefix = f"w{number}-"
            players = [Player(session, random.choice(STATEMENTS)) for session in own]
            worlds.append(World(prefix, set_up(stage.world, language, prefix), players))
        stage.rest()
        order = Order(random)
        try:
            Game(stage, order, worlds).play()
        except Exception as error:
            played = [
                str(world)
                for world in worlds
                if any(
                    str(world.ids[name]) in str(error) for name in world.ids if name != "language"
                )
            ]
            raise AssertionError(
                "\n".join([f"seed {seed}, game {games}:", str(order), *played, str(error)])
            ) from error
        games += 1
    print(f"seed {seed}: {games} orders in {WORLDS} worlds each")
