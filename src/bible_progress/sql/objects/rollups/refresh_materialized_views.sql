-- Levels are listed from the verse up, so each is computed from the one refreshed before it.
-- A concurrent refresh of PostgreSQL itself fails where all identifiers are quoted; and a plan for
-- any kind would open what is stored of the other one, which may not be filled yet.
create or replace function progress.refresh_materialized_views(p_kind text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set quote_all_identifiers = off
set plan_cache_mode = force_custom_plan
as $$
declare
    v_relation record;
    v_versions boolean := false;
    v_changed integer := 0;
begin
    for v_relation in
        select c.oid::regclass::text as name, c.relispopulated, l.level
        from progress.levels as l
        inner join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
        where l.kind = p_kind and c.relkind = 'm'
        order by l.position
    loop
        execute format(
            'refresh materialized view %s %s',
            case when v_relation.relispopulated then 'concurrently' else '' end,
            v_relation.name
        );
        v_versions := v_versions or v_relation.level = 'version';
    end loop;

    if v_versions then
        -- Days that are yet to come are from before the clock went back.
        delete from progress.version_history as h
        where h.kind = p_kind and h.day > (clock_timestamp() at time zone 'UTC')::date;

        insert into progress.version_history as h (
            kind,
            version_id,
            day,
            covered_verses,
            total_verses,
            chapters_with_any,
            complete_chapters,
            total_chapters,
            books_complete,
            total_books
        )
        select
            s.kind,
            s.version_id,
            (clock_timestamp() at time zone 'UTC')::date,
            s.covered_verses,
            s.total_verses,
            s.chapters_with_any,
            s.complete_chapters,
            s.total_chapters,
            s.books_complete,
            s.total_books
        from progress.stored_versions as s
        left join lateral (
            select p.*
            from progress.version_history as p
            where p.kind = s.kind and p.version_id = s.version_id
            order by p.day desc
            limit 1
        ) as past on true
        where
            s.kind = p_kind
            and (
                s.covered_verses,
                s.total_verses,
                s.chapters_with_any,
                s.complete_chapters,
                s.total_chapters,
                s.books_complete,
                s.total_books
            ) is distinct from (
                past.covered_verses,
                past.total_verses,
                past.chapters_with_any,
                past.complete_chapters,
                past.total_chapters,
                past.books_complete,
                past.total_books
            )
        on conflict (kind, version_id, day) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters,
            books_complete = excluded.books_complete,
            total_books = excluded.total_books;
        get diagnostics v_changed = row_count;
    end if;
    return v_changed;
end
$$;

comment on function progress.refresh_materialized_views(text) is
'Refresh the materialized views that there are of a kind, concurrently where they are filled, and
note the day''s state of versions that changed. Returns how many did. Only the drain calls it, under
the kind''s lock.';
