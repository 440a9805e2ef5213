-- With the rights of who calls: this is where row security decides for the functions that clients
-- call, which hand what it returns to functions that run as their owner.
-- Every column of versions, languages, canons and books that a document shows is named, so that a
-- role which may not read one is refused. Objects, since keys are found sooner than array items.
create or replace function progress.visible_to_caller(
    p_version_ids uuid[], p_language_entity_ids uuid[] default '{}'
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_languages uuid[];
    v_canons text[];
begin
    if cardinality(p_version_ids) > 8 then
        raise exception 'this takes eight versions at once at most' using errcode = 'BP002';
    end if;

    select
        array_agg(n.language_entity_id) || p_language_entity_ids,
        array_agg(distinct n.bible_version_id)
    into v_languages, v_canons
    from (
        select a.language_entity_id, a.bible_version_id::text as bible_version_id
        from public.audio_versions as a
        where a.id = any (p_version_ids) and a.deleted_at is null
        union all
        select t.language_entity_id, t.bible_version_id::text
        from public.text_versions as t
        where t.id = any (p_version_ids) and t.deleted_at is null
    ) as n;

    return jsonb_build_object(
        'audio', (
            select coalesce(jsonb_object_agg(v.id, true), '{}')
            from (
                select a.id, a.name, a.bible_version_id, a.created_at
                from public.audio_versions as a
                where
                    a.deleted_at is null
                    and (a.id = any (p_version_ids) or a.language_entity_id = any (v_languages))
            ) as v
        ),
        'text', (
            select coalesce(jsonb_object_agg(v.id, true), '{}')
            from (
                select t.id, t.name, t.bible_version_id, t.created_at
                from public.text_versions as t
                where
                    t.deleted_at is null
                    and (t.id = any (p_version_ids) or t.language_entity_id = any (v_languages))
            ) as v
        ),
        -- With parents and children of those asked for.
        'languages', (
            select coalesce(jsonb_object_agg(l.id, true), '{}')
            from (
                select s.id, s.name, s.level, s.parent_id, s.deleted_at
                from public.language_entities as s
                where
                    s.id = any (v_languages)
                    or s.parent_id = any (p_language_entity_ids)
                    or s.id in (
                        select c.parent_id
                        from public.language_entities as c
                        where c.id = any (p_language_entity_ids)
                    )
            ) as l
        ),
        'canons', (
            select coalesce(jsonb_object_agg(c.id, true), '{}')
            from (
                select b.id, b.name
                from public.bible_versions as b
                where b.id = any (v_canons)
            ) as c
        ),
        'books', (
            select coalesce(jsonb_object_agg(k.id, true), '{}')
            from (
                select b.id, b.name, b.book_number, b.testament
                from public.books as b
                where b.bible_version_id = any (v_canons)
            ) as k
        )
    );
end
$$;

comment on function progress.visible_to_caller(uuid[], uuid[]) is
'What the calling role may see of these versions and languages: by row security and its own rights,
the ids of those that are there and what belongs to them, versions of the same languages included.
Functions that take it as p_visible answer as if nothing else were there; NULL stands for everything.';
