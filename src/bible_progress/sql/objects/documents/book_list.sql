-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.book_list(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            json_build_object(
                'kind', t.tree -> 'kind',
                'version_id', t.tree -> 'id',
                'as_of', t.tree -> 'as_of',
                'pending', t.tree -> 'pending',
                'items', t.tree -> 'books'
            )
        from progress.tree(p_kind, p_version_id, 'book', null, p_stored) as t (tree)
        where t.tree is not null
    );
end
$$;

comment on function progress.book_list(text, uuid, boolean) is
'The books of a version in canon order as one document, exact in this snapshot. NULL for a version
that is not there. With p_stored, as last drained.';
