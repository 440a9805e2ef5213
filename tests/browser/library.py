"""A small library with what pages must bear."""

from __future__ import annotations

from typing import Any

from support.builders import World
from support.oracle import drain

BOOKS = {"gen": (31, 25, 24), "exod": (22, 25), "ps": (6,) * 120, "matt": (25, 23), "rev": (20,)}
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}} \u05e9\u05dc\u05d5\u05dd " + "long" * 70


def fill(library: World) -> dict[str, Any]:
    """A small library with a name that attacks, two kinds of one language, and an empty one."""
    library.canon(books=BOOKS)
    english = library.language("English")
    full = library.text_version(name="Full text", language=english)
    library.connection.execute(
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " select %s, id, 'x' from verses",
        [full],
    )
    begun = library.text_version(name="Begun text", language=english)
    library.text(begun, [f"gen-1-{n}" for n in (1, 2, 3, 7)])
    audio = library.audio_version(name="Recording", language=english)
    library.recording(audio, chapter="ps-3")
    hostile = library.text_version(name=HOSTILE, language=library.language(HOSTILE))
    library.connection.execute("update books set testament = 'new' where id in ('matt', 'rev')")
    drain(library.connection)
    library.connection.execute(
        "insert into progress.version_history select kind, version_id, day - 3, 0, total_verses, 0,"
        " 0, total_chapters, 0, total_books from progress.version_history"
    )
    return {"full": full, "begun": begun, "audio": audio, "hostile": hostile, "language": english}


def paths(versions: dict[str, Any]) -> list[str]:
    begun, full = versions["begun"], versions["full"]
    return [
        "/",
        "/?q=nothing+is+called+so",
        f"/versions/text/{begun}?chapter=gen-1",
        f"/versions/audio/{versions['audio']}",
        f"/versions/text/{versions['hostile']}",
        "/compare",
        f"/compare?version=text:{begun}&version=text:{full}&version=audio:{versions['audio']}&book=gen",
        f"/compare?version=text:{begun}&version=text:{versions['hostile']}&q=full",
        "/languages",
        f"/languages/{versions['language']}",
        "/operations",
        "/no-such-page",
    ]
