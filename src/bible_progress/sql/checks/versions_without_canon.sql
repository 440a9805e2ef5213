-- title: versions whose canon is missing or empty
-- severity: warning
-- when: sound host
-- why: Without verses to measure against their totals are 0, whatever they hold.
-- fix: Name the canon that they are measured against, or import it: bible-progress import canon.
select
    v.kind || ' version ' || v.id || ' (' || v.name || '): canon '
    || coalesce(v.bible_version_id || case
        when c.id is null then ' is not there'
        else ' has no verses'
    end, 'is not named') as finding
from (
    select
        'audio' as kind,
        a.id,
        a.name,
        a.bible_version_id
    from public.audio_versions as a
    where a.deleted_at is null
    union all
    select
        'text' as kind,
        t.id,
        t.name,
        t.bible_version_id
    from public.text_versions as t
    where t.deleted_at is null
) as v
left join public.bible_versions as c on v.bible_version_id = c.id
where
    c.id is null
    or not exists (
        select
        from public.books as b
        inner join public.chapters as ch on b.id = ch.book_id
        inner join public.verses as ve on ch.id = ve.chapter_id
        where b.bible_version_id = c.id
    )
order by finding;
