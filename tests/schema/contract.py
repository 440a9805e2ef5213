"""The contract relations: columns in order, with their types."""

from __future__ import annotations

AUDIO = {"audio_version_id": "uuid"}
TEXT = {"text_version_id": "uuid"}


def counts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "integer")


def summary(chapters: str) -> dict[str, str]:
    return {
        **counts("covered_verses", "total_verses"),
        "verse_fraction": "numeric",
        **counts(chapters, "total_chapters"),
        "chapter_fraction": "numeric",
        **counts("books_complete", "total_books"),
        "book_fraction": "numeric",
    }


BOOK = {
    "book_id": "text",
    **counts("complete_chapters", "total_chapters"),
    "is_complete": "boolean",
}
# To order and filter by, behind the columns of each level.
ORDER = {
    "chapter_coverage": {"book_id": "text", **counts("book_number", "chapter_number")},
    "book_coverage": counts("book_number"),
}
CONTRACT: dict[str, dict[str, str]] = {
    "audio_verse_coverage": {**AUDIO, "verse_id": "text"},
    "audio_chapter_coverage": {
        **AUDIO,
        "chapter_id": "text",
        **counts("covered_verses", "total_verses"),
        "has_any": "boolean",
        "is_complete": "boolean",
    },
    "audio_book_coverage": {**AUDIO, **BOOK},
    "audio_version_progress_summary": {**AUDIO, **summary("chapters_with_audio")},
    "text_verse_coverage": {**TEXT, "verse_id": "text"},
    "text_chapter_coverage": {
        **TEXT,
        "chapter_id": "text",
        **counts("verses_with_text", "total_verses"),
        "is_complete": "boolean",
    },
    "text_book_coverage": {**TEXT, **BOOK},
    "text_version_progress_summary": {**TEXT, **summary("complete_chapters")},
    "language_entity_best_audio_version": {"language_entity_id": "uuid", **AUDIO},
    "language_entity_best_text_version": {"language_entity_id": "uuid", **TEXT},
}
