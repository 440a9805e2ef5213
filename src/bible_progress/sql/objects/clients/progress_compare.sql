-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_compare(kinds text[], version_ids uuid[])
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.comparison(
    progress_compare.kinds,
    progress_compare.version_ids,
    false,
    progress.visible_to_caller(progress_compare.version_ids)
);

comment on function public.progress_compare(text[], uuid[]) is
'What each of two to eight versions of one canon has that none of the others has, and what it lacks,
as one document, exact: what GET /api/v1/compare answers. The first of kinds belongs to the first of
version_ids, and so on. NULL where one is not there or row security hides it; refused (BP002) for
different canons.';
