-- Languages and dates decide which version of a language is best: they are read from base tables
-- where rollups are stored, and are stored themselves where materialized views are.
create or replace function progress.versions_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_stores_best boolean := progress.strategy() = 'matview';
begin
    if tg_op = 'INSERT' then
        perform progress.signal(tg_argv[0], array_agg(n.id), array_agg(null::text))
        from new_rows as n;
    elsif tg_op = 'DELETE' then
        perform progress.signal(tg_argv[0], array_agg(o.id), array_agg(null::text))
        from old_rows as o;
    else
        perform progress.signal(tg_argv[0], array_agg(s.id), array_agg(null::text))
        from (
            select changed.id
            from (
                (
                    select
                        o.id,
                        o.bible_version_id,
                        o.deleted_at is null as is_live,
                        case when v_stores_best then o.language_entity_id end as language_id,
                        case when v_stores_best then o.created_at end as created_at
                    from old_rows as o
                    except all
                    select
                        n.id,
                        n.bible_version_id,
                        n.deleted_at is null as is_live,
                        case when v_stores_best then n.language_entity_id end as language_id,
                        case when v_stores_best then n.created_at end as created_at
                    from new_rows as n
                )
                union all
                (
                    select
                        n.id,
                        n.bible_version_id,
                        n.deleted_at is null as is_live,
                        case when v_stores_best then n.language_entity_id end as language_id,
                        case when v_stores_best then n.created_at end as created_at
                    from new_rows as n
                    except all
                    select
                        o.id,
                        o.bible_version_id,
                        o.deleted_at is null as is_live,
                        case when v_stores_best then o.language_entity_id end as language_id,
                        case when v_stores_best then o.created_at end as created_at
                    from old_rows as o
                )
            ) as changed
            group by changed.id
        ) as s;
    end if;
    return null;
end
$$;

comment on function progress.versions_changed() is
'Signals versions of the kind given as trigger argument that were made, deleted, restored or given
another canon. Their names are read from the base table and need no signal, nor do their languages
and dates but where the best version of a language is stored in a materialized view.';
