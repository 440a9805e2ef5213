create or replace function progress.dead_letters(
    p_limit integer default null, p_after json default null
)
returns table (
    id uuid,
    kind text,
    version_id uuid,
    chapter_id text,
    enqueued_at timestamptz,
    died_at timestamptz,
    attempts integer,
    last_error text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        d.id,
        d.kind,
        d.version_id,
        d.chapter_id,
        d.enqueued_at,
        d.died_at,
        d.attempts,
        d.last_error
    from public.progress_refresh_dead_letter as d
    where
        p_after is null
        or (d.died_at, d.id) > ((p_after ->> 0)::timestamptz, (p_after ->> 1)::uuid)
    order by d.died_at, d.id
    limit p_limit;
end
$$;

comment on function progress.dead_letters(integer, json) is
'At most p_limit dead letters, the oldest first, NULL for all of them: those behind p_after, which
is when the last one before them died and its id.';
