-- The inner limits bound the work under a long queue. Versions that back off are left out before
-- them, and those that failed take turns with the others, so that the signals of neither hide those
-- of the other: a caller with little time gets to a healthy version first, whatever fails.
create or replace function progress.due_versions(p_limit integer)
returns table (kind text, version_id uuid, oldest_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    -- Mostly none, and then half of the query need not run.
    v_failures boolean;
    v_passed bigint := progress.signals_passed();
begin
    perform progress.resolve_unsettled_changes();
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
            row_number() over (
                partition by oldest.has_failed order by min(oldest.rank), min(oldest.enqueued_at)
            ) as place
        from (
            select
                waiting.*,
                rank() over (order by waiting.xid) as rank
            from (
                (
                    select q.xid, q.kind, q.version_id, q.enqueued_at, false as has_failed
                    from progress.queued as q
                    where
                        (
                            pg_visible_in_snapshot(q.xid, (select pg_current_snapshot()))
                            or q.xid = pg_current_xact_id_if_assigned()
                        )
                        and (
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
                        )
                    order by q.xid, q.id
                    limit 20 * p_limit
                )
                union all
                select s.xid, f.kind, f.version_id, s.enqueued_at, true as has_failed
                from progress.failure as f
                cross join lateral (
                    select q.xid, q.enqueued_at
                    from progress.queued as q
                    where
                        q.kind = f.kind
                        and q.version_id = f.version_id
                        and (
                            pg_visible_in_snapshot(q.xid, (select pg_current_snapshot()))
                            or q.xid = pg_current_xact_id_if_assigned()
                        )
                    order by q.xid
                    limit 1
                ) as s
                where
                    v_failures
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
            ) as waiting
        ) as oldest
        group by oldest.kind, oldest.version_id, oldest.has_failed
    ) as turn
    order by turn.place, turn.has_failed
    limit p_limit;

    -- Mostly few were passed over, and the page of the index remembers that they are gone; not so
    -- while an old snapshot might still see them.
    if progress.signals_passed() - v_passed > 100 then
        perform progress.advance_watermark();
    end if;
end
$$;

comment on function progress.due_versions(integer) is
'Versions with signals that are not backing off, oldest signal first, those that failed before in
turn with the others; at most p_limit. Settles changes of structure first.';
