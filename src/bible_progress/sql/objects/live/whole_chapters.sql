create view progress.whole_chapters
with (security_invoker = true) as
select
    r.audio_version_id,
    c.chapter_id
from progress.recordings as r
inner join progress.canon_chapters as c
    on
        r.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
where r.start_verse_id is null;

comment on view progress.whole_chapters is
'The chapters that a recording without a start verse covers whole, once for each such recording.';
