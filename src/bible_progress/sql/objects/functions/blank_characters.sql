-- Folded into a constant by the planner, hence no pinned search_path: it names nothing.
-- Unicode's White_Space, and the zero-width characters that editors leave.
-- PostgreSQL 15 does not know the escape \v: to it that is the letter.
create or replace function progress.blank_characters()
returns text
language sql
immutable
parallel safe
return
e' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009'
'\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';

comment on function progress.blank_characters() is
'The characters that are no text by themselves.';
