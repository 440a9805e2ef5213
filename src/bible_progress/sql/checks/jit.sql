-- title: the server compiles what looks expensive (JIT)
-- severity: advice
-- when: always
-- why: Drains and look-ups are too cheap to be compiled. Live reads of many versions may be, for
--   longer than they then run.
-- fix: Switch it off for this database, where nothing else in it needs it.
select
    'jit is on for database ' || current_database() || ', above a cost of '
    || current_setting('jit_above_cost') as finding,
    'alter database ' || quote_ident(current_database()) || ' set jit = off;' as fix
where
    current_setting('jit')::boolean
    and pg_jit_available()
    and current_setting('jit_above_cost')::double precision between 0 and 1000000;
