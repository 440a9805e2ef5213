-- Inlined by the planner, hence no pinned search_path: fully qualified instead. The stem is handed
-- in, since lists make thousands of keys: most names have one number, at their end.
create or replace function progress.natural_key(p_folded text, p_stem text)
returns text
language sql
immutable
parallel safe
return case
    when
        p_stem ~ '[0-9]'
        or octet_length(p_folded) > 185
        or octet_length(p_folded) - octet_length(p_stem) > 15
        then
            left(
                regexp_replace(
                    regexp_replace(p_folded, '([0-9]+)', '00000000000000\1', 'g'),
                    '0*([0-9]{15})',
                    '\1',
                    'g'
                ),
                200
            )
    when octet_length(p_stem) = octet_length(p_folded) then p_folded
    else p_stem || lpad(ltrim(substr(p_folded, length(p_stem) + 1), '0'), 15, '0')
end;

comment on function progress.natural_key(text, text) is
'What a folded name is ordered by, byte by byte: its numbers as wide as any, so that 2 comes before
10; its first 200 characters. The stem is the name without the digits at its end.';
