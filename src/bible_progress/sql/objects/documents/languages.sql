-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.languages(
    p_language_entity_ids uuid[],
    p_descendants boolean default false,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns json
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        with wanted as materialized (
            select w.id, w.within
            from progress.languages_within(p_language_entity_ids, p_descendants) as w
            where
                case when p_visible is null then true else p_visible -> 'languages' ? w.within::text end
        ),

        counted as materialized (
            select
                w.id,
                count(*) filter (where v.kind = 'text') as text_versions,
                count(*) filter (where v.kind = 'audio') as audio_versions
            from wanted as w
            inner join (
                select o.kind, o.language_entity_id
                from progress.versions as o
                where
                    -- What the join says already, in words that reach the indexes below the view.
                    o.language_entity_id = any (array(select a.within from wanted as a))
                    and case
                        when p_visible is null then true else p_visible -> o.kind ? o.version_id::text
                    end
                offset 0
            ) as v on w.within = v.language_entity_id
            group by w.id
        ),

        found as materialized (
            select b.language_entity_id, b.kind, b.version_id, b.reason, b.versions
            from progress.best_versions(
                p_language_entity_ids, p_descendants, p_stored, p_visible
            ) as b
        ),

        -- One may be the best of several languages.
        named as (
            select array_agg(o.kind) as kinds, array_agg(o.version_id) as ids
            from (select distinct f.kind, f.version_id from found as f) as o
        ),

        described as materialized (
            select
                v.kind,
                v.version_id,
                v.name,
                v.language_entity_id,
                e.covered_verses,
                e.total_verses,
                t.testaments
            from progress.exact_versions(
                (select n.kinds from named as n), (select n.ids from named as n), p_stored
            ) as e
            inner join progress.testaments(
                (select n.kinds from named as n), (select n.ids from named as n), p_stored
            ) as t
                on e.kind = t.kind and e.version_id = t.version_id
            inner join progress.versions as v
                on e.kind = v.kind and e.version_id = v.version_id
            where v.version_id = any (array(select unnest(n.ids) from named as n))
        ),

        best as materialized (
            select
                f.language_entity_id,
                f.kind,
                json_build_object(
                    'kind', f.kind,
                    'id', f.version_id,
                    'name', d.name,
                    'language_entity_id', d.language_entity_id,
                    'reason', f.reason,
                    'versions', f.versions,
                    'status', progress.coverage_status(d.covered_verses, d.total_verses),
                    'covered_verses', d.covered_verses,
                    'total_verses', d.total_verses,
                    'percent', progress.percent(d.covered_verses, d.total_verses),
                    'testaments', d.testaments
                ) as described
            from found as f
            inner join described as d on f.kind = d.kind and f.version_id = d.version_id
        )

        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', l.id,
                        'name', l.name,
                        'level', l.level,
                        'parent_id', l.parent_id,
                        'parent', p.name,
                        'children', (
                            select count(*)
                            from public.language_entities as c
                            where
                                c.parent_id = l.id
                                and c.deleted_at is null
                                and (p_visible is null or p_visible -> 'languages' ? c.id::text)
                        ),
                        'text_versions', coalesce(n.text_versions, 0),
                        'audio_versions', coalesce(n.audio_versions, 0),
                        'best_text', t.described,
                        'best_audio', a.described
                    )
                    order by w.place
                ),
                '[]'
            )
        from unnest(p_language_entity_ids) with ordinality as w (id, place)
        inner join public.language_entities as l on w.id = l.id
        left join public.language_entities as p
            on
                l.parent_id = p.id
                and (p_visible is null or p_visible -> 'languages' ? p.id::text)
        left join counted as n on l.id = n.id
        left join best as t on l.id = t.language_entity_id and t.kind = 'text'
        left join best as a on l.id = a.language_entity_id and a.kind = 'audio'
        where
            l.deleted_at is null
            and (p_visible is null or p_visible -> 'languages' ? l.id::text)
    );
end
$$;

comment on function progress.languages(uuid[], boolean, boolean, jsonb) is
'These languages in this order with their best versions, exact in this snapshot; deleted ones and
ids that are none are left out. With p_descendants, what is below them counts too. With p_stored, as
last drained; with p_visible, as if only what is in it were there.';
