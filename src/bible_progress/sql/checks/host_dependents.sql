-- title: objects of this database depend on Bible Progress
-- severity: error
-- when: installed
-- why: Relations of the contract stay where they are, but for a materialized view whose definition
--   changes; what stands in schema progress is made anew by every install, but for functions that
--   return what they did before.
-- fix: Drop them first and recreate them afterwards, on relations of the contract where you can.
with
gone as (
    select
        'pg_class'::regclass as class_id,
        c.oid,
        array[c.reltype, t.typarray] as type_ids
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_type as t on c.reltype = t.oid
    where
        (
            c.relnamespace = to_regnamespace('progress')
            and c.relkind = 'v'
            and c.relname = any(%(internal_views)s::text[])
        )
        or (
            c.relnamespace = 'public'::regnamespace
            and c.relkind = 'm'
            and c.relname = any(%(materialized)s::text[])
            and (%(definitions)s::jsonb ->> c.relname) is distinct from (
                select to_jsonb(s) -> 'materialized' ->> c.relname
                from progress.settings as s
            )
        )
        or (
            c.relnamespace = 'public'::regnamespace
            and c.relkind = 'v'
            and c.relname = any(%(views)s::text[])
            and c.relname <> all(%(kept_views)s::text[])
        )
    union all
    -- By a migration that is still to come.
    select
        'pg_proc'::regclass as class_id,
        f.oid,
        null as type_ids
    from jsonb_each_text(%(dropped_functions)s::jsonb) as d (signature, migration)
    cross join lateral to_regprocedure(d.signature) as f (oid)
    where f.oid is not null and d.migration not in (select m.name from progress.migration as m)
)

select distinct
    regexp_replace(
        pg_describe_object(d.classid, d.objid, d.objsubid), '^rule _RETURN on |^rule (.+) on ', '\1'
    ) || ' depends on ' || pg_describe_object(g.class_id, g.oid, 0) as finding
from gone as g
inner join
    pg_catalog.pg_depend as d
    on
        (g.oid = d.refobjid and g.class_id = d.refclassid)
        or (d.refobjid = any(g.type_ids) and d.refclassid = 'pg_type'::regclass)
left join
    pg_catalog.pg_rewrite as r
    on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
left join pg_catalog.pg_proc as p on d.classid = 'pg_proc'::regclass and d.objid = p.oid
where
    d.deptype = 'n'
    and not exists (
        select
        from gone as own
        where own.class_id = 'pg_class'::regclass and own.oid = r.ev_class
    )
    -- What clients call stays, too, and views of ours that stay read those that go.
    and (
        p.pronamespace = 'public'::regnamespace and p.proname = any(%(functions)s::text[])
    ) is not true
    and not exists (
        select
        from pg_catalog.pg_class as c
        where
            c.oid = r.ev_class
            and c.relnamespace = 'public'::regnamespace
            and c.relname = any(%(views)s::text[])
    )
    and not exists (
        select
        from progress.relationships as own
        inner join
            pg_catalog.pg_class as c
            on c.relnamespace = 'public'::regnamespace and own.source = c.relname
        where own.target = p.proname and p.proargtypes[0] = c.reltype
    )
order by finding;
