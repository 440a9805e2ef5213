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
select set_config('search_path', 'pg_catalog, pg_temp', true);

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

-- name: drop_relationships
-- Those that the version which is installed has made.
do $$
declare
    v_function regprocedure;
begin
    if to_regclass('progress.relationships') is null then
        return;
    end if;
    for v_function in
        select f.oid
        from progress.relationships as r
        cross join
            lateral to_regprocedure(
                format('public.%I(public.%I)', r.target, r.source)
            ) as f (oid)
        where f.oid is not null
    loop
        execute format('drop function %s', v_function);
    end loop;
end
$$;

-- name: lock
select pg_advisory_xact_lock(hashtextextended('bible-progress/install', 0));

-- name: set_lock_timeout
select set_config('lock_timeout', %(milliseconds)s::text, true);

-- name: is_installed
select to_regclass('progress.settings') is not null as installed;

-- name: settings
select
    schema_version,
    package_version,
    environment,
    rollout_step,
    owns_host_tables
from progress.settings;

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
        rollout_step = excluded.rollout_step,
        environment = coalesce(%(environment)s, s.environment),
        reader_roles = coalesce(%(reader_roles)s, s.reader_roles);

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

-- name: host_problems
with needed (table_name, column_name, type_class) as (
    values
    ('users', 'id', 'uuid'),
    ('bible_versions', 'id', 'text'),
    ('bible_versions', 'name', 'text'),
    ('books', 'id', 'text'),
    ('books', 'name', 'text'),
    ('books', 'book_number', 'integer'),
    ('books', 'bible_version_id', 'text'),
    ('books', 'testament', 'text or enum'),
    ('chapters', 'id', 'text'),
    ('chapters', 'chapter_number', 'integer'),
    ('chapters', 'book_id', 'text'),
    ('chapters', 'total_verses', 'integer'),
    ('verses', 'id', 'text'),
    ('verses', 'verse_number', 'integer'),
    ('verses', 'chapter_id', 'text'),
    ('language_entities', 'id', 'uuid'),
    ('language_entities', 'name', 'text'),
    ('language_entities', 'level', 'text or enum'),
    ('language_entities', 'parent_id', 'uuid'),
    ('language_entities', 'deleted_at', 'timestamptz'),
    ('audio_versions', 'id', 'uuid'),
    ('audio_versions', 'language_entity_id', 'uuid'),
    ('audio_versions', 'bible_version_id', 'text'),
    ('audio_versions', 'name', 'text'),
    ('audio_versions', 'created_at', 'timestamptz'),
    ('audio_versions', 'created_by', 'uuid'),
    ('audio_versions', 'deleted_at', 'timestamptz'),
    ('text_versions', 'id', 'uuid'),
    ('text_versions', 'language_entity_id', 'uuid'),
    ('text_versions', 'bible_version_id', 'text'),
    ('text_versions', 'name', 'text'),
    ('text_versions', 'created_at', 'timestamptz'),
    ('text_versions', 'created_by', 'uuid'),
    ('text_versions', 'deleted_at', 'timestamptz'),
    ('media_files', 'id', 'uuid'),
    ('media_files', 'language_entity_id', 'uuid'),
    ('media_files', 'audio_version_id', 'uuid'),
    ('media_files', 'chapter_id', 'text'),
    ('media_files', 'start_verse_id', 'text'),
    ('media_files', 'end_verse_id', 'text'),
    ('media_files', 'media_type', 'text or enum'),
    ('media_files', 'is_bible_audio', 'boolean'),
    ('media_files', 'upload_status', 'text or enum'),
    ('media_files', 'publish_status', 'text or enum'),
    ('media_files', 'check_status', 'text or enum'),
    ('media_files', 'duration_seconds', 'number'),
    ('media_files', 'original_filename', 'text'),
    ('media_files', 'created_by', 'uuid'),
    ('media_files', 'deleted_at', 'timestamptz'),
    ('media_files_verses', 'id', 'uuid'),
    ('media_files_verses', 'media_file_id', 'uuid'),
    ('media_files_verses', 'verse_id', 'text'),
    ('media_files_verses', 'start_time_seconds', 'number'),
    ('media_files_verses', 'duration_seconds', 'number'),
    ('media_files_verses', 'created_by', 'uuid'),
    ('media_files_verses', 'deleted_at', 'timestamptz'),
    ('verse_texts', 'id', 'uuid'),
    ('verse_texts', 'text_version_id', 'uuid'),
    ('verse_texts', 'verse_id', 'text'),
    ('verse_texts', 'verse_text', 'text'),
    ('verse_texts', 'publish_status', 'text or enum'),
    ('verse_texts', 'created_by', 'uuid'),
    ('verse_texts', 'deleted_at', 'timestamptz')
),

present as (
    select
        c.oid as table_oid,
        c.relname as table_name,
        c.relkind as table_kind,
        a.attname as column_name,
        case
            when t.typtype = 'e' then 'enum'
            when t.typname in ('text', 'varchar', 'bpchar') then 'text'
            when t.typname in ('int2', 'int4', 'int8') then 'integer'
            when t.typname in ('numeric', 'float4', 'float8') then 'fraction'
            when t.typname = 'bool' then 'boolean'
            else t.typname
        end as type_class,
        format_type(a.atttypid, a.atttypmod) as type_name
    from pg_catalog.pg_class as c
    left join pg_catalog.pg_attribute as a
        on
            c.oid = a.attrelid
            and a.attnum > 0
            and not a.attisdropped
    left join pg_catalog.pg_type as t on a.atttypid = t.oid
    where c.relnamespace = 'public'::regnamespace
),

tables as (
    select
        n.table_name,
        (array_agg(p.table_oid))[1] as table_oid,
        (array_agg(p.table_kind))[1] as table_kind
    from needed as n
    left join present as p on n.table_name = p.table_name
    group by n.table_name
)

select 'table public.' || t.table_name || ' is missing' as problem
from tables as t
where t.table_kind is null
union all
-- Triggers of a partitioned table do not see writes to a partition by its own name.
select
    'public.' || t.table_name
    || case t.table_kind when 'p' then ' is partitioned' else ' is not a table' end as problem
from tables as t
where t.table_kind <> 'r'
union all
-- Nor those of a parent what is written to a child, nor those of a child what is written through
-- its parent.
select
    'public.' || t.table_name || ' and ' || array_to_string(
        array_agg(
            case when i.inhparent = t.table_oid then i.inhrelid else i.inhparent end::regclass
        ),
        ', '
    ) || ' inherit from each other' as problem
from tables as t
inner join pg_catalog.pg_inherits as i on t.table_oid in (i.inhparent, i.inhrelid)
where t.table_kind = 'r'
group by t.table_name
union all
select 'column public.' || n.table_name || '.' || n.column_name || ' is missing' as problem
from needed as n
inner join tables as t
    on
        n.table_name = t.table_name
        and t.table_kind is not null
where
    not exists (
        select
        from present as p
        where p.table_name = n.table_name and p.column_name = n.column_name
    )
union all
select
    'column public.' || n.table_name || '.' || n.column_name || ' is ' || p.type_name
    || ', not ' || n.type_class as problem
from needed as n
inner join present as p
    on
        n.table_name = p.table_name
        and n.column_name = p.column_name
where
    p.type_class <> n.type_class
    and not (n.type_class = 'text or enum' and p.type_class in ('text', 'enum'))
    and not (n.type_class = 'number' and p.type_class in ('integer', 'fraction'))
order by problem;

-- name: host_uniqueness_problems
-- One text a verse and version, one timing a verse and file; partial indexes may leave out the
-- deleted rows only.
select
    'public.' || n.table_name || ' has no unique index on (' || n.one || ', ' || n.two
    || ')' as problem
from (
    values
    ('verse_texts', 'text_version_id', 'verse_id'),
    ('media_files_verses', 'media_file_id', 'verse_id')
) as n (table_name, one, two)
where
    not exists (
        select
        from pg_catalog.pg_index as i
        where
            i.indrelid = ('public.' || n.table_name)::regclass
            and i.indisunique
            and i.indisvalid
            and i.indexprs is null
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(deleted_at IS NULL)')
            and (
                select array_agg(a.attname::text order by a.attname::text)
                from pg_catalog.pg_attribute as a
                where
                    a.attrelid = i.indrelid
                    and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])
            ) = (
                select array_agg(k.col order by k.col)
                from unnest(array[n.one, n.two]) as k (col)
            )
    )
order by problem;

-- name: host_row_security
-- A role that row security filters would write signals for what it sees only.
select c.relname as table_name
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and row_security_active(c.oid)
order by table_name;

-- name: advised_indexes
select
    advice.name,
    advice.statement
from (
    values
    ('books', 'bible_version_id', null),
    ('chapters', 'book_id', null),
    ('verses', 'chapter_id', 'verse_number'),
    ('audio_versions', 'language_entity_id', null),
    ('audio_versions', 'bible_version_id', null),
    ('text_versions', 'language_entity_id', null),
    ('text_versions', 'bible_version_id', null),
    ('media_files', 'audio_version_id', 'chapter_id'),
    ('media_files', 'audio_version_id', 'start_verse_id'),
    ('media_files_verses', 'media_file_id', null),
    ('media_files_verses', 'verse_id', null),
    ('verse_texts', 'text_version_id', 'verse_id')
) as n (table_name, one, two)
cross join
    lateral (
        select
            'progress_' || concat_ws('_', n.table_name, n.one, n.two) || '_idx' as name,
            'create index concurrently progress_' || concat_ws('_', n.table_name, n.one, n.two)
            || '_idx on public.' || n.table_name
            || ' (' || concat_ws(', ', n.one, n.two) || ');' as statement
    ) as advice
where
    not exists (
        select
        from pg_catalog.pg_index as i
        where
            i.indrelid = ('public.' || n.table_name)::regclass
            and i.indisvalid
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(deleted_at IS NULL)')
            and (
                select a.attname
                from pg_catalog.pg_attribute as a
                where a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            ) = n.one
            and (
                n.two is null
                or (
                    select a.attname
                    from pg_catalog.pg_attribute as a
                    where a.attrelid = i.indrelid and a.attnum = i.indkey[1]
                ) = n.two
            )
    )
order by statement;

-- name: contract_strangers
-- What stands where our relations go: anything at all before a first install, afterwards whatever
-- is of another kind than what we made.
select
    case c.relkind
        when 'r' then 'table'
        when 'p' then 'table'
        when 'm' then 'materialized view'
        when 'v' then 'view'
        when 'f' then 'foreign table'
        when 'S' then 'sequence'
        when 'i' then 'index'
        else 'relation'
    end || ' public.' || c.relname as stranger
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and (
        (
            c.relname = any(%(views)s)
            and (
                not %(installed)s
                or c.relkind <> case when c.relname = any(%(materialized)s) then 'm' else 'v' end
            )
        )
        or (
            c.relname = any(%(tables)s)
            and (not %(installed)s or c.relkind <> 'r')
        )
    )
union all
select 'function ' || p.oid::regprocedure::text as stranger
from pg_catalog.pg_proc as p
where
    not %(installed)s
    and p.pronamespace = 'public'::regnamespace
    and (
        p.proname = any(%(functions)s)
        -- Where a relationship goes (see relationships.sql).
        or (
            p.pronargs = 1
            and p.proname = any(%(views)s)
            and exists (
                select
                from pg_catalog.pg_class as s
                where
                    s.reltype = p.proargtypes[0]
                    and s.relnamespace = 'public'::regnamespace
                    and s.relname = any(%(owning)s)
            )
        )
    )
union all
select 'schema progress, with objects that Bible Progress did not make' as stranger
from pg_catalog.pg_namespace as n
where
    n.nspname = 'progress'
    and not %(installed)s
    and exists (
        select
        from pg_catalog.pg_depend as d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    )
order by stranger;

-- name: reload_schema
notify pgrst, 'reload schema';

-- name: working_triggers
select count(*) as working
from pg_catalog.pg_trigger as t
where
    t.tgname in ('progress_insert', 'progress_update', 'progress_delete', 'progress_truncate')
    and t.tgenabled in ('O', 'A');

-- name: owner
select
    n.nspowner::regrole::text as name,
    n.nspowner = (
        select r.oid
        from pg_catalog.pg_roles as r
        where r.rolname = current_user
    ) as is_mine
from pg_catalog.pg_namespace as n
where n.nspname = 'progress';

-- name: fill_where_empty
-- Without a version there is no signal, and so no drain that would fill them.
select progress.refresh_materialized_views(kind.name)
from (values ('audio'), ('text')) as kind (name)
where
    progress.strategy() = 'matview'
    and not progress.is_filled()
    and not exists (select from progress.versions);

-- name: rows_in_host_tables
select
    exists (select from public.users)
    or exists (select from public.bible_versions)
    or exists (select from public.language_entities)
    or exists (select from public.media_files)
    or exists (select from public.verse_texts) as has_rows;
