-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.gaps(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default null,
    p_stored boolean default false,
    p_after_chapter_id text default null,
    p_visible jsonb default null
)
returns table (book_id text, chapter_id text, missing_verses integer, missing text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapter_ids text[];
    v_started text[];
begin
    if p_after_chapter_id is not null and not exists (
        select
        from progress.versions as v
        inner join progress.canon_chapters as o on v.bible_version_id = o.bible_version_id
        where
            v.kind = p_kind
            and v.version_id = p_version_id
            and o.chapter_id = p_after_chapter_id
            and (p_visible is null or p_visible -> 'books' ? o.book_id::text)
    ) then
        raise exception 'there is no chapter % to go on behind', p_after_chapter_id
            using errcode = 'BP002', hint = 'Begin again without it.';
    end if;

    select
        array_agg(c.chapter_id order by c.place),
        coalesce(array_agg(c.chapter_id) filter (where c.covered_verses > 0), '{}')
    into v_chapter_ids, v_started
    from (
        -- By place and not by numbers, which may be missing.
        with placed as materialized (
            select
                e.chapter_id,
                e.covered_verses,
                e.total_verses,
                o.book_id,
                row_number() over (
                    order by o.book_number, o.book_id, o.chapter_number, o.chapter_id
                ) as place
            from progress.exact_chapters(p_kind, p_version_id, null, p_stored) as e
            inner join progress.canon_chapters as o on e.chapter_id = o.chapter_id
        )

        select p.chapter_id, p.covered_verses, p.place
        from placed as p
        where
            p.covered_verses < p.total_verses
            and (p_visible is null or p_visible -> 'books' ? p.book_id::text)
            and p.place > coalesce(
                (select a.place from placed as a where a.chapter_id = p_after_chapter_id), 0
            )
        order by p.place
        limit p_chapters
    ) as c;

    return query
    select o.book_id::text, o.chapter_id::text, r.missing_verses, r.missing
    from progress.missing_ranges(p_kind, p_version_id, v_chapter_ids, v_started, p_stored) as r
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.gaps(text, uuid, integer, boolean, text, jsonb) is
'What a version lacks, exact in this snapshot, in canon order, one row a chapter with its missing
verses as people write them; at most p_chapters of them, behind p_after_chapter_id where that is
given, a chapter of its canon (else BP002). progress.next_gaps has them in the order of work. No row for a complete version, nor for one that is not
there. With p_stored, as last drained; with p_visible, of the books in it.';
