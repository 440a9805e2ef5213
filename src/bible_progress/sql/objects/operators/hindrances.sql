-- Whether pg_cron lives in another database, and what it runs there, cannot be seen from here.
create or replace function progress.hindrances()
returns table (
    cause text,
    pid integer,
    database text,
    username text,
    application text,
    state text,
    seconds double precision,
    finding text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_age integer;
    v_cron text;
    v_jobs bigint;
    v_loaded text;
begin
    if exists (select from progress.unsettled_change) then
        -- A transaction holds them back if its number is lower than theirs, in whatever database.
        v_age := coalesce(
            (
                select min(age(u.settles_at::xid))
                from progress.unsettled_change as u
            ),
            0
        );
        return query
        select
            h.cause,
            h.pid,
            h.database,
            h.username,
            h.application,
            h.state,
            h.seconds,
            format(
                '%s in database %s, of %s (%s), %s, open for %s',
                coalesce('process ' || h.pid, 'prepared transaction ' || h.application),
                h.database,
                h.username,
                coalesce(nullif(h.application, ''), 'unnamed'),
                h.state,
                make_interval(secs => round(h.seconds))
            )
        from (
            select
                'transaction' as cause,
                a.pid,
                a.datname::text as database,
                a.usename::text as username,
                a.application_name as application,
                coalesce(a.state, a.backend_type) as state,
                extract(
                    epoch from greatest(clock_timestamp() - a.xact_start, '0')
                )::double precision as seconds
            from pg_stat_activity as a
            where
                a.backend_xid is not null
                and a.pid <> pg_backend_pid()
                and age(a.backend_xid) >= v_age
            union all
            select
                'prepared transaction',
                null,
                p.database::text,
                p.owner::text,
                p.gid,
                'prepared',
                extract(epoch from greatest(clock_timestamp() - p.prepared, '0'))::double precision
            from pg_prepared_xacts as p
            where age(p.transaction) >= v_age
        ) as h
        order by h.seconds desc
        limit 20;

        if not pg_has_role(current_user, 'pg_read_all_stats', 'usage') then
            return query
            select
                'hidden',
                null::integer,
                null::text,
                null::text,
                null::text,
                null::text,
                null::double precision,
                format(
                    '%s of other roles, which role %s cannot see into: grant'
                    ' pg_read_all_stats to it',
                    case count(*) when 1 then '1 session' else count(*) || ' sessions' end,
                    current_user
                )
            from pg_stat_activity as a
            -- Processes of the server itself are in no database, and hold no change back.
            where a.query = '<insufficient privilege>' and a.datid is not null
            having count(*) > 0;
        end if;
    end if;

    select s.cron_database into v_cron from progress.settings as s;
    if v_cron is null then
        return;
    end if;
    cause := 'pg_cron';
    database := v_cron;
    if not exists (select from pg_database as d where d.datname = v_cron) then
        finding := format('there is no database %s, whose pg_cron should drain', v_cron);
        return next;
    elsif v_cron = current_database() then
        if not exists (select from pg_extension as e where e.extname = 'pg_cron') then
            finding := format('there is no pg_cron in database %s, where it should drain', v_cron);
            return next;
        elsif has_schema_privilege('cron', 'usage') then
            execute format(
                'select count(*) from %I.job as j where j.active and j.jobname = $1', 'cron'
            ) into v_jobs using (select j.name from progress.cron_jobs() as j limit 1);
            if v_jobs = 0 then
                finding := format('pg_cron in database %s has no job that drains', v_cron);
                return next;
            end if;
        end if;
    else
        begin
            v_loaded := current_setting('cron.database_name', true);
        exception
            -- Some roles may not read where it is.
            when insufficient_privilege then
                return;
        end;
        if v_loaded is distinct from v_cron then
            finding := format('this server has no pg_cron in database %s, where it should drain', v_cron);
            return next;
        end if;
    end if;
end
$$;

comment on function progress.hindrances() is
'What keeps changes from being settled or drained: transactions of any database that were open when
the structure changed, what of that the owner may not see, and a pg_cron that is not where it was
scheduled. One row each, with a sentence in finding; no row is good.';
