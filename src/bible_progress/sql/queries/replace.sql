-- name: dependents
-- What depends on the objects that go and does not go itself. Views of the host can be carried
-- over; their columns say whether ours have what they read.
with
gone as (
    select
        'pg_class'::regclass as class_id,
        r.oid as object_id
    from unnest(%(relations)s::oid[]) as r (oid)
    union all
    -- The types of their rows, and of arrays of them.
    select
        'pg_type'::regclass as class_id,
        type.oid as object_id
    from pg_catalog.pg_type as t
    inner join pg_catalog.pg_class as c on t.typrelid = c.oid
    cross join lateral unnest(array[t.oid, t.typarray]) as type (oid)
    where c.oid = any(%(relations)s::oid[])
    union all
    select
        'pg_proc'::regclass as class_id,
        p.oid as object_id
    from unnest(%(functions)s::oid[]) as p (oid)
    union all
    select
        'pg_trigger'::regclass as class_id,
        t.oid as object_id
    from unnest(%(triggers)s::oid[]) as t (oid)
),

uses as (
    select
        d.classid as class_id,
        d.objid as object_id,
        d.objsubid as object_part,
        r.ev_class as view_id,
        c.relkind,
        c.relname as view_name,
        n.nspname as schema_name,
        d.refobjid as used_id,
        nullif(d.refobjsubid, 0) as used_column,
        d.refclassid
    from gone as g
    inner join pg_catalog.pg_depend as d
        on g.class_id = d.refclassid and g.object_id = d.refobjid
    left join pg_catalog.pg_rewrite as r
        on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass and r.rulename = '_RETURN'
    left join pg_catalog.pg_class as c on r.ev_class = c.oid
    left join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where
        -- Views of the earlier implementation on its own views, its indexes, keys and sequences.
        not exists (
            select
            from gone as own
            where
                (own.class_id, own.object_id) in (
                    (d.classid, d.objid), ('pg_class'::regclass, r.ev_class)
                )
        )
        and (
            d.deptype = 'n'
            -- Triggers of the host on it, and its own rules, would vanish without a word.
            or d.classid = 'pg_trigger'::regclass
            or (d.classid = 'pg_rewrite'::regclass and r.oid is null)
        )
        and not exists (
            select
            from pg_catalog.pg_trigger as t
            where d.classid = 'pg_trigger'::regclass and t.oid = d.objid and t.tgisinternal
        )
        -- A foreign key of its own on what is its own.
        and not exists (
            select
            from pg_catalog.pg_constraint as k
            where
                d.classid = 'pg_constraint'::regclass
                and k.oid = d.objid
                and k.conrelid = any(%(relations)s::oid[])
        )
        -- The type and default of its own columns.
        and not (
            d.classid = any(array['pg_class'::regclass, 'pg_attrdef'::regclass])
            and exists (
                select
                from pg_catalog.pg_depend as o
                where
                    o.classid = d.classid
                    and o.objid = d.objid
                    and o.refclassid = 'pg_class'::regclass
                    and o.refobjid = any(%(relations)s::oid[])
                    and o.deptype in ('a', 'i')
            )
        )
)

select
    case
        when u.relkind = 'v' then 'view ' || u.schema_name || '.' || u.view_name
        when u.relkind = 'm' then 'materialized view ' || u.schema_name || '.' || u.view_name
        else pg_describe_object(u.class_id, u.object_id, u.object_part)
    end as dependent,
    coalesce(u.relkind = 'v' and bool_and(u.refclassid = 'pg_class'::regclass), false) as is_view,
    u.view_id,
    coalesce(
        array_agg(
            distinct used.relname || '.' || a.attname order by used.relname || '.' || a.attname
        ) filter (
            where
            a.attname is not null
            and not exists (
                select
                from
                    jsonb_array_elements_text(
                        %(contract)s::jsonb -> used.relname::text
                    ) as c (name)
                where c.name = a.attname
            )
        ),
        '{}'
    ) as missing_columns
from uses as u
left join pg_catalog.pg_class as used
    on u.used_id = used.oid and u.refclassid = 'pg_class'::regclass
left join pg_catalog.pg_attribute as a on used.oid = a.attrelid and u.used_column = a.attnum
group by
    u.class_id,
    u.object_id,
    u.object_part,
    u.relkind,
    u.schema_name,
    u.view_name,
    u.view_id
order by dependent;

-- name: carried_views
-- Each view of the host as statements: one that lets go of what it reads and keeps the view, with
-- its owner, grants, comments, triggers and whatever is made of it; one that makes it what it was;
-- and one that also gives its columns the types that they had.
select
    v.oid,
    n.nspname || '.' || v.relname as name,
    format(
        'create or replace view %%I.%%I as select %%s',
        n.nspname,
        v.relname,
        shown.no_values
    ) as let_go,
    format(
        'create or replace view %%I.%%I%%s as %%s',
        n.nspname,
        v.relname,
        options.text,
        definition.text
    ) as make_again,
    format(
        'create or replace view %%I.%%I%%s as select %%s from (%%s) as q',
        n.nspname,
        v.relname,
        options.text,
        shown.cast_again,
        definition.text
    ) as make_with_casts,
    o.rolname as owner,
    pg_has_role(v.relowner, 'USAGE') as is_mine,
    'security_invoker=true' = any(coalesce(v.reloptions, '{}'))
    or 'security_invoker=on' = any(coalesce(v.reloptions, '{}'))
    or o.rolsuper
    or pg_has_role(v.relowner, current_user::regrole, 'USAGE')
    or o.rolname = any(%(readers)s)
    or o.rolname in ('anon', 'authenticated', 'service_role') as owner_may_read
from pg_catalog.pg_class as v
inner join pg_catalog.pg_namespace as n on v.relnamespace = n.oid
inner join pg_catalog.pg_roles as o on v.relowner = o.oid
cross join
    lateral (
        select
            string_agg(
                'null::' || format_type(a.atttypid, a.atttypmod) || coalesce(
                    ' collate ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname), ''
                ) || ' as ' || quote_ident(a.attname),
                ', '
                order by a.attnum
            ) as no_values,
            string_agg(
                'q.' || quote_ident(a.attname) || '::' || format_type(a.atttypid, a.atttypmod)
                || coalesce(
                    ' collate ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname), ''
                ) || ' as ' || quote_ident(a.attname),
                ', '
                order by a.attnum
            ) as cast_again
        from pg_catalog.pg_attribute as a
        left join pg_catalog.pg_collation as co on a.attcollation = co.oid
        left join pg_catalog.pg_namespace as cn on co.collnamespace = cn.oid
        where a.attrelid = v.oid and a.attnum > 0 and not a.attisdropped
    ) as shown
cross join
    lateral (
        select coalesce(
            ' with (' || (
                select
                    string_agg(
                        quote_ident(opt.option_name) || ' = ' || quote_literal(opt.option_value),
                        ', '
                    )
                from pg_options_to_table(v.reloptions) as opt
            ) || ')',
            ''
        ) as text
    ) as options
cross join
    lateral (
        select rtrim(pg_get_viewdef(v.oid), ';') as text
    ) as definition
where v.oid = any(%(views)s::oid[])
order by name;

-- name: callers
-- Functions of the host that call one that goes, or use the queue that goes: those of triggers
-- would make every write of their table fail.
select
    p.oid::regprocedure::text as name,
    (
        select string_agg(t.tgname || ' on ' || t.tgrelid::regclass, ', ' order by t.tgname)
        from pg_catalog.pg_trigger as t
        where t.tgfoid = p.oid and not t.tgisinternal
    ) as triggers,
    string_agg(distinct g.name, ', ') as uses
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
inner join
    (
        select
            f.proname as name,
            '\m' || f.proname || '\M\s*\(' as pattern
        from pg_catalog.pg_proc as f
        where f.oid = any(%(functions)s::oid[])
        union all
        select
            c.relname,
            '\m' || c.relname || '\M'
        from pg_catalog.pg_class as c
        where c.oid = any(%(relations)s::oid[]) and c.relkind = 'r'
    ) as g
    on p.prosrc ~ g.pattern
where
    p.oid <> all(%(functions)s::oid[])
    and n.nspname not in ('pg_catalog', 'information_schema', 'progress')
group by p.oid
order by name;

-- name: stubs
-- What was called from elsewhere, such as by a function over HTTP: in its place stands one that
-- says what happened. With the names and defaults of its arguments, by which PostgREST finds it,
-- and for the roles that could call it; not where only its owner could.
select
    format(
        'create %%s public.%%I(%%s)%%s language plpgsql set search_path = '''' as %%L',
        case p.prokind when 'p' then 'procedure' else 'function' end,
        p.proname,
        arguments.list,
        case p.prokind when 'p' then '' else ' returns void' end,
        format(
            'begin raise exception using errcode = ''BP014'', message = %%L, hint = %%L; end',
            p.proname || ' was replaced by Bible Progress',
            'Take the call away: triggers signal every change, and bible-progress worker or pg_cron'
            ' refreshes what they signal. A scheduler that can only call a function calls'
            ' progress_refresh(seconds).'
        )
    ) as make,
    format(
        'comment on routine public.%%I(%%s) is %%L',
        p.proname,
        arguments.types,
        'Bible Progress: stands where ' || p.proname || ' of an earlier implementation was, and'
        || ' refuses with what to do instead. Drop it once nothing calls it.'
    ) as explain,
    format(
        'revoke all on routine public.%%I(%%s) from public',
        p.proname,
        arguments.types
    ) as close,
    array(
        select
            format(
                'grant execute on routine public.%%I(%%s) to %%s',
                p.proname,
                arguments.types,
                coalesce(quote_ident(r.rolname), 'public')
            )
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        left join pg_catalog.pg_roles as r on a.grantee = r.oid
        where a.grantee <> p.proowner
        order by r.rolname
    ) as open
from pg_catalog.pg_proc as p
cross join
    lateral (
        select
            coalesce(
                string_agg(
                    concat_ws(' ', quote_ident(nullif(a.name, '')), format_type(a.type_id, null))
                    || coalesce(
                        ' default ' || pg_get_function_arg_default(p.oid, a.number::integer), ''
                    ),
                    ', '
                    order by a.number
                ),
                ''
            ) as list,
            coalesce(string_agg(format_type(a.type_id, null), ', ' order by a.number), '') as types,
            coalesce(bool_or(t.typrelid = any(%(relations)s::oid[])), false) as are_gone
        from
            unnest(
                coalesce(p.proallargtypes, p.proargtypes::oid[]),
                p.proargnames,
                p.proargmodes
            ) with ordinality as a (type_id, name, mode, number)
        inner join pg_catalog.pg_type as t on a.type_id = t.oid
        where coalesce(a.mode, 'i') in ('i', 'b', 'v')
    ) as arguments
where
    p.oid = any(%(functions)s::oid[])
    and p.pronamespace = 'public'::regnamespace
    and p.prorettype <> 'trigger'::regtype
    and p.proname <> all(%(client_functions)s)
    and not arguments.are_gone
    and exists (
        select
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        where a.grantee <> p.proowner
    )
order by p.oid;

-- name: refreshed_too
-- Materialized views of the host that only the functions that go have kept fresh.
select distinct c.oid::regclass::text as name
from pg_catalog.pg_proc as p
cross join
    lateral regexp_matches(
        p.prosrc,
        'refresh\s+materialized\s+view\s+(?:concurrently\s+)?(?:(\w+)\.)?(\w+)',
        'gi'
    ) as refreshed (name)
inner join pg_catalog.pg_namespace as n on coalesce(refreshed.name[1], 'public') = n.nspname
inner join pg_catalog.pg_class as c
    on n.oid = c.relnamespace and refreshed.name[2] = c.relname
where
    p.oid = any(%(functions)s::oid[])
    and c.relkind = 'm'
    and c.oid <> all(%(relations)s::oid[])
order by name;

-- name: past_readers
-- Roles that could read what goes and are not among those who may read what comes.
select distinct coalesce(r.rolname, 'PUBLIC') as name
from pg_catalog.pg_class as c
cross join lateral aclexplode(c.relacl) as a
left join pg_catalog.pg_roles as r on a.grantee = r.oid
where
    c.oid = any(%(relations)s::oid[])
    and c.relkind in ('m', 'v')
    and a.privilege_type = 'SELECT'
    and a.grantee <> c.relowner
    and coalesce(r.rolname, 'PUBLIC') <> all(%(readers)s)
    and coalesce(r.rolname, 'PUBLIC') not in ('anon', 'authenticated', 'service_role')
order by name;

-- name: past_publications
-- Publications that name what goes.
select p.pubname || ' of ' || c.relname as name
from pg_catalog.pg_publication_rel as r
inner join pg_catalog.pg_publication as p on r.prpubid = p.oid
inner join pg_catalog.pg_class as c on r.prrelid = c.oid
where c.oid = any(%(relations)s::oid[])
order by name;

-- name: look_alikes
-- What has such a name and is something else: it stays.
select
    case c.relkind when 'm' then 'materialized view ' when 'v' then 'view ' else 'table ' end
    || 'public.' || c.relname as name
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relkind in ('m', 'v', 'r')
    and c.relname ~ '^mv_'
    and c.oid <> all(%(relations)s::oid[])
union all
select 'function ' || p.oid::regprocedure as name
from pg_catalog.pg_proc as p
where
    p.pronamespace = 'public'::regnamespace
    and p.proname ~ '^(enqueue|refresh_progress|drain|claim|process)_|_progress_refresh'
    and p.oid <> all(%(functions)s::oid[])
order by name;
