-- title: references without a foreign key
-- severity: advice
-- when: sound host
-- why: Rows may name what is not there; missing_parents lists those that do. They count nothing,
--   and deletes leave them behind.
-- fix: Add the foreign keys once no such row is left.
select
    'public.' || n.table_name || '.' || n.column_name || ' may name a row that public.'
    || n.parent || ' does not have' as finding,
    -- A partitioned parent may have no key that is its id alone.
    case
        when
            exists (
                select
                from pg_catalog.pg_index as i
                inner join pg_catalog.pg_attribute as a
                    on i.indrelid = a.attrelid and a.attnum = i.indkey[0]
                where
                    i.indrelid = ('public.' || n.parent)::regclass
                    and i.indisunique
                    and i.indisvalid
                    and i.indimmediate
                    and i.indpred is null
                    and i.indexprs is null
                    and i.indnkeyatts = 1
                    and a.attname = 'id'
            )
            then
                'alter table public.' || n.table_name || ' add foreign key (' || n.column_name
                || ') references public.' || n.parent || ' (id) on delete '
                || case when n.column_name = 'parent_id' then 'set null' else 'cascade' end || ';'
    end as fix
from (
    values
    ('books', 'bible_version_id', 'bible_versions'),
    ('chapters', 'book_id', 'books'),
    ('verses', 'chapter_id', 'chapters'),
    ('language_entities', 'parent_id', 'language_entities'),
    ('audio_versions', 'bible_version_id', 'bible_versions'),
    ('audio_versions', 'language_entity_id', 'language_entities'),
    ('text_versions', 'bible_version_id', 'bible_versions'),
    ('text_versions', 'language_entity_id', 'language_entities'),
    ('media_files', 'audio_version_id', 'audio_versions'),
    ('media_files', 'chapter_id', 'chapters'),
    ('media_files', 'start_verse_id', 'verses'),
    ('media_files', 'end_verse_id', 'verses'),
    ('media_files_verses', 'media_file_id', 'media_files'),
    ('media_files_verses', 'verse_id', 'verses'),
    ('verse_texts', 'text_version_id', 'text_versions'),
    ('verse_texts', 'verse_id', 'verses')
) as n (table_name, column_name, parent)
where
    not exists (
        select
        from pg_catalog.pg_constraint as k
        cross join lateral unnest(k.conkey, k.confkey) as pair (own, theirs)
        inner join pg_catalog.pg_attribute as a
            on k.conrelid = a.attrelid and pair.own = a.attnum
        inner join pg_catalog.pg_attribute as p
            on k.confrelid = p.attrelid and pair.theirs = p.attnum and p.attname = 'id'
        where
            k.contype = 'f'
            and k.convalidated
            and k.conrelid = ('public.' || n.table_name)::regclass
            and k.confrelid = ('public.' || n.parent)::regclass
            and a.attname = n.column_name
    )
order by finding;
