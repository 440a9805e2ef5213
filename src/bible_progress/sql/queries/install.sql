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

-- name: lock
select pg_advisory_xact_lock(hashtextextended('bible-progress/install', 0));

-- name: set_lock_timeout
select set_config('lock_timeout', %(milliseconds)s::text, true);

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

-- name: record_migration
insert into progress.migration (name, checksum)
values (%(name)s, %(checksum)s);

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
