-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.siblings(
    p_kinds text[],
    p_version_ids uuid[],
    p_limit integer default 20,
    p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_language_entity_ids uuid[];
    v_kinds text[];
    v_version_ids uuid[];
begin
    v_language_entity_ids := array(
        select distinct v.language_entity_id
        from unnest(p_kinds, p_version_ids) as w (kind, version_id)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
        where v.version_id = any (p_version_ids)
    );

    select array_agg(o.kind order by o.place), array_agg(o.version_id order by o.place)
    into v_kinds, v_version_ids
    from (
        select
            v.kind,
            v.version_id,
            row_number() over (
                order by
                    progress.natural_key(f.name, rtrim(f.name, '0123456789')) collate "C",
                    v.kind,
                    v.version_id
            ) as place
        from progress.versions as v
        cross join lateral (
            select progress.folded_name(coalesce(left(v.name, 200), '')) as name
        ) as f
        where
            v.language_entity_id = any (v_language_entity_ids)
            and v.bible_version_id in (
                select a.bible_version_id
                from progress.versions as a
                where a.version_id = any (p_version_ids)
            )
            and not exists (
                select
                from unnest(p_kinds, p_version_ids) as w (kind, version_id)
                where w.kind = v.kind and w.version_id = v.version_id
            )
        order by place
        limit p_limit
    ) as o;

    return (
        select
            json_build_object(
                'items', coalesce(
                    json_agg(
                        json_build_object(
                            'kind', v.kind,
                            'id', v.version_id,
                            'name', v.name,
                            'language', l.name,
                            'percent', progress.percent(e.covered_verses, e.total_verses)
                        )
                        order by w.place
                    ),
                    '[]'
                )
            )
        from unnest(v_kinds, v_version_ids) with ordinality as w (kind, version_id, place)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
        inner join progress.exact_versions(v_kinds, v_version_ids, p_stored) as e
            on w.kind = e.kind and w.version_id = e.version_id
        left join public.language_entities as l on v.language_entity_id = l.id
        -- What the join says already, in words that reach the indexes below the view.
        where v.version_id = any (v_version_ids)
    );
end
$$;

comment on function progress.siblings(text[], uuid[], integer, boolean) is
'Other versions of the languages and canons of these, by name, at most p_limit of them, with what
part of their canon they cover, exact in this snapshot, as one document. With p_stored, as last
drained.';
