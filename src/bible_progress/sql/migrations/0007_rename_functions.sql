-- progress: since 0.1.0

drop function if exists progress.settle();
drop function if exists progress.lying_totals();
drop function if exists progress.drained_together(text, uuid);
drop function if exists progress.timings_may_add(uuid);

-- The name of a parameter cannot be changed. What clients call is made of such functions: it keeps
-- its place, and what others may do with it, while they go.
select set_config('check_function_bodies', 'off', true);

do $$
declare
    v_statement text;
begin
    for v_statement in
        select
            regexp_replace(
                pg_get_functiondef(p.oid),
                '\n(RETURN|BEGIN ATOMIC)\M.*',
                e'\nas $body$select null$body$'
            )
        from pg_catalog.pg_proc as p
        where
            p.pronamespace = 'public'::regnamespace
            and p.proname ~ '^progress_(best_versions|compare|gaps|tree)$'
            and p.prosqlbody is not null
            and exists (
                select
                from pg_catalog.pg_depend as d
                inner join pg_catalog.pg_proc as used
                    on d.refclassid = 'pg_proc'::regclass and d.refobjid = used.oid
                where
                    d.classid = 'pg_proc'::regclass
                    and d.objid = p.oid
                    and used.pronamespace = 'progress'::regnamespace
            )
    loop
        execute v_statement;
    end loop;
    for v_statement in
        select format('drop function %s', p.oid::regprocedure)
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'progress'::regnamespace and 'p_sight' = any(p.proargnames)
    loop
        execute v_statement;
    end loop;
end
$$;

drop function if exists progress.sight(uuid[], uuid[]);
