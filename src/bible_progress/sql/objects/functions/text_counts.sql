-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
-- The trimmed characters are Unicode's White_Space, and the zero-width ones that editors leave.
-- PostgreSQL 15 does not know the escape \v: to it that is the letter.
create or replace function progress.text_counts(p_verse_text text, p_deleted_at timestamptz)
returns boolean
language sql
immutable
parallel safe
return p_deleted_at is null
and btrim(
    p_verse_text,
    e' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009'
    '\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'
) <> '';

comment on function progress.text_counts(text, timestamptz) is
'Whether a row of verse_texts is text: not deleted and not blank.';
