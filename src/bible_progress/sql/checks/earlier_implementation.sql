-- title: an earlier implementation is in the way
-- severity: error
-- when: new
-- why: Its relations have the names of the contract, and its triggers write to a queue of its own.
-- fix: See what would go and what would stay: bible-progress install --replace --dry-run. Without
--   --dry-run it is done, in one transaction.
-- Only what is certain: each object by its name, by its shape, and by what it reads or calls. The
-- statements drop them one by one in the order of their places, so that none needs cascade.
with recursive
contract (name, columns) as (
    select
        c.key as name,
        c.value as columns
    from jsonb_each(%(contract)s::jsonb) as c
),

-- What a view reads, through other views.
reads (view_id, relation_id) as (
    select
        c.oid as view_id,
        d.refobjid as relation_id
    from contract as k
    inner join pg_catalog.pg_class as c
        on k.name = c.relname and c.relnamespace = 'public'::regnamespace
    inner join pg_catalog.pg_rewrite as r on c.oid = r.ev_class
    inner join pg_catalog.pg_depend as d
        on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    where d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
    union
    select
        t.view_id,
        d.refobjid as relation_id
    from reads as t
    inner join pg_catalog.pg_rewrite as r on t.relation_id = r.ev_class
    inner join pg_catalog.pg_depend as d
        on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    where d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
),

-- Views and materialized views of the contract's names that have its key columns and read the
-- content of the host.
relations as (
    select
        c.oid,
        c.relname as name,
        case c.relkind when 'm' then 'materialized view' else 'view' end as kind,
        (
            select count(distinct t.relation_id)
            from reads as t
            where t.view_id = c.oid
        ) as reach
    from contract as k
    inner join pg_catalog.pg_class as c
        on k.name = c.relname and c.relnamespace = 'public'::regnamespace
    where
        c.relkind in ('m', 'v')
        and c.oid <> all(%(leftovers)s::oid[])
        and (
            select count(*)
            from pg_catalog.pg_attribute as a
            where
                a.attrelid = c.oid
                and not a.attisdropped
                and a.attname in (k.columns ->> 0, k.columns ->> 1)
        ) = 2
        and exists (
            select
            from reads as t
            inner join pg_catalog.pg_class as h on t.relation_id = h.oid
            where
                t.view_id = c.oid
                and h.relnamespace = 'public'::regnamespace
                and h.relname in (
                    'audio_versions',
                    'text_versions',
                    'media_files',
                    'media_files_verses',
                    'verse_texts'
                )
        )
),

-- Tables of the queue's names that hold kinds and versions.
queues as (
    select
        c.oid,
        c.relname as name
    from pg_catalog.pg_class as c
    where
        c.relnamespace = 'public'::regnamespace
        and c.relname = any(%(contract_tables)s)
        and c.relkind = 'r'
        and c.oid <> all(%(leftovers)s::oid[])
        and (
            select count(*)
            from pg_catalog.pg_attribute as a
            where
                a.attrelid = c.oid
                and not a.attisdropped
                and a.attname in ('kind', 'version_id')
        ) = 2
),

-- Functions of such names that use the queue, refresh a relation of the contract, or call one that
-- does.
named as (
    select
        p.oid,
        p.proname as name,
        coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '') as body
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_language as l on p.prolang = l.oid
    where
        p.pronamespace = 'public'::regnamespace
        and p.proname ~ '^(enqueue|refresh_progress|drain|claim|process)_|_progress_refresh'
        and p.prokind in ('f', 'p')
        and p.oid <> all(%(leftovers)s::oid[])
        and l.lanname in ('sql', 'plpgsql')
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where
                d.classid = 'pg_proc'::regclass
                and d.objid = p.oid
                and d.deptype = 'e'
        )
),

workers (oid, name) as (
    select
        n.oid,
        n.name
    from named as n
    where
        n.body ~ '\mprogress_refresh_(queue|dead_letter)\M'
        or n.body ~* (
            'refresh\s+materialized\s+view\s+(concurrently\s+)?(public\.)?'
            || 'mv_((audio|text)_(verse|chapter|book)_coverage'
            || '|(audio|text)_version_progress_summary|language_entity_best_(audio|text)_version)\M'
        )
    union
    select
        n.oid,
        n.name
    from workers as f
    inner join named as n on n.body ~ ('\m' || f.name || '\M\s*\(')
),

-- Trigger functions of any name that do nothing but call those, or put into the queue what they
-- would. First their text without comments and literals, in small letters. What could be read in
-- two ways, such as an escape, makes it no candidate.
candidates as (
    select
        p.oid,
        p.proname as name,
        lower(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                p.prosrc,
                                '(''([^'']|'''')*'')|--[^\n]*|/\*([^*]|\*+[^*/])*\*+/',
                                '\1 ',
                                'g'
                            ),
                            '''([^'']|'''')*''',
                            '''''',
                            'g'
                        ),
                        '"(\w+)"',
                        '\1',
                        'g'
                    ),
                    '\s+',
                    ' ',
                    'g'
                ),
                '\mpublic ?\. ?',
                '',
                'gi'
            )
        ) as body
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_language as l on p.prolang = l.oid
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where
        p.prorettype = 'trigger'::regtype
        and l.lanname = 'plpgsql'
        and n.nspname not in ('pg_catalog', 'information_schema', 'progress')
        and p.prosrc !~ '[\\$]'
        and regexp_replace(p.prosrc, '"\w+"', '', 'g') !~ '"'
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where
                d.classid = 'pg_proc'::regclass
                and d.objid = p.oid
                and d.deptype = 'e'
        )
),

-- Putting into the queue reads as a call.
bodies as (
    select
        c.oid,
        c.name,
        calls.names,
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    c.body,
                    '\minsert into progress_refresh_queue\M( as \w+)? ?(\([\w, ]*\))?',
                    'perform queued(), ',
                    'g'
                ),
                '\mon conflict ?(\([\w, ]*\))? ?do nothing\M',
                '',
                'g'
            ),
            '\mon conflict ?(\([\w, ]*\))? ?do update set\M',
            ',',
            'g'
        ) as body
    from candidates as c
    cross join
        (
            select string_agg(distinct w.name, '|') as names
            from workers as w
        ) as calls
),

callers as (
    select
        b.oid,
        b.name
    from bodies as b
    where
        b.body ~ concat('\m(queued', '|' || b.names, ')\M ?\(')
        -- Nothing else is called.
        and regexp_replace(
            b.body,
            concat(
                '\m(queued', '|' || b.names, '|coalesce|nullif|greatest|least|exists|not|and|or',
                '|in|if|elsif|elseif|when|any|all|array|unnest|array_agg|distinct|select|perform',
                '|from|where|on|using|values|as|then|else|case|return|union|join|now)\M ?\('
            ),
            ' ',
            'g'
        ) !~ '\w ?\('
        -- Nothing is written, and neither the row nor whether it is written changes.
        and b.body !~ '\m(insert|update|delete|merge|execute|call|share|do|copy)\M'
        and b.body !~ '\m(new|old) ?(\. ?\w+ ?)?(\[.*\] ?)?:='
        and b.body !~ '\minto (strict )?([\w.]+ ?, ?)*(new|old)\M'
        and (
            regexp_replace(b.body, '\mreturn (new|coalesce ?\( ?new ?, ?old ?\)) ?;', '', 'g')
            !~ '\mreturn\M'
            or not exists (
                select
                from pg_catalog.pg_trigger as t
                -- Before or instead of.
                where t.tgfoid = b.oid and t.tgtype & 66 <> 0
            )
        )
        and split_part(b.body, 'begin', 1) ~ '^ ?(declare .*)?$'
        and not exists (
            select
            from
                regexp_split_to_table(
                    regexp_replace(
                        regexp_replace(b.body, '^.*?\mbegin\M', ''),
                        '\mcase\M[^;]*?\mend\M',
                        'x',
                        'g'
                    ),
                    ';|\m(begin|then|else|loop)\M'
                ) as s (statement)
            where
                trim(s.statement) !~ (
                    '^((perform|select|if|elsif|elseif|for|foreach|while|case|when) .*'
                    || '|return( .*)?|end( (if|loop|case))?|exception( when .*)?|null'
                    || '|raise (notice|warning|log|info|debug) .*'
                    || '|(?!(new|old)\M)\w+ ?:?= ?.*)?$'
                )
        )
),

functions as (
    select
        w.oid,
        w.name
    from workers as w
    union
    select
        c.oid,
        c.name
    from callers as c
),

triggers as (
    select
        t.oid,
        t.tgname as name,
        n.nspname as schema_name,
        c.relname as table_name
    from functions as f
    inner join pg_catalog.pg_trigger as t on f.oid = t.tgfoid
    inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where not t.tgisinternal
)

select
    'trigger ' || t.name || ' on ' || t.schema_name || '.' || t.table_name as finding,
    'trigger' as kind,
    t.name,
    t.oid,
    format('drop trigger %%I on %%I.%%I', t.name, t.schema_name, t.table_name) as statement,
    0 as place
from triggers as t
union all
select
    case p.prokind when 'p' then 'procedure ' else 'function ' end || f.oid::regprocedure
        as finding,
    'function' as kind,
    f.name,
    f.oid,
    'drop routine ' || f.oid::regprocedure as statement,
    1 as place
from functions as f
inner join pg_catalog.pg_proc as p on f.oid = p.oid
union all
-- What reads more goes first.
select
    r.kind || ' public.' || r.name as finding,
    'relation' as kind,
    r.name,
    r.oid,
    format('drop %%s public.%%I', r.kind, r.name) as statement,
    (
        2 + (select coalesce(max(o.reach), 0) from relations as o) - r.reach
    )::integer as place
from relations as r
union all
select
    'table public.' || q.name as finding,
    'table' as kind,
    q.name,
    q.oid,
    format('drop table public.%%I', q.name) as statement,
    1000 as place
from queues as q
order by place, finding;
