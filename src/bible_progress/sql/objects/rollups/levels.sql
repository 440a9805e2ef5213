create view progress.levels
with (security_invoker = true) as
select
    l.position,
    l.level,
    l.kind,
    l.stored,
    l.live,
    l.key_column
from (
    values
    (
        1, 'verse', 'audio', 'public.mv_audio_verse_coverage',
        'public.audio_verse_coverage', 'audio_version_id'
    ),
    (
        2, 'chapter', 'audio', 'public.mv_audio_chapter_coverage',
        'public.audio_chapter_coverage', 'audio_version_id'
    ),
    (
        3, 'book', 'audio', 'public.mv_audio_book_coverage',
        'public.audio_book_coverage', 'audio_version_id'
    ),
    (
        4, 'version', 'audio', 'public.mv_audio_version_progress_summary',
        'public.audio_version_progress_summary', 'audio_version_id'
    ),
    (
        5, 'language', 'audio', 'public.mv_language_entity_best_audio_version',
        'public.language_entity_best_audio_version', 'language_entity_id'
    ),
    (
        1, 'verse', 'text', 'public.mv_text_verse_coverage',
        'public.text_verse_coverage', 'text_version_id'
    ),
    (
        2, 'chapter', 'text', 'public.mv_text_chapter_coverage',
        'public.text_chapter_coverage', 'text_version_id'
    ),
    (
        3, 'book', 'text', 'public.mv_text_book_coverage',
        'public.text_book_coverage', 'text_version_id'
    ),
    (
        4, 'version', 'text', 'public.mv_text_version_progress_summary',
        'public.text_version_progress_summary', 'text_version_id'
    ),
    (
        5, 'language', 'text', 'public.mv_language_entity_best_text_version',
        'public.language_entity_best_text_version', 'language_entity_id'
    )
) as l (position, level, kind, stored, live, key_column);

comment on view progress.levels is
'The one list of what is stored, and what it must equal; audits and tests go through it.';
