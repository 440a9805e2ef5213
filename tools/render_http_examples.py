"""Write src/bible_progress/web/examples.json: what the API says of a small world."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from bible_progress.embedded.server import database_server  # noqa: E402
from bible_progress.installing import install  # noqa: E402
from bible_progress.web.server import serving  # noqa: E402
from bible_progress.web.settings import WebSettings  # noqa: E402
from support.builders import World  # noqa: E402
from support.oracle import drain  # noqa: E402

SECRET = "of this run only, and nobody's"  # noqa: S105


def main() -> None:
    """Build the world, ask, and write what was answered."""
    with (
        database_server(None, durable=False) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        install.install(connection)
        world = World(connection)
        world.canon("eng", {"ruth": (4, 3)})
        language = world.language("Swahili")
        text = world.text_version(language=language, name="Our text")
        audio = world.audio_version(language=language, name="Our recording")
        world.text(text, ["ruth-1-1", "ruth-1-2", "ruth-1-4"])
        world.recording(audio, chapter="ruth-2")
        connection.execute("update media_files set duration_seconds = 312.5")
        drain(connection)
        with (
            serving(WebSettings(database_url=url, port=0, secret=SECRET)) as address,
            httpx.Client(
                base_url=f"{address}api/v1", headers={"Authorization": f"Bearer {SECRET}"}
            ) as client,
        ):
            one = f"/versions/text/{text}"
            paths = {
                "VersionList": "/versions?kind=text",
                "Tree": f"{one}/tree",
                "BookList": f"{one}/books",
                "ChapterList": f"{one}/chapters",
                "ChapterDetail": f"{one}/chapters/ruth-1",
                "GapList": f"{one}/gaps",
                "History": f"{one}/history",
                "Comparison": f"/compare?version=text:{text}&version=audio:{audio}",
                "LanguageList": "/languages",
                "LanguageDetail": f"/languages/{language}",
                "Queue": "/operations/queue",
                "DeadLetters": "/operations/dead-letters",
            }
            examples: dict[str, Any] = {
                name: client.get(path).raise_for_status().json() for name, path in paths.items()
            }
            examples["Refreshed"] = client.post("/refresh").raise_for_status().json()
    target = ROOT / "src/bible_progress/web/examples.json"
    target.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
