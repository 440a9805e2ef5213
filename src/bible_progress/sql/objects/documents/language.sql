-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language(
    p_language_entity_id uuid,
    p_descendants boolean default false,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_language json := progress.languages(
        array[p_language_entity_id], p_descendants, p_stored, p_visible
    ) -> 0;
begin
    if v_language is null then
        return null;
    end if;
    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'language', v_language
            )
        from progress.language_freshness(
            p_language_entity_id, p_descendants, p_stored, p_visible
        ) as f
    );
end
$$;

comment on function progress.language(uuid, boolean, boolean, jsonb) is
'A language with its best recording and its best text and why they are, as one document, exact in
this snapshot. NULL for one that is not there. With p_descendants, what is below it counts too. With
p_stored, as last drained; with p_visible, as if only what is in it were there.';
