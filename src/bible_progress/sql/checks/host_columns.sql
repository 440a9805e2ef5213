-- title: tables or columns that Bible Progress relies on are missing, or of another type
-- severity: error
-- when: host
-- why: What counts is read from these columns; docs/reference/host-tables.md lists them.
-- fix: Make the table or add the column, or rename what holds it already. Before you change one of
--   them, bible-progress suspend.
with needed (table_name, column_name, type_class) as (
    values
    ('users', 'id', 'uuid'),
    ('bible_versions', 'id', 'text'),
    ('bible_versions', 'name', 'text'),
    ('books', 'id', 'text'),
    ('books', 'name', 'text'),
    ('books', 'book_number', 'integer'),
    ('books', 'bible_version_id', 'text'),
    ('books', 'testament', 'text or enum'),
    ('chapters', 'id', 'text'),
    ('chapters', 'chapter_number', 'integer'),
    ('chapters', 'book_id', 'text'),
    ('chapters', 'total_verses', 'integer'),
    ('verses', 'id', 'text'),
    ('verses', 'verse_number', 'integer'),
    ('verses', 'chapter_id', 'text'),
    ('language_entities', 'id', 'uuid'),
    ('language_entities', 'name', 'text'),
    ('language_entities', 'level', 'text or enum'),
    ('language_entities', 'parent_id', 'uuid'),
    ('language_entities', 'deleted_at', 'timestamptz'),
    ('audio_versions', 'id', 'uuid'),
    ('audio_versions', 'language_entity_id', 'uuid'),
    ('audio_versions', 'bible_version_id', 'text'),
    ('audio_versions', 'name', 'text'),
    ('audio_versions', 'created_at', 'timestamptz'),
    ('audio_versions', 'created_by', 'uuid'),
    ('audio_versions', 'deleted_at', 'timestamptz'),
    ('text_versions', 'id', 'uuid'),
    ('text_versions', 'language_entity_id', 'uuid'),
    ('text_versions', 'bible_version_id', 'text'),
    ('text_versions', 'name', 'text'),
    ('text_versions', 'created_at', 'timestamptz'),
    ('text_versions', 'created_by', 'uuid'),
    ('text_versions', 'deleted_at', 'timestamptz'),
    ('media_files', 'id', 'uuid'),
    ('media_files', 'language_entity_id', 'uuid'),
    ('media_files', 'audio_version_id', 'uuid'),
    ('media_files', 'chapter_id', 'text'),
    ('media_files', 'start_verse_id', 'text'),
    ('media_files', 'end_verse_id', 'text'),
    ('media_files', 'media_type', 'text or enum'),
    ('media_files', 'is_bible_audio', 'boolean'),
    ('media_files', 'upload_status', 'text or enum'),
    ('media_files', 'publish_status', 'text or enum'),
    ('media_files', 'check_status', 'text or enum'),
    ('media_files', 'duration_seconds', 'number'),
    ('media_files', 'original_filename', 'text'),
    ('media_files', 'created_by', 'uuid'),
    ('media_files', 'deleted_at', 'timestamptz'),
    ('media_files_verses', 'id', 'uuid'),
    ('media_files_verses', 'media_file_id', 'uuid'),
    ('media_files_verses', 'verse_id', 'text'),
    ('media_files_verses', 'start_time_seconds', 'number'),
    ('media_files_verses', 'duration_seconds', 'number'),
    ('media_files_verses', 'created_by', 'uuid'),
    ('media_files_verses', 'deleted_at', 'timestamptz'),
    ('verse_texts', 'id', 'uuid'),
    ('verse_texts', 'text_version_id', 'uuid'),
    ('verse_texts', 'verse_id', 'text'),
    ('verse_texts', 'verse_text', 'text'),
    ('verse_texts', 'publish_status', 'text or enum'),
    ('verse_texts', 'created_by', 'uuid'),
    ('verse_texts', 'deleted_at', 'timestamptz')
),

present as (
    select
        c.oid as table_oid,
        c.relname as table_name,
        a.attname as column_name,
        case
            when t.typtype = 'e' then 'enum'
            when t.typname in ('text', 'varchar', 'bpchar') then 'text'
            when t.typname in ('int2', 'int4', 'int8') then 'integer'
            when t.typname in ('numeric', 'float4', 'float8') then 'fraction'
            when t.typname = 'bool' then 'boolean'
            else t.typname
        end as type_class,
        format_type(a.atttypid, a.atttypmod) as type_name
    from pg_catalog.pg_class as c
    left join pg_catalog.pg_attribute as a
        on
            c.oid = a.attrelid
            and a.attnum > 0
            and not a.attisdropped
    left join pg_catalog.pg_type as t on a.atttypid = t.oid
    where c.relnamespace = 'public'::regnamespace
),

tables as (
    select distinct
        n.table_name,
        p.table_oid is not null as is_there
    from needed as n
    left join present as p on n.table_name = p.table_name
)

select 'table public.' || t.table_name || ' is missing' as finding
from tables as t
where not t.is_there
union all
select 'column public.' || n.table_name || '.' || n.column_name || ' is missing' as finding
from needed as n
inner join tables as t
    on
        n.table_name = t.table_name
        and t.is_there
where
    not exists (
        select
        from present as p
        where p.table_name = n.table_name and p.column_name = n.column_name
    )
union all
select
    'column public.' || n.table_name || '.' || n.column_name || ' is ' || p.type_name
    || ', not ' || n.type_class as finding
from needed as n
inner join present as p
    on
        n.table_name = p.table_name
        and n.column_name = p.column_name
where
    p.type_class <> n.type_class
    and not (n.type_class = 'text or enum' and p.type_class in ('text', 'enum'))
    and not (n.type_class = 'number' and p.type_class in ('integer', 'fraction'))
order by finding;
