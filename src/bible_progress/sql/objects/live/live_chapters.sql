create view progress.live_chapters
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    c.book_id,
    c.chapter_id,
    coalesce(covered.verses, 0)::integer as covered_verses,
    coalesce(total.verses, 0)::integer as total_verses,
    c.book_number,
    c.chapter_number
from progress.versions as ver
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
left join (
    select
        v.chapter_id,
        count(*) as verses
    from public.verses as v
    group by v.chapter_id
) as total on c.chapter_id = total.chapter_id
left join (
    select
        l.kind,
        l.version_id,
        l.chapter_id,
        count(*) as verses
    from progress.live_verses as l
    group by l.kind, l.version_id, l.chapter_id
) as covered
    on
        ver.kind = covered.kind
        and ver.version_id = covered.version_id
        and c.chapter_id = covered.chapter_id;

comment on view progress.live_chapters is
'Covered and total verses of every chapter of every version, from the base tables as they are now.';
