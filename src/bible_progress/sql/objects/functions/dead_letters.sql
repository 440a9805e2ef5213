create or replace function progress.dead_letters()
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
    order by d.died_at, d.kind, d.version_id, d.chapter_id;
end
$$;

comment on function progress.dead_letters() is
'Every dead letter, the oldest first.';
