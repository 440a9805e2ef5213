-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
-- Nearly every text shows at its first character that it is one; trimming all of it costs twice as
-- much.
create or replace function progress.text_counts(p_verse_text text, p_deleted_at timestamptz)
returns boolean
language sql
immutable
parallel safe
return p_deleted_at is null
and (
    btrim(left(p_verse_text, 1), progress.blank_characters()) <> ''
    or btrim(p_verse_text, progress.blank_characters()) <> ''
);

comment on function progress.text_counts(text, timestamptz) is
'Whether a row of verse_texts is text: not deleted and not blank.';
