-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_best_versions(
    language_entity_id uuid, descendants boolean default true
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.language(
    progress_best_versions.language_entity_id,
    progress_best_versions.descendants,
    false,
    progress.visible_to_caller(
        '{}',
        case
            when progress_best_versions.descendants
                then array(
                    select
                        progress.language_descendants(
                            progress_best_versions.language_entity_id -- noqa: RF01
                        )
                )
            else array[progress_best_versions.language_entity_id]
        end
    )
);

comment on function public.progress_best_versions(uuid, boolean) is
'A language with its best recording and its best text and why they are, as one document, exact: what
GET /api/v1/languages/{id} answers. Versions of the languages below it count too, unless descendants
is false. NULL for a language that is not there or that row security hides; versions that it hides do not
count.';
