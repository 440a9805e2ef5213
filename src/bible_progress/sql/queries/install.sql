-- name: server
select
    current_setting('server_version_num')::integer as version_num,
    current_setting('server_version') as version,
    current_setting('server_encoding') as encoding,
    current_database() as database,
    current_user as role;

-- name: defer_function_bodies
-- Functions may name views that come after them.
select set_config('check_function_bodies', 'off', true);

-- name: search_path
show search_path;

-- name: pin_search_path
-- By its whole name, since nothing is pinned yet.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- name: set_search_path
select set_config('search_path', %(path)s, true);

-- name: relations
select
    n.nspname as schema_name,
    c.relname as name
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
inner join
    unnest(%(schemas)s::text[], %(names)s::text[]) as wanted (schema_name, name)
    on n.nspname = wanted.schema_name and c.relname = wanted.name
where c.relkind = %(kind)s;

-- name: routines
-- In one statement, since some are made of others.
select 'drop routine ' || string_agg(f.oid::text, ', ') as drop
from unnest(%(signatures)s::text[]) as s (signature)
cross join lateral to_regprocedure(s.signature) as f (oid)
where f.oid is not null
having count(*) > 0;

-- name: drop_stubs
-- What says of an earlier implementation that it was replaced (see queries/replace.sql).
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid
        from pg_catalog.pg_proc as p
        where
            p.pronamespace = 'public'::regnamespace
            and obj_description(p.oid, 'pg_proc') like 'Bible Progress: stands where %'
    loop
        execute format('drop routine %s', v_function);
    end loop;
end
$$;

-- name: is_installed
-- Asked of the catalog, which answers roles that may not use the schema too.
select
    count(*) > 0 as installed,
    coalesce(
        bool_and(
            has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT')
        ),
        false
    ) as is_readable
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where n.nspname = 'progress' and c.relname = 'settings';

-- name: exists
-- A relation, or a function named with ().
select
    exists (
        select
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where
            n.nspname || '.' || c.relname = %(relation)s
            and has_schema_privilege(n.oid, 'USAGE')
            and has_table_privilege(c.oid, 'SELECT')
    )
    or exists (
        select
        from pg_catalog.pg_proc as p
        inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
        where
            n.nspname || '.' || p.proname || '()' = %(relation)s
            and p.pronargs = 0
            and has_schema_privilege(n.oid, 'USAGE')
            and has_function_privilege(p.oid, 'EXECUTE')
    ) as is_there;

-- name: settings
select
    schema_version,
    package_version,
    environment,
    rollout_step,
    owns_host_tables,
    reader_roles,
    -- Not there before they came.
    to_jsonb(s) ->> 'numbers' as numbers,
    (to_jsonb(s) ->> 'suspended_at')::timestamptz as suspended_at
from progress.settings as s;

-- name: status_strategy
select progress.strategy() as strategy;

-- name: applied_migrations
select
    name,
    checksum
from progress.migration;

-- name: hold_drains
select set_config('lock_timeout', %(milliseconds)s, true);

do $bible_progress$
begin
    perform pg_advisory_xact_lock(hashtextextended('bible-progress/install', 0));
exception
    when lock_not_available then
        raise exception 'a drain or another install ran for %% s; nothing was changed', %(seconds)s
            using errcode = 'BP011', hint = %(hint)s;
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

-- name: leftovers
select found.oid
from (%(found)s) as found;

-- name: drop_leftovers
do $leftovers$
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
$leftovers$;

-- name: drop_replaced
do $replaced$
declare
    v_what text;
    v_statement text;
    v_message text;
    v_detail text;
begin
    for v_what, v_statement in
        select r.what, r.statement
        from
            unnest(%(what)s::text[], %(statements)s::text[])
            with ordinality as r (what, statement, place)
        order by r.place
    loop
        begin
            execute v_statement;
        exception
            when lock_not_available then
                raise;
            when others then
                get stacked diagnostics
                    v_message = message_text, v_detail = pg_exception_detail;
                raise exception '%% cannot be replaced: %%',
                    v_what, coalesce(nullif(v_detail, ''), v_message)
                    using errcode = 'BP011', hint = 'Nothing was changed.';
        end;
    end loop;
end
$replaced$;

-- name: take_over
-- In short attempts that give every lock back: a writer that waits for one of them while we wait
-- for another of its own must never be the one that the server aborts, which it would do after a
-- deadlock_timeout of a second.
do $bible_progress$
declare
    v_then constant text := $take_over$
%(then)s
$take_over$;
    v_until constant timestamptz := clock_timestamp() + %(milliseconds)s * interval '1 ms';
    v_names text;
    v_detail text;
begin
    loop
        begin
            perform set_config('lock_timeout', %(attempt)s, true);
            lock table %(host_tables)s in share row exclusive mode;
            select
                string_agg(
                    format('%%I.%%I', found.schema_name, found.name),
                    ', '
                    order by found.schema_name, found.name
                )
            into v_names
            from (%(tables)s) as found;
            if v_names is not null then
                execute format('lock table %%s in access exclusive mode', v_names);
            end if;
            execute v_then;
            exit;
        exception
            when lock_not_available then
                if clock_timestamp() > v_until then
                    raise exception
                        'other sessions kept the tables busy for %% s; nothing was changed',
                        %(seconds)s
                        using errcode = 'BP011', hint = %(hint)s;
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

-- name: save_settings
insert into progress.settings as s (
    schema_version,
    oldest_code,
    package_version,
    environment,
    rollout_step,
    owns_host_tables,
    reader_roles
)
values (
    %(schema_version)s,
    %(oldest_code)s,
    %(package_version)s,
    coalesce(%(environment)s::text, 'development'),
    %(rollout_step)s,
    %(owns_host_tables)s,
    coalesce(%(reader_roles)s::text[], '{}')
)
on conflict (only_row) do update
    set
        schema_version = excluded.schema_version,
        oldest_code = excluded.oldest_code,
        package_version = excluded.package_version,
        installed_at = now(),
        suspended_at = null,
        rollout_step = excluded.rollout_step,
        environment = coalesce(%(environment)s, s.environment),
        reader_roles = coalesce(%(reader_roles)s, s.reader_roles);

-- name: kept_out
-- Roles that could use what this role makes in schema public, or that an API serves it to.
select r.rolname::text as role
from pg_catalog.pg_roles as r
where r.rolname in ('anon', 'authenticated', 'service_role')
union
select coalesce(r.rolname::text, 'public') as role
from pg_catalog.pg_default_acl as d
cross join lateral aclexplode(d.defaclacl) as a
left join pg_catalog.pg_roles as r on a.grantee = r.oid
where
    d.defaclobjtype = 'r'
    and d.defaclnamespace in (0, 'public'::regnamespace)
    and d.defaclrole = (
        select me.oid
        from pg_catalog.pg_roles as me
        where me.rolname = current_user
    )
    and a.grantee <> d.defaclrole
order by role;

-- name: make_triggers
do $triggers$
declare
    v_watched record;
begin
    for v_watched in
        select w.table_name, w.changed, w.truncated
        from
            unnest(%(tables)s::text[], %(changed)s::text[], %(truncated)s::text[])
            as w (table_name, changed, truncated)
    loop
        execute format(
            'create or replace trigger progress_insert after insert on public.%%I '
            'referencing new table as new_rows '
            'for each statement execute function progress.%%s',
            v_watched.table_name, v_watched.changed
        );
        execute format(
            'create or replace trigger progress_update after update on public.%%I '
            'referencing old table as old_rows new table as new_rows '
            'for each statement execute function progress.%%s',
            v_watched.table_name, v_watched.changed
        );
        execute format(
            'create or replace trigger progress_delete after delete on public.%%I '
            'referencing old table as old_rows '
            'for each statement execute function progress.%%s',
            v_watched.table_name, v_watched.changed
        );
        execute format(
            'create or replace trigger progress_truncate after truncate on public.%%I '
            'for each statement execute function progress.%%s',
            v_watched.table_name, v_watched.truncated
        );
    end loop;
end
$triggers$;

-- name: signal_redefined
-- A changed definition is a change, or whatever has been stored by another one stays as it was.
select progress.signal_all(kind.name)
from progress.settings as s
cross join (values ('audio'), ('text')) as kind (name)
where s.rollout_step >= 4 and s.numbers is distinct from %(numbers)s;

-- name: lower_watermark
select progress.lower_watermark();

-- name: save_definitions
update progress.settings
set
    materialized = %(definitions)s::jsonb,
    numbers = %(numbers)s;

-- name: made_anew
-- Materialized views whose definition has changed since they were made.
select c.relname as name
from pg_catalog.pg_class as c
inner join jsonb_each_text(%(definitions)s::jsonb) as d (name, definition) on c.relname = d.name
where
    c.relnamespace = 'public'::regnamespace
    and c.relkind = 'm'
    and d.definition is distinct from (
        select to_jsonb(s) -> 'materialized' ->> d.name
        from progress.settings as s
    )
order by name;

-- name: missing_roles
select wanted.role
from unnest(%(roles)s::text[]) with ordinality as wanted (role, place)
where
    not exists (
        select
        from pg_catalog.pg_roles as r
        where r.rolname = wanted.role
    )
order by wanted.place;

-- name: may_create_roles
select r.rolsuper or r.rolcreaterole as is_allowed
from pg_catalog.pg_roles as r
where r.rolname = current_user;

-- name: create_roles
-- Another database of this server may be making them too.
do $$
declare
    v_role text;
begin
    foreach v_role in array array['progress_reader', 'progress_worker', 'progress_admin'] loop
        if not exists (select from pg_catalog.pg_roles as r where r.rolname = v_role) then
            begin
                execute format('create role %I nologin', v_role);
            exception
                when duplicate_object or unique_violation then
                    null;
            end;
        end if;
    end loop;
end
$$;

-- name: host_tables_present
select relname as table_name
from pg_catalog.pg_class
where
    relnamespace = 'public'::regnamespace
    and relname = any(%(tables)s);

-- name: reload_schema
notify pgrst, 'reload schema';

-- name: signal_everything
-- A first installation, or one whose triggers were off and may have missed changes.
do $bible_progress$
begin
    if current_setting('bible_progress.signals_everything')::boolean then
        execute %(signal_all)s;
    end if;
end
$bible_progress$;

-- name: fill_where_empty
-- Without a version there is no signal, and so no drain that would fill them; and where others were
-- before, readers shall not meet empty ones.
select progress.refresh_materialized_views(kind.name)
from (values ('audio'), ('text')) as kind (name)
where
    progress.strategy() = 'matview'
    and not progress.is_filled()
    and (
        (current_setting('bible_progress.before')::jsonb ->> 'made_anew')::boolean
        or not exists (select from progress.versions)
    );

-- name: rows_in_host_tables
select
    exists (select from public.users)
    or exists (select from public.bible_versions)
    or exists (select from public.language_entities)
    or exists (select from public.media_files)
    or exists (select from public.verse_texts) as has_rows;
