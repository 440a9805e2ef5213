-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.compare(
    p_kind text, p_version_id uuid, p_other_kind text, p_other_version_id uuid
)
returns table (
    book_id text,
    chapter_id text,
    only_here_verses integer,
    only_here text,
    only_there_verses integer,
    only_there text
)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    v_only_here text[];
    v_only_there text[];
begin
    if exists (
        select
        from progress.versions as a
        inner join progress.versions as b on a.bible_version_id <> b.bible_version_id
        where
            a.kind = p_kind
            and a.version_id = p_version_id
            and b.kind = p_other_kind
            and b.version_id = p_other_version_id
    ) then
        raise exception 'the versions have different canons, whose verses cannot be compared'
            using errcode = 'BP002', hint = 'Compare versions of one canon.';
    end if;

    select
        coalesce(array_agg(coalesce(a.verse_id, b.verse_id)) filter (where b.verse_id is null), '{}'),
        coalesce(array_agg(coalesce(a.verse_id, b.verse_id)) filter (where a.verse_id is null), '{}')
    into v_only_here, v_only_there
    from progress.exact_verses(p_kind, p_version_id) as a
    full join progress.exact_verses(p_other_kind, p_other_version_id) as b
        on a.verse_id = b.verse_id
    where a.verse_id is null or b.verse_id is null;

    return query
    select
        o.book_id::text,
        o.chapter_id::text,
        coalesce(here.verses, 0),
        coalesce(here.ranges, ''),
        coalesce(there.verses, 0),
        coalesce(there.ranges, '')
    from progress.verse_ranges(v_only_here) as here
    full join progress.verse_ranges(v_only_there) as there on here.chapter_id = there.chapter_id
    inner join progress.canon_chapters as o
        on o.chapter_id = coalesce(here.chapter_id, there.chapter_id)
    order by o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.compare(text, uuid, text, uuid) is
'What each of two versions of one canon has that the other lacks, audio against text included, exact
in this snapshot: one row a chapter that differs, in canon order. Refused (BP002) for different
canons.';
