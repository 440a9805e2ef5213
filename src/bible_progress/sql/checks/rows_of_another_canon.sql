-- title: recordings, timings and texts of another canon than their version's
-- severity: warning
-- when: sound host
-- why: A verse counts only in the canon of its version, so these rows count nothing; a range with
--   one end elsewhere covers nothing.
-- fix: Let them name the verses of the version's own canon.
with
verse_canons as (
    select
        v.id as verse_id,
        b.bible_version_id
    from public.verses as v
    inner join public.chapters as c on v.chapter_id = c.id
    inner join public.books as b on c.book_id = b.id
)

select
    'text ' || t.id || ': ' || t.verse_id || ' is of canon ' || vc.bible_version_id
    || ', its version of ' || tv.bible_version_id as finding
from public.verse_texts as t
inner join public.text_versions as tv on t.text_version_id = tv.id
inner join verse_canons as vc on t.verse_id = vc.verse_id
where
    t.deleted_at is null
    and tv.deleted_at is null
    and vc.bible_version_id <> tv.bible_version_id
union all
select
    'recording ' || f.id || ': ' || vc.verse_id || ' is of canon ' || vc.bible_version_id
    || ', its version of ' || av.bible_version_id as finding
from public.media_files as f
inner join public.audio_versions as av on f.audio_version_id = av.id
cross join
    lateral (
        values (f.start_verse_id), (f.end_verse_id)
    ) as ends (verse_id)
inner join verse_canons as vc on ends.verse_id = vc.verse_id
where
    f.deleted_at is null
    and av.deleted_at is null
    and vc.bible_version_id <> av.bible_version_id
union all
select
    'recording ' || f.id || ': ' || f.chapter_id || ' is of canon ' || b.bible_version_id
    || ', its version of ' || av.bible_version_id as finding
from public.media_files as f
inner join public.audio_versions as av on f.audio_version_id = av.id
inner join public.chapters as c on f.chapter_id = c.id
inner join public.books as b on c.book_id = b.id
where
    f.deleted_at is null
    and av.deleted_at is null
    and b.bible_version_id <> av.bible_version_id
union all
select
    'timing ' || t.id || ': ' || t.verse_id || ' is of canon ' || vc.bible_version_id
    || ', the version of its recording of ' || av.bible_version_id as finding
from public.media_files_verses as t
inner join public.media_files as f on t.media_file_id = f.id
inner join public.audio_versions as av on f.audio_version_id = av.id
inner join verse_canons as vc on t.verse_id = vc.verse_id
where
    t.deleted_at is null
    and f.deleted_at is null
    and av.deleted_at is null
    and vc.bible_version_id <> av.bible_version_id
order by finding;
