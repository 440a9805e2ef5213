-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_gaps(
    kind text,
    version_id uuid,
    max_chapters integer default 200,
    after_chapter_id text default null
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.gap_list(
    progress_gaps.kind,
    progress_gaps.version_id,
    progress_gaps.max_chapters,
    progress_gaps.after_chapter_id,
    false,
    progress.visible_to_caller(array[progress_gaps.version_id])
);

comment on function public.progress_gaps(text, uuid, integer, text) is
'What a version lacks in canon order, one item a chapter, as one document, exact: what
GET /api/v1/versions/{kind}/{version_id}/gaps answers. At most max_chapters, 1 to 1500;
next_cursor of the document is the after_chapter_id for those that follow. NULL for a version that is
not there or that row security hides.';
