-- Full jitter: versions that failed together must not all come back together.
create or replace function progress.record_failure(
    p_kind text, p_version_id uuid, p_error text
)
returns text
language plpgsql
set search_path = ''
as $$
declare
    v_attempts integer;
    v_max_attempts integer;
begin
    insert into progress.failure as f (kind, version_id, attempts, next_attempt_at, last_error)
    values (p_kind, p_version_id, 1, clock_timestamp(), p_error)
    on conflict (kind, version_id) do update
    set
        attempts = f.attempts + 1,
        last_error = excluded.last_error,
        failed_at = clock_timestamp()
    returning f.attempts into v_attempts;

    update progress.failure as f
    set
        next_attempt_at = clock_timestamp() + random() * least(
            s.backoff_cap, s.backoff_base * (2 ^ least(v_attempts, 30))
        )
    from progress.settings as s
    where f.kind = p_kind and f.version_id = p_version_id;

    v_max_attempts := (select s.max_attempts from progress.settings as s);
    if v_attempts < v_max_attempts then
        return 'failed';
    end if;

    with moved as (
        delete from public.progress_refresh_queue as q
        where q.kind = p_kind and q.version_id = p_version_id
        returning q.chapter_id, q.enqueued_at
    )

    insert into public.progress_refresh_dead_letter as d (
        kind, version_id, chapter_id, enqueued_at, attempts, last_error
    )
    select p_kind, p_version_id, m.chapter_id, min(m.enqueued_at), v_attempts, p_error
    from moved as m
    group by m.chapter_id
    on conflict (kind, version_id, chapter_id) do update
    set
        attempts = excluded.attempts,
        last_error = excluded.last_error,
        died_at = clock_timestamp();

    delete from progress.failure as f
    where f.kind = p_kind and f.version_id = p_version_id;
    return 'dead';
end
$$;

comment on function progress.record_failure(text, uuid, text) is
'Note that a drain of this version failed: its signals stay, the next attempt is put off, and after
settings.max_attempts the signals move to the dead letters. Returns failed or dead. The caller holds
the version''s lock.';
