-- name: in_one_transaction
-- What follows belongs together: a file that is run statement by statement, as psql does without
-- --single-transaction, could end half done. Ending the session is what stops such a program.
-- By whole names, since there may be no transaction that holds the pinned path.
select
    pg_catalog.set_config(
        'bible_progress.transaction', pg_catalog.pg_current_xact_id()::pg_catalog.text, true
    );

do $bible_progress$
begin
    if
        coalesce(pg_catalog.current_setting('bible_progress.transaction', true), '')
        operator(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.text
    then
        raise warning
            'this file must be applied in one transaction, as supabase db push does; '
            'with psql, give --single-transaction. Nothing was changed.';
        perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
    end if;
end
$bible_progress$;

-- name: rely_on
-- Whatever database and role say, until the end of this transaction.
select set_config(s.name, '0', true)
from pg_catalog.pg_settings as s
where s.name = 'transaction_timeout';

-- name: keep_search_path
-- Objects of others stay out of this, and out of what it makes. By whole names: nothing is pinned
-- yet.
select
    pg_catalog.set_config(
        'bible_progress.search_path', pg_catalog.current_setting('search_path'), true
    );

-- name: restore_search_path
select set_config('search_path', current_setting('bible_progress.search_path'), true);

-- name: refuse
do $bible_progress$
declare
    v_found text;
begin
    if %(condition)s then
        select string_agg(found.what, %(separator)s)
        into v_found
        from (%(query)s) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format(%(message)s, v_found), hint = %(hint)s;
        end if;
    end if;
end
$bible_progress$;

-- name: other_step
select
    coalesce(
        (array['views', null, null, 'matview', 'incremental'])[s.rollout_step],
        'half way, on step ' || s.rollout_step
    )
from progress.settings as s
where s.rollout_step <> %(step)s;

-- name: edited_migrations
select applied.name
from progress.migration as applied
inner join
    unnest(%(names)s::text[], %(checksums)s::text[]) as ours (name, checksum)
    on applied.name = ours.name
where applied.checksum <> ours.checksum
order by applied.name;

-- name: missing_migrations
select earlier.name
from unnest(%(names)s::text[]) as earlier (name)
where
    not exists (
        select
        from progress.migration as applied
        where applied.name = earlier.name
    )
order by earlier.name;
