-- name: in_one_transaction
-- What follows belongs together: a file that is run statement by statement, as psql does without
-- --single-transaction, could end half done. Ending the session is what stops such a program.
-- By whole names, since there may be no transaction that holds the pinned path.
select
    pg_catalog.set_config(
        'bible_progress.transaction', pg_catalog.pg_current_xact_id()::pg_catalog.text, true
    );

do $bible_progress$
begin
    if
        coalesce(pg_catalog.current_setting('bible_progress.transaction', true), '')
        operator(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.text
    then
        raise warning
            'this file must be applied in one transaction, as supabase db push does; '
            'with psql, give --single-transaction. Nothing was changed.';
        perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
    end if;
end
$bible_progress$;

-- name: rely_on
-- Whatever database and role say, until the end of this transaction.
select set_config(s.name, '0', true)
from pg_catalog.pg_settings as s
where s.name = 'transaction_timeout';

-- name: keep_search_path
-- Objects of others stay out of this, and out of what it makes. By whole names: nothing is pinned
-- yet.
select
    pg_catalog.set_config(
        'bible_progress.search_path', pg_catalog.current_setting('search_path'), true
    );

-- name: restore_search_path
select set_config('search_path', current_setting('bible_progress.search_path'), true);

-- name: hold_drains
select set_config('lock_timeout', %(milliseconds)s, true);

do $bible_progress$
begin
    execute %(lock)s;
exception
    when lock_not_available then
        raise exception 'a drain or another install ran for %% s; nothing was changed', %(seconds)s
            using errcode = 'BP011', hint = 'Try again at a quieter moment.';
end
$bible_progress$;

select set_config('lock_timeout', '0', true);

-- name: look
-- Looked at before anything is changed; kept until the end of this transaction.
select
    set_config(
        'bible_progress.installed', (to_regclass('progress.settings') is not null)::text, true
    ),
    set_config(
        'bible_progress.creates_host_tables',
        ((select count(present.table_name) from (%(host_tables_present)s) as present) = 0)::text,
        true
    ),
    set_config(
        'bible_progress.signals_everything',
        (
            to_regclass('progress.settings') is null
            or (select count(found.finding) from (%(missing_triggers)s) as found) > 0
        )::text,
        true
    );

-- name: refuse
do $bible_progress$
declare
    v_found text;
begin
    if %(condition)s then
        select string_agg(found.what, %(separator)s)
        into v_found
        from (%(query)s) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format(%(message)s, v_found), hint = %(hint)s;
        end if;
    end if;
end
$bible_progress$;

-- name: other_step
select
    coalesce(
        (array['views', null, null, 'matview', 'incremental'])[s.rollout_step],
        'half way, on step ' || s.rollout_step
    )
from progress.settings as s
where s.rollout_step <> %(step)s;

-- name: edited_migrations
select applied.name
from progress.migration as applied
inner join
    unnest(%(names)s::text[], %(checksums)s::text[]) as ours (name, checksum)
    on applied.name = ours.name
where applied.checksum <> ours.checksum
order by applied.name;

-- name: missing_migrations
select earlier.name
from unnest(%(names)s::text[]) as earlier (name)
where
    not exists (
        select
        from progress.migration as applied
        where applied.name = earlier.name
    )
order by earlier.name;

-- name: leftovers
select found.oid
from (%(found)s) as found;

-- name: drop_leftovers
do $bible_progress$
declare
    v_statement text;
begin
    for v_statement in
        select found.statement
        from (%(leftovers)s) as found
        order by found.place
    loop
        execute v_statement;
    end loop;
end
$bible_progress$;

-- name: create_host_tables
do $bible_progress$
begin
    if current_setting('bible_progress.creates_host_tables')::boolean then
        execute $host_tables$
%(host_tables)s
$host_tables$;
    end if;
end
$bible_progress$;

-- name: take_over
-- In short attempts that give every lock back: a writer that waits for one of them while we wait
-- for another of its own must never be the one that the server aborts.
do $bible_progress$
declare
    v_let_go constant text := $take_over$
%(let_go)s
$take_over$;
    v_until constant timestamptz := clock_timestamp() + %(milliseconds)s * interval '1 ms';
    v_names text;
    v_detail text;
begin
    loop
        begin
            perform set_config('lock_timeout', %(attempt)s, true);
            lock table %(host_tables)s in share row exclusive mode;
            select string_agg(format('%%I.%%I', found.schema_name, found.name), ', ')
            into v_names
            from (%(tables)s) as found;
            if v_names is not null then
                execute format('lock table %%s in access exclusive mode', v_names);
            end if;
            execute v_let_go;
            exit;
        exception
            when lock_not_available then
                if clock_timestamp() > v_until then
                    raise exception
                        'other sessions kept the tables busy for %% s; nothing was changed',
                        %(seconds)s
                        using errcode = 'BP011', hint = 'Try again at a quieter moment.';
                end if;
                perform pg_sleep(0.1);
            when dependent_objects_still_exist then
                get stacked diagnostics v_detail = pg_exception_detail;
                raise exception 'objects of this database depend on Bible Progress: %%',
                    replace(v_detail, E'\n', '; ')
                    using
                        errcode = 'BP011',
                        hint = 'Drop them first and recreate them afterwards; nothing was changed.';
        end;
    end loop;
    -- Nothing below should wait; if it does, then not for ever.
    perform set_config('lock_timeout', (%(milliseconds)s)::text, true);
end
$bible_progress$;

-- name: migrate
do $bible_progress$
declare
    v_applied boolean := false;
begin
    if to_regclass('progress.migration') is not null then
        select exists (select from progress.migration as m where m.name = %(name)s)
        into v_applied;
    end if;
    if not v_applied then
        execute $migration$
%(migration)s
$migration$;
        insert into progress.migration (name, checksum)
        values (%(name)s, %(checksum)s);
    end if;
end
$bible_progress$;

-- name: signal_everything
-- A first installation, or one whose triggers were off and may have missed changes.
do $bible_progress$
begin
    if current_setting('bible_progress.signals_everything')::boolean then
        execute %(signal_all)s;
    end if;
end
$bible_progress$;
