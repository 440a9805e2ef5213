"""A filled database behind PostgREST, seen by its owner and by clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from psycopg import Connection

from postgrest.rest import token
from support import oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`connection` is the host's own, under no row security."""

    url: str
    connection: Connection[Any]
    rest: httpx.Client
    owner: UUID
    languages: dict[str, UUID]
    versions: dict[str, UUID]

    def get(self, path: str, *, headers: dict[str, str] | None = None, **params: str) -> Any:
        """Return what a client reads, an anonymous one unless said otherwise."""
        answer = self.rest.get(path, params=params, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def as_owner(self) -> dict[str, str]:
        """Return the header of the user who sees the hidden versions."""
        return token("authenticated", sub=str(self.owner))

    def drain(self) -> None:
        oracle.drain(self.connection)
