-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language_list(
    p_search text default null,
    p_descendants boolean default false,
    p_with_versions boolean default false,
    p_limit integer default 50,
    p_after json default null,
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
    -- Of a name, to search in.
    c_looked_at constant integer := 1000;
    v_total bigint;
    v_ids uuid[];
    v_next json;
begin
    -- The offsets keep names from being folded, and their stems from being made, more than once.
    with named as (
        select
            l.id,
            progress.folded_name(left(coalesce(l.name, '') collate "default", c_looked_at)) as name
        from public.language_entities as l
        where
            l.deleted_at is null
            and (
                not p_with_versions
                or case
                    when p_descendants
                        then l.id in (select w.id from progress.languages_with_versions() as w)
                    else l.id in (select v.language_entity_id from progress.versions as v)
                end
            )
        offset 0
    ),

    filtered as (
        select n.id, n.name, rtrim(n.name, '0123456789') as stem
        from named as n
        where p_search is null or strpos(n.name, progress.folded_name(p_search)) > 0
        offset 0
    ),

    matching as materialized (
        select f.id, progress.natural_key(f.name, f.stem) collate "C" as key_text
        from filtered as f
    ),

    page as (
        select m.id, m.key_text, row_number() over (order by m.key_text, m.id) as place
        from matching as m
        where p_after is null or (m.key_text, m.id) > (p_after ->> 0, (p_after ->> 1)::uuid)
        order by m.key_text, m.id
        limit p_limit + 1
    )

    select
        (select count(*) from matching),
        array_agg(p.id order by p.place) filter (where p.place <= p_limit),
        (array_agg(json_build_array(p.key_text, p.id)) filter (
            where p.place = p_limit and exists (select from page as o where o.place > p_limit)
        ))[1]
    into v_total, v_ids, v_next
    from page as p;

    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'total', v_total,
                'items', progress.languages(coalesce(v_ids, '{}'), p_descendants, p_stored),
                'next_cursor', v_next
            )
        from progress.freshness(null, null, p_stored) as f
    );
end
$$;

comment on function progress.language_list(text, boolean, boolean, integer, json, boolean) is
'Languages by name with their best versions as one document, exact in this snapshot: at most p_limit
of those with p_search in their name, accents and case aside, p_with_versions: that have any. Numbers
in names come by size, accents beside their letters, a missing name first; the first 200 characters
count. With p_descendants, what is below them counts too. next_cursor is what to give as p_after for those that follow, NULL at the
end; total counts all. With p_stored, as last drained.';
