-- One function for each row of progress.relationships, named after the relation that it returns and
-- taking a row of the one that it belongs to: this is how PostgREST learns what it may embed where
-- no foreign key says so. Where a strategy has no such relation there is no function.
--
-- Not inlined, because the search_path is pinned, and better so: the planner would compute views
-- that aggregate for every version before it joins (docs/decisions/0010-relationships.md). Bodies
-- are text, so that a column which the host adds to its table joins the rows that are returned.
do $$
declare
    v_relationship record;
    v_function text;
    v_before constant jsonb := current_setting('bible_progress.before')::jsonb -> 'relationships';
begin
    for v_relationship in
        select
            r.source,
            r.target,
            r.is_one,
            (
                select string_agg(format('r.%I = $1.%I', c.target, c.source), ' and ')
                from unnest(r.source_columns, r.target_columns) as c (source, target)
            ) as condition
        from progress.relationships as r
        where
            to_regclass(format('public.%I', r.source)) is not null
            and to_regclass(format('public.%I', r.target)) is not null
    loop
        v_function := format('public.%I(public.%I)', v_relationship.target, v_relationship.source);
        execute format(
            'create or replace function %s returns setof public.%I language sql stable rows %s'
            ' set search_path = pg_catalog, pg_temp as %L',
            v_function,
            v_relationship.target,
            case when v_relationship.is_one then 1 else 1000 end,
            format(
                'select r.* from public.%I as r where %s',
                v_relationship.target,
                v_relationship.condition
            )
        );
        execute format(
            'comment on function %s is %L',
            v_function,
            format(
                case
                    when v_relationship.is_one then 'The row of %s for a row of %s.'
                    else 'The rows of %s for a row of %s.'
                end,
                v_relationship.target,
                v_relationship.source
            )
        );
    end loop;

    -- Those of an earlier version that are none any more.
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        inner join pg_catalog.pg_class as c on p.proargtypes[0] = c.reltype
        where
            v_before ? p.oid::text
            and not exists (
                select
                from progress.relationships as r
                where r.source = c.relname and r.target = p.proname
            )
    loop
        execute format('drop function %s', v_function);
    end loop;
end
$$;
