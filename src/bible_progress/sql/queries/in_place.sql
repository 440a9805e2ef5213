-- name: let_go
-- Takes away what install makes anew and whatever else the next step does not have. Views of the
-- contract stay in their place, made of nothing for the moment: who knows them, may read them,
-- wrote about them or made something of them need not notice. Of what cannot stay, grants and
-- comments are remembered for carry_over. Nothing cascades: what the host made of something that
-- goes is an error.
do $let_go$
declare
    -- Of schema public, as the next step has them.
    v_views constant text[] := %(views)s;
    v_definitions constant jsonb := %(definitions)s;
    v_contract constant oid[] := array(
        select c.oid
        from pg_catalog.pg_class as c
        where
            c.relnamespace = 'public'::regnamespace
            and c.relkind in ('v', 'm')
            and c.relname = any(%(contract)s::text[])
    );
    v_internal constant oid[] := array(
        select c.oid
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where n.nspname = 'progress' and c.relkind = 'v' and c.relname = any(%(internal)s::text[])
    );
    v_made jsonb := '{}';
    v_kept oid[] := '{}';
    v_relationships oid[] := '{}';
    v_statement text;
begin
    perform set_config('bible_progress.before', '{}', true);
    if to_regclass('progress.settings') is null then
        return;
    end if;

    select coalesce(to_jsonb(s) -> 'materialized', v_made)
    into v_made
    from progress.settings as s;
    select coalesce(array_agg(c.oid), v_kept)
    into v_kept
    from pg_catalog.pg_class as c
    where
        c.oid = any(v_contract)
        and case c.relkind
            when 'v' then c.relname = any(v_views)
            else v_definitions ->> c.relname = v_made ->> c.relname
        end;
    if to_regclass('progress.relationships') is not null then
        select coalesce(array_agg(p.oid), v_relationships)
        into v_relationships
        from progress.relationships as r
        inner join
            pg_catalog.pg_class as c
            on c.relnamespace = 'public'::regnamespace and r.source = c.relname
        inner join
            pg_catalog.pg_proc as p
            on c.relnamespace = p.pronamespace
            and r.target = p.proname
            and p.pronargs = 1
            and p.proargtypes[0] = c.reltype;
    end if;

    -- What is there now: what others have been granted on it stays, see grants.sql.
    perform set_config(
        'bible_progress.before',
        jsonb_build_object(
            'relations', (
                select jsonb_agg(c.oid)
                from pg_catalog.pg_class as c
                where
                    c.relnamespace = any(array['public', 'progress']::regnamespace[])
                    -- What a move has made beside those that go.
                    and not (c.relnamespace = 'progress'::regnamespace and c.relname ~ '^mv_')
            ),
            'routines', (
                select jsonb_agg(p.oid)
                from pg_catalog.pg_proc as p
                where p.pronamespace = any(array['public', 'progress']::regnamespace[])
            ),
            'readers', (select s.reader_roles from progress.settings as s),
            'relationships', v_relationships,
            'made_anew', exists (
                select
                from pg_catalog.pg_class as c
                where
                    c.oid = any(v_contract)
                    and c.relkind = 'm'
                    and v_definitions ? c.relname
                    and c.oid <> all(v_kept)
            ),
            'statements', (
                select jsonb_agg(s)
                from (
                    %(remembered)s
                ) as s
            )
        )::text,
        true
    );

    for v_statement in
        %(placeholders)s
    loop
        execute v_statement;
    end loop;

    -- They return rows of our relations, which could not go before them.
    for v_statement in
        select format('drop function %%s', p.oid::regprocedure)
        from pg_catalog.pg_proc as p
        inner join
            pg_catalog.pg_class as c
            on c.reltype in (p.prorettype, p.proargtypes[0])
        where
            p.oid = any(v_relationships)
            and c.oid = any(v_contract)
            and c.oid <> all(v_kept)
        group by p.oid
    loop
        execute v_statement;
    end loop;

    for v_statement in
        select format('drop trigger if exists %%I on public.%%I', t.name, t.table_name)
        from unnest(%(triggers)s::text[], %(trigger_tables)s::text[]) as t (name, table_name)
    loop
        execute v_statement;
    end loop;

    -- Each kind in one statement, which finds the order itself.
    for v_statement in
        select
            format(
                'drop %%s %%s',
                case c.relkind when 'v' then 'view' else 'materialized view' end,
                string_agg(c.oid::regclass::text, ', ')
            )
        from pg_catalog.pg_class as c
        where c.oid = any(v_internal || v_contract) and c.oid <> all(v_kept)
        group by c.relkind
        order by c.relkind desc
    loop
        execute v_statement;
    end loop;

    -- What materialized views are computed by may return other columns next time.
    for v_statement in
        select format('drop function %%s', p.oid::regprocedure)
        from pg_catalog.pg_proc as p
        where
            p.pronamespace = 'progress'::regnamespace
            and p.proname ~ '^computed_'
            and not exists (
                select
                from pg_catalog.pg_depend as d
                inner join pg_catalog.pg_rewrite as r on d.objid = r.oid
                where
                    d.refclassid = 'pg_proc'::regclass
                    and d.refobjid = p.oid
                    and d.classid = 'pg_rewrite'::regclass
                    and (
                        r.ev_class = any(v_kept)
                        -- What a move has made beside them.
                        or r.ev_class::regclass::text ~ '^progress\.mv_'
                    )
            )
    loop
        execute v_statement;
    end loop;
end
$let_go$;

-- name: remembered
-- What others hold or said of relations of ours, as statements that give it back. Of our own roles
-- grants.sql decides, of our own comments the files.
with
ours as (
    select
        c.*,
        n.nspname,
        format('%%I.%%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where c.oid = any(%(relations)s)
),

granted as (
    select
        o.oid,
        o.name,
        o.relowner,
        null::name as attname,
        o.relacl as acl
    from ours as o
    union all
    select
        o.oid,
        o.name,
        o.relowner,
        a.attname,
        a.attacl as acl
    from ours as o
    inner join pg_catalog.pg_attribute as a on o.oid = a.attrelid and not a.attisdropped
)

select
    g.name as relation,
    g.attname as attribute,
    null::text as kind,
    g.oid as was,
    format(
        'grant %%s%%s on %%s to %%s%%s',
        e.privilege_type,
        ' (' || quote_ident(g.attname) || ')',
        g.name,
        coalesce(quote_ident(r.rolname), 'public'),
        case when e.is_grantable then ' with grant option' end
    ) as statement
from granted as g
cross join lateral aclexplode(g.acl) as e
left join pg_catalog.pg_roles as r on e.grantee = r.oid
where
    e.grantee <> g.relowner
    and coalesce(r.rolname, 'public') <> all(%(known_roles)s::text[])
    and not exists (
        select
        from progress.settings as s
        where r.rolname = any(s.reader_roles)
    )
union all
select
    o.name as relation,
    a.attname as attribute,
    null as kind,
    null as was,
    format('comment on column %%s.%%I is %%L', o.name, a.attname, d.description) as statement
from ours as o
inner join
    pg_catalog.pg_description as d
    on o.oid = d.objoid and d.classoid = 'pg_class'::regclass
inner join pg_catalog.pg_attribute as a on o.oid = a.attrelid and d.objsubid = a.attnum
where o.nspname = 'public'
union all
select
    o.name as relation,
    null as attribute,
    kind.letter as kind,
    null as was,
    format('comment on %%s %%s is %%L', kind.word, o.name, d.description) as statement
from ours as o
inner join
    pg_catalog.pg_description as d
    on o.oid = d.objoid and d.classoid = 'pg_class'::regclass and d.objsubid = 0
cross join (values ('v', 'view'), ('m', 'materialized view')) as kind (letter, word)
where o.nspname = 'public' and d.description !~ %(our_comments)s
union all
select
    o.name as relation,
    null as attribute,
    o.relkind::text as kind,
    null as was,
    format(
        'alter %%s %%s set (%%I = %%L)',
        case o.relkind when 'v' then 'view' else 'materialized view' end,
        o.name,
        opt.option_name,
        opt.option_value
    ) as statement
from ours as o
cross join lateral pg_options_to_table(o.reloptions) as opt
where o.nspname = 'public' and opt.option_name <> 'security_invoker'
union all
select
    o.name as relation,
    null as attribute,
    'm' as kind,
    null as was,
    regexp_replace(pg_get_indexdef(i.indexrelid), ' INDEX ', ' INDEX IF NOT EXISTS ') as statement
from ours as o
inner join pg_catalog.pg_index as i on o.oid = i.indrelid
union all
select
    o.name as relation,
    null as attribute,
    'm' as kind,
    null as was,
    regexp_replace(
        pg_get_statisticsobjdef(e.oid), '^CREATE STATISTICS ', 'CREATE STATISTICS IF NOT EXISTS '
    ) as statement
from ours as o
inner join pg_catalog.pg_statistic_ext as e on o.oid = e.stxrelid
union all
select
    o.name as relation,
    a.attname as attribute,
    'm' as kind,
    null as was,
    format(
        'alter materialized view %%s alter column %%I set statistics %%s',
        o.name,
        a.attname,
        a.attstattarget
    ) as statement
from ours as o
inner join pg_catalog.pg_attribute as a on o.oid = a.attrelid and a.attnum > 0
where o.relkind = 'm' and a.attstattarget >= 0 and not a.attisdropped;

-- name: placeholders
-- Statements that keep views and let go of what they are made of.
select
    format(
        'create or replace view %%I.%%I with (security_invoker = true) as select %%s%%s',
        n.nspname,
        c.relname,
        string_agg(
            format(
                '%%s::%%s%%s as %%I',
                %(value)s,
                format_type(a.atttypid, a.atttypmod),
                ' collate ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname),
                a.attname
            ),
            ', '
            order by a.attnum
        ),
        %(source)s
    ) as statement
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
inner join
    pg_catalog.pg_attribute as a
    on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_collation as co on a.attcollation = co.oid
left join pg_catalog.pg_namespace as cn on co.collnamespace = cn.oid
where c.relkind = 'v' and c.oid = any(%(relations)s)
group by
    n.nspname,
    c.relname;

-- name: replace_view
-- Where a column of the host has another type by now, so has ours: a view cannot change that.
do $replace_view$
declare
    v_view constant text := $view$
%(view)s
$view$;
    v_statement text;
    v_detail text;
begin
    execute v_view;
exception
    when invalid_table_definition then
        for v_statement in
            select format('drop function %%s', p.oid::regprocedure)
            from pg_catalog.pg_proc as p
            inner join
                pg_catalog.pg_class as c
                on c.reltype in (p.prorettype, p.proargtypes[0])
            where
                c.oid = to_regclass(%(name)s)
                and current_setting('bible_progress.before')::jsonb
                -> 'relationships' ? p.oid::text
            group by p.oid
        loop
            execute v_statement;
        end loop;
        begin
            execute 'drop view ' || %(name)s;
        exception
            when dependent_objects_still_exist then
                get stacked diagnostics v_detail = pg_exception_detail;
                raise exception 'a column of %% has another type by now, and objects of this database '
                    'depend on it: %%', %(name)s, replace(v_detail, E'\n', '; ')
                    using
                        errcode = 'BP011',
                        hint = 'Drop them first and recreate them afterwards; nothing was changed.';
        end;
        execute v_view;
end
$replace_view$;

-- name: suspend
-- Lets go of the host tables: views stay in their place and refuse to be read, triggers and
-- policies go. What is stored, what waits and what others hold stays.
do $suspend$
declare
    v_ours constant oid[] := array(
        select c.oid
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where
            c.relkind = 'v'
            and (
                (n.nspname = 'public' and c.relname = any(%(contract)s::text[]))
                or (n.nspname = 'progress' and c.relname = any(%(internal)s::text[]))
            )
            -- A list of ours may go on being read.
            and exists (
                select
                from pg_catalog.pg_rewrite as r
                inner join
                    pg_catalog.pg_depend as d
                    on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
                where
                    r.ev_class = c.oid
                    and d.refclassid = 'pg_class'::regclass
                    and d.refobjid <> c.oid
            )
    );
    v_statement text;
begin
    for v_statement in
        %(placeholders)s
    loop
        execute v_statement;
    end loop;
    for v_statement in
        select format('drop trigger if exists %%I on public.%%I', t.name, t.table_name)
        from unnest(%(triggers)s::text[], %(trigger_tables)s::text[]) as t (name, table_name)
        union all
        select format('drop policy %%I on progress.%%I', p.polname, c.relname)
        from pg_catalog.pg_policy as p
        inner join pg_catalog.pg_class as c on p.polrelid = c.oid
        where
            c.relnamespace = 'progress'::regnamespace
            and c.relname = any(%(guarded)s::text[])
            and p.polname = 'visible_with_their_version'
    loop
        execute v_statement;
    end loop;
    update progress.settings set suspended_at = now();
end
$suspend$;

-- name: carry_over
-- Gives back what let_go remembers of what others hold.
do $carry_over$
declare
    v_statement text;
begin
    for v_statement in
        select r.statement
        from jsonb_to_recordset(
            nullif(current_setting('bible_progress.before')::jsonb -> 'statements', 'null')
        ) as r (relation text, attribute name, kind text, was oid, statement text)
        inner join pg_catalog.pg_class as c on to_regclass(r.relation) = c.oid
        where
            (r.kind is null or r.kind = c.relkind)
            and r.was is distinct from c.oid
            and (
                r.attribute is null
                or exists (
                    select
                    from pg_catalog.pg_attribute as a
                    where a.attrelid = c.oid and a.attname = r.attribute and not a.attisdropped
                )
            )
    loop
        execute v_statement;
    end loop;
end
$carry_over$;
