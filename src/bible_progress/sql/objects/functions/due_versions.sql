-- The inner limits bound the work under a long queue. Versions that back off are left out before
-- them, and those that failed take turns with the others, so that the signals of neither hide those
-- of the other: a caller with little time gets to a healthy version first, whatever fails.
create or replace function progress.due_versions(p_limit integer)
returns table (kind text, version_id uuid, oldest_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Mostly none, and then half of the query need not run.
    v_failures boolean;
begin
    perform progress.settle();
    perform progress.revive_dead_letters();
    v_failures := exists (select from progress.failure);

    return query
    select
        turn.kind,
        turn.version_id,
        turn.oldest_at
    from (
        select
            oldest.kind,
            oldest.version_id,
            oldest.has_failed,
            min(oldest.enqueued_at) as oldest_at,
            row_number() over (partition by oldest.has_failed order by min(oldest.id)) as place
        from (
            (
                select q.id, q.kind, q.version_id, q.enqueued_at, false as has_failed
                from public.progress_refresh_queue as q
                where
                    not v_failures
                    or not exists (
                        select
                        from progress.failure as f
                        where
                            f.kind = q.kind
                            and (
                                f.version_id = q.version_id
                                or (
                                    progress.strategy() <> 'incremental'
                                    and progress.is_resting(f.next_attempt_at)
                                )
                            )
                    )
                order by q.id
                limit 20 * p_limit
            )
            union all
            select s.id, f.kind, f.version_id, s.enqueued_at, true as has_failed
            from progress.failure as f
            cross join lateral (
                select min(q.id) as id, min(q.enqueued_at) as enqueued_at
                from public.progress_refresh_queue as q
                where q.kind = f.kind and q.version_id = f.version_id
            ) as s
            where
                v_failures
                and s.id is not null
                and not exists (
                    select
                    from progress.failure as resting
                    where
                        resting.kind = f.kind
                        and (
                            resting.version_id = f.version_id
                            or progress.strategy() <> 'incremental'
                        )
                        and progress.is_resting(resting.next_attempt_at)
                )
        ) as oldest
        group by oldest.kind, oldest.version_id, oldest.has_failed
    ) as turn
    order by turn.place, turn.has_failed
    limit p_limit;
end
$$;

comment on function progress.due_versions(integer) is
'Versions with signals that are not backing off, oldest signal first, those that failed before in
turn with the others; at most p_limit. Settles changes of structure first.';
