-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.version_list(
    p_kind text default null,
    p_language_entity_id uuid default null,
    p_descendants boolean default false,
    p_search text default null,
    p_status text default null,
    p_min_percent integer default null,
    p_sort text default 'name',
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
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
declare
    -- Of a name, to search in.
    c_looked_at constant integer := 1000;
    v_by text := ltrim(p_sort, '-');
    v_descending boolean := p_sort like '-%';
    -- Of a list that numbers neither filter nor order, those of the page are enough.
    v_by_numbers boolean := p_stored
    or p_status is not null
    or p_min_percent is not null
    or v_by in ('status', 'percent', 'covered', 'books', 'old', 'new', 'updated');
    v_search text := progress.folded_name(p_search);
    v_languages uuid[];
    v_found uuid[];
    v_total bigint;
    v_kinds text[];
    v_version_ids uuid[];
    v_items json;
    v_next json;
begin
    if
        v_by not in (
            'name', 'kind', 'language', 'status', 'percent', 'covered', 'books', 'old', 'new',
            'updated', 'created'
        )
    then
        raise exception
            'sort % is none of name, kind, language, status, percent, covered, books, old, new, '
            'updated, created', p_sort
            using errcode = 'BP002', hint = 'With a minus before it, the greatest comes first.';
    end if;
    if p_language_entity_id is not null then
        v_languages := array(
            select w.within
            from progress.languages_within(array[p_language_entity_id], p_descendants) as w
        );
    end if;
    if p_search is not null then
        v_found := array(
            select distinct w.holder
            from progress.languages_with_versions() as w
            where w.id in (
                select l.id
                from public.language_entities as l
                where
                    l.id in (select o.id from progress.languages_with_versions() as o)
                    and strpos(
                        progress.folded_name(left(l.name collate "default", c_looked_at)), v_search
                    ) > 0
            )
        );
    end if;

    -- Each offset keeps the planner from moving filters over it: numbers are not read where they
    -- are not needed, and guesses at what filters leave make no nested loops of the join.
    with numbers as (
        select
            n.kind,
            n.version_id,
            n.covered_verses,
            n.total_verses,
            n.books_complete,
            n.refreshed_at,
            progress.fraction(t.covered_verses, t.total_verses) as share
        from progress.summaries(p_stored) as n
        left join (
            select a.*
            from progress.testament_totals(v_by, p_stored) as a
            where v_by in ('old', 'new')
            offset 0
        ) as t on n.kind = t.kind and n.version_id = t.version_id
        where v_by_numbers
        offset 0
    ),

    observed as (
        select
            v.kind,
            v.version_id,
            v.language_entity_id,
            v.created_at,
            progress.folded_name(v.name) as name,
            case
                when v_by = 'language'
                    then (
                        select progress.folded_name(left(l.name collate "default", 100))
                        from public.language_entities as l
                        where l.id = v.language_entity_id
                    )
            end as language,
            n.covered_verses,
            n.total_verses,
            n.books_complete,
            n.refreshed_at,
            n.share
        from (
            select
                o.kind,
                o.version_id,
                o.language_entity_id,
                o.created_at,
                case
                    when octet_length(o.name) > c_looked_at then left(o.name, c_looked_at)
                    else coalesce(o.name, '')
                end as name
            from progress.versions as o
            offset 0
        ) as v
        left join numbers as n on v.kind = n.kind and v.version_id = n.version_id
        where n.kind is not null or not v_by_numbers
        offset 0
    ),

    filtered as (
        select o.*, rtrim(o.name, '0123456789') as stem
        from observed as o
        where
            (p_kind is null or o.kind = p_kind)
            and (
                v_languages is null
                or o.language_entity_id in (select w.id from unnest(v_languages) as w (id))
            )
            and (
                p_search is null
                or strpos(o.name, v_search) > 0
                or o.language_entity_id in (select w.id from unnest(v_found) as w (id))
            )
            and (
                p_status is null
                or progress.coverage_status(o.covered_verses, o.total_verses) = p_status
            )
            and (
                p_min_percent is null
                or progress.percent(o.covered_verses, o.total_verses) >= p_min_percent
            )
        offset 0
    ),

    matching as materialized (
        select
            f.kind,
            f.version_id,
            case v_by
                when 'name' then 0
                when 'language' then 0
                when 'kind' then (f.kind = 'text')::integer
                when 'status'
                    then
                        (f.covered_verses > 0)::integer
                        + progress.is_complete(f.covered_verses, f.total_verses)::integer
                when 'percent' then coalesce(progress.fraction(f.covered_verses, f.total_verses), -1)
                when 'covered' then f.covered_verses
                when 'books' then f.books_complete
                when 'created' then coalesce(extract(epoch from f.created_at), '-Infinity')
                when 'updated' then coalesce(extract(epoch from f.refreshed_at), 0)
                else coalesce(f.share, -1)
            end as key_number,
            case
                when v_by = 'language'
                    then
                        coalesce(
                            left(
                                progress.natural_key(f.language, rtrim(f.language, '0123456789')),
                                100
                            ),
                            ''
                        )
                        || e'\x01'
                        || left(progress.natural_key(f.name, f.stem), 100)
                else progress.natural_key(f.name, f.stem)
            end collate "C" as key_text
        from filtered as f
    ),

    page as materialized (
        select m.*, row_number() over () as place
        from (
            select n.*
            from matching as n
            where
                p_after is null
                or case
                    when v_descending
                        then (n.key_number, n.key_text, n.kind, n.version_id) < (
                            (p_after ->> 1)::numeric,
                            p_after ->> 0,
                            p_after ->> 2,
                            (p_after ->> 3)::uuid
                        )
                    else (n.key_number, n.key_text, n.kind, n.version_id) > (
                        (p_after ->> 1)::numeric,
                        p_after ->> 0,
                        p_after ->> 2,
                        (p_after ->> 3)::uuid
                    )
                end
            order by
                case when v_descending then n.key_number end desc,
                case when v_descending then n.key_text end desc,
                case when v_descending then n.kind end desc,
                case when v_descending then n.version_id end desc,
                n.key_number asc,
                n.key_text asc,
                n.kind asc,
                n.version_id asc
            limit p_limit + 1
        ) as m
    )

    select
        (select count(*) from matching),
        array_agg(p.kind order by p.place) filter (where p.place <= p_limit),
        array_agg(p.version_id order by p.place) filter (where p.place <= p_limit),
        (
            select json_build_array(l.key_text, l.key_number::text, l.kind, l.version_id)
            from page as l
            where l.place = p_limit and exists (select from page as o where o.place > p_limit)
        )
    into v_total, v_kinds, v_version_ids, v_next
    from page as p;

    with page as materialized (
        select
            v.kind,
            v.version_id,
            v.name,
            v.language_entity_id,
            v.bible_version_id,
            v.created_at,
            w.place
        from unnest(v_kinds, v_version_ids) with ordinality as w (kind, version_id, place)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
        -- What the join says already, in words that reach the indexes below the view.
        where v.version_id = any (v_version_ids)
    )

    select
        coalesce(
            json_agg(
                json_build_object(
                    'kind', p.kind,
                    'id', p.version_id,
                    'name', p.name,
                    'language_entity_id', p.language_entity_id,
                    'language', l.name,
                    'bible_version_id', p.bible_version_id,
                    'created_at', case
                        -- Clients know no others.
                        when p.created_at between '0001-01-02Z' and '9999-12-30Z' then p.created_at
                    end,
                    'refreshed_at', r.refreshed_at,
                    'pending', not s.was_stored,
                    'is_best', b.version_id is not null,
                    'status', progress.coverage_status(s.covered_verses, s.total_verses),
                    'covered_verses', s.covered_verses,
                    'total_verses', s.total_verses,
                    'percent', progress.percent(s.covered_verses, s.total_verses),
                    'chapters_with_any', s.chapters_with_any,
                    'complete_chapters', s.complete_chapters,
                    'total_chapters', s.total_chapters,
                    'books_complete', s.books_complete,
                    'total_books', s.total_books,
                    'testaments', t.testaments
                )
                order by p.place
            ),
            '[]'
        )
    into v_items
    from page as p
    inner join progress.exact_versions(v_kinds, v_version_ids, p_stored) as s
        on p.kind = s.kind and p.version_id = s.version_id
    inner join progress.testaments(v_kinds, v_version_ids, p_stored) as t
        on p.kind = t.kind and p.version_id = t.version_id
    left join progress.best_versions(
        array(select distinct o.language_entity_id from page as o), false, p_stored
    ) as b
        on p.kind = b.kind and p.version_id = b.version_id
    left join progress.version_rollup as r on p.kind = r.kind and p.version_id = r.version_id
    left join public.language_entities as l on p.language_entity_id = l.id;

    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'total', v_total,
                'items', v_items,
                'next_cursor', v_next
            )
        from progress.freshness(null, null, p_stored) as f
    );
end
$$;

comment on function progress.version_list(
    text, uuid, boolean, text, text, integer, text, integer, json, boolean
) is
'Versions with their summaries and testaments as one document, exact in this snapshot: at most
p_limit of those of a kind, a language (with p_descendants those below it too), whose name has p_search
in it, or that of their language or of a region above it, of a status, with at least p_min_percent;
accents and case do not matter, and names are searched in their first thousand characters. p_sort is name, kind, language, status, percent, covered, books, old or
new (the share of a testament), updated or created, with a minus before it the other way round. Equals
are in the order of their names: numbers by size, accents beside their letters, a missing name first,
the first 200 characters count; a missing date is the oldest. next_cursor is what to give as p_after
for those that follow, NULL at the end; total counts all. With p_stored, as last drained.';
