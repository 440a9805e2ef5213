-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_tree(
    kind text, version_id uuid, depth text default 'chapter', book_id text default null
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.tree(
    progress_tree.kind,
    progress_tree.version_id,
    progress_tree.depth,
    progress_tree.book_id,
    false,
    progress.visible_to_caller(array[progress_tree.version_id])
);

comment on function public.progress_tree(text, uuid, text, text) is
'A version, kind audio or text, with its books and their chapters as one document, exact: what
GET /api/v1/versions/{kind}/{version_id}/tree answers. depth is version, book or chapter; book_id
keeps one book. NULL for a version that is not there or that row security hides.';
