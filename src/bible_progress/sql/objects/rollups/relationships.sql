-- What belongs to what: a version has its levels, a level the next one below and its place in the
-- canon. Everything else that knows of a relationship asks here: the functions that
-- relationships.sql makes, the rights on them, the reference.
create view progress.relationships
with (security_invoker = true) as
select
    format(r.source, k.kind, s.prefix) as source,
    format(r.target, k.kind, s.prefix) as target,
    string_to_array(format(r.source_columns, k.kind), ' ') as source_columns,
    string_to_array(format(r.target_columns, k.kind), ' ') as target_columns,
    r.is_one
from (
    values
    ('%1$s_versions', '%2$s%1$s_version_progress_summary', 'id', '%1$s_version_id', true),
    ('%1$s_versions', '%2$s%1$s_book_coverage', 'id', '%1$s_version_id', false),
    ('%1$s_versions', '%2$s%1$s_chapter_coverage', 'id', '%1$s_version_id', false),
    ('%1$s_versions', '%2$s%1$s_verse_coverage', 'id', '%1$s_version_id', false),
    ('%2$s%1$s_version_progress_summary', '%1$s_versions', '%1$s_version_id', 'id', true),
    (
        '%2$s%1$s_version_progress_summary', '%2$s%1$s_book_coverage',
        '%1$s_version_id', '%1$s_version_id', false
    ),
    (
        '%2$s%1$s_version_progress_summary', '%2$s%1$s_chapter_coverage',
        '%1$s_version_id', '%1$s_version_id', false
    ),
    ('%2$s%1$s_book_coverage', 'books', 'book_id', 'id', true),
    (
        '%2$s%1$s_book_coverage', '%2$s%1$s_chapter_coverage',
        '%1$s_version_id book_id', '%1$s_version_id book_id', false
    ),
    ('%2$s%1$s_chapter_coverage', 'chapters', 'chapter_id', 'id', true),
    (
        '%2$s%1$s_chapter_coverage', '%2$s%1$s_verse_coverage',
        '%1$s_version_id chapter_id', '%1$s_version_id chapter_id', false
    ),
    ('%2$s%1$s_verse_coverage', 'verses', 'verse_id', 'id', true),
    (
        'language_entities', '%2$slanguage_entity_best_%1$s_version',
        'id', 'language_entity_id', true
    ),
    ('%2$slanguage_entity_best_%1$s_version', '%1$s_versions', '%1$s_version_id', 'id', true)
) as r (source, target, source_columns, target_columns, is_one)
cross join (values ('audio'), ('text')) as k (kind)
cross join (values (''), ('mv_')) as s (prefix);

comment on view progress.relationships is
'What PostgREST can embed in what: rows of target belong to a row of source where the columns are
equal; is_one, at most one of them.';
