-- title: texts that are blank
-- severity: advice
-- when: sound host
-- why: Rows without text, or with white space only, do not count as covered.
-- fix: Nothing, if they are placeholders.
-- The characters are those of progress.blank_characters, which is not there before install.
select 'text ' || t.id || ': version ' || t.text_version_id || ', ' || t.verse_id as finding
from public.verse_texts as t
where
    t.deleted_at is null
    and coalesce(
        btrim(
            t.verse_text,
            e' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
            '\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'
        ),
        ''
    ) = ''
order by finding;
