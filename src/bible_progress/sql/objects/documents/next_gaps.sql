-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.next_gaps(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default null,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns table (book_id text, chapter_id text, missing_verses integer, missing text)
language plpgsql
stable
rows 5
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapter_ids text[];
    v_started_ids text[];
begin
    select
        array_agg(c.chapter_id order by c.turn, c.place),
        coalesce(array_agg(c.chapter_id) filter (where c.covered_verses > 0), '{}')
    into v_chapter_ids, v_started_ids
    from (
        -- By place and not by numbers, which may be missing.
        with placed as materialized (
            select
                e.chapter_id,
                e.covered_verses,
                e.total_verses,
                row_number() over (
                    order by o.book_number, o.book_id, o.chapter_number, o.chapter_id
                ) as place
            from progress.exact_chapters(p_kind, p_version_id, null, p_stored) as e
            inner join progress.canon_chapters as o on e.chapter_id = o.chapter_id
            where p_visible is null or p_visible -> 'books' ? o.book_id::text
        ),

        -- How far the work has come: the last chapter that is begun, else the last with anything.
        reached as materialized (
            select
                coalesce(
                    max(p.place) filter (where p.covered_verses < p.total_verses),
                    max(p.place)
                ) as place
            from placed as p
            where p.covered_verses > 0
        )

        select
            p.chapter_id,
            p.covered_verses,
            p.place,
            case
                when p.covered_verses > 0 then 1
                when p.place > r.place then 2
                else 3
            end as turn
        from placed as p
        cross join reached as r
        where p.covered_verses < p.total_verses
        order by turn, p.place
        limit p_chapters
    ) as c;

    return query
    select o.book_id::text, o.chapter_id::text, r.missing_verses, r.missing
    from progress.missing_ranges(
        p_kind, p_version_id, v_chapter_ids, v_started_ids, p_stored
    ) as r
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by array_position(v_chapter_ids, r.chapter_id);
end
$$;

comment on function progress.next_gaps(text, uuid, integer, boolean, jsonb) is
'What a version lacks, exact in this snapshot, in the order in which to go on, one row a chapter
with its missing verses as people write them, at most p_chapters of them: chapters that are begun,
then what follows behind the last of them (behind the last chapter that has anything where none is
begun), then what was passed over; each in canon order. With p_stored, as last drained; with
p_visible, of the books in it.';
