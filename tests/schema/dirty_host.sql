-- A host that has lived: enums beside text for statuses, more columns, few foreign keys, no primary
-- keys here and there, triggers of its own, row security on every table, everything published; and
-- data with dirt in it. Ids of rows that doctor must name say why: `twice`, `back`, `other`, ...

create type publish_state as enum ('pending', 'published', 'archived', 'withdrawn');
create type check_state as enum ('pending', 'approved', 'rejected', 'requires_review');

create table users (id uuid primary key default gen_random_uuid(), email text);
create table bible_versions (id text primary key, name text not null, year integer);
create table books (
    id text primary key,
    name text not null,
    book_number integer not null,
    bible_version_id text not null,
    testament text,
    abbreviation text
);
create table chapters (
    id text primary key,
    chapter_number integer not null,
    book_id text not null,
    total_verses integer default 0
);
create table verses (
    id text primary key,
    verse_number integer not null,
    chapter_id text not null,
    words_in_source text
);
create table language_entities (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    level text not null default 'language',
    parent_id uuid,
    deleted_at timestamptz
);
create table audio_versions (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    bible_version_id text,
    language_entity_id uuid,
    created_at timestamptz default now(),
    created_by uuid references users (id) on delete set null,
    deleted_at timestamptz,
    organisation text
);
create table text_versions (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    bible_version_id text,
    language_entity_id uuid,
    created_at timestamptz default now(),
    created_by uuid references users (id) on delete set null,
    deleted_at timestamptz,
    organisation text,
    changes integer not null default 0
);
-- No primary key: published whole.
create table media_files (
    id uuid not null default gen_random_uuid() unique,
    language_entity_id uuid,
    audio_version_id uuid,
    chapter_id text,
    start_verse_id text,
    end_verse_id text,
    media_type text not null default 'audio',
    is_bible_audio boolean default true,
    upload_status text not null default 'pending',
    publish_status publish_state not null default 'pending',
    check_status check_state not null default 'pending',
    duration_seconds real,
    original_filename text,
    created_by uuid references users (id) on delete set null,
    deleted_at timestamptz,
    updated_at timestamptz
);
alter table media_files replica identity full;
create table media_files_verses (
    id uuid primary key default gen_random_uuid(),
    media_file_id uuid not null references media_files (id) on delete cascade,
    verse_id text not null,
    start_time_seconds real not null default 0,
    duration_seconds real not null default 0,
    created_by uuid,
    deleted_at timestamptz,
    unique (media_file_id, verse_id)
);
create table verse_texts (
    id uuid primary key default gen_random_uuid(),
    text_version_id uuid not null,
    verse_id text not null,
    verse_text text,
    publish_status text not null default 'pending',
    created_by uuid,
    deleted_at timestamptz,
    unique (text_version_id, verse_id)
);
-- Published, and PostgreSQL refuses to update or delete its rows: it has no replica identity.
create table visits (visitor uuid, seen_at timestamptz);

-- Changes the row that is being written.
create function tidy_file() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    if new.upload_status = 'done' then
        new.upload_status := 'completed';
    end if;
    return new;
end
$$;
create trigger tidy_file before insert or update on media_files
for each row execute function tidy_file();

-- Updates other base tables: a counter, and whatever else was published for the chapter.
create function count_changes() returns trigger language plpgsql as $$
begin
    update text_versions set changes = changes + 1
    where id in (select text_version_id from written);
    return null;
end
$$;
create trigger count_changes after insert on verse_texts
referencing new table as written for each statement execute function count_changes();

create function archive_rejected() returns trigger language plpgsql as $$
begin
    update media_files set publish_status = 'archived'
    where chapter_id = new.chapter_id and id <> new.id and check_status = 'pending';
    return null;
end
$$;
create trigger archive_rejected after update of check_status on media_files
for each row when (new.check_status = 'rejected') execute function archive_rejected();

do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'users', 'bible_versions', 'books', 'chapters', 'verses', 'language_entities',
        'audio_versions', 'text_versions', 'media_files', 'media_files_verses', 'verse_texts'
    ] loop
        execute format('alter table %I enable row level security', v_table);
        execute format('create policy everybody on %I for select using (true)', v_table);
    end loop;
    -- A version is seen by its organisation.
    foreach v_table in array array['audio_versions', 'text_versions'] loop
        execute format('drop policy everybody on %I', v_table);
        execute format(
            'create policy own_organisation on %I using ('
            'organisation is null or organisation = current_setting(''host.organisation'', true))',
            v_table
        );
    end loop;
end
$$;

create publication everything for all tables;

-- Canons: `eng` with two books, `vul` with another; one without a verse.
insert into bible_versions (id, name) values
('eng', 'English'), ('vul', 'Vulgate'), ('empty', 'Nothing yet');
insert into books (id, name, book_number, bible_version_id, testament) values
('gen', 'Genesis', 1, 'eng', 'old'), ('exod', 'Exodus', 2, 'eng', 'old'),
('gen-twice', 'Genesis again', 1, 'eng', 'old'), ('v-gen', 'Genesis', 1, 'vul', 'old'),
('book-of-no-canon', 'Lost', 1, 'gone', 'old');
insert into chapters (id, chapter_number, book_id, total_verses)
select b.id || '-' || n, n, b.id, 3
from books as b, generate_series(1, 2) as n;
insert into chapters (id, chapter_number, book_id, total_verses) values
('chapter-twice', 2, 'gen', 3), ('chapter-of-no-book', 1, 'gone', 3),
('wrong-chapter', 3, 'gen', 31), ('chapter-without-total', 3, 'exod', null);
insert into verses (id, verse_number, chapter_id)
select c.id || '-' || n, n, c.id
from chapters as c, generate_series(1, 3) as n;
insert into verses (id, verse_number, chapter_id) values
('verse-twice', 2, 'gen-1'), ('verse-of-no-chapter', 1, 'gone');

insert into users (id) values ('00000000-0000-0000-0000-0000000000aa');
insert into language_entities (id, name, parent_id, deleted_at) values
('00000000-0000-0000-0000-00000000001f', 'One', null, null),
('00000000-0000-0000-0000-000000000020', 'Two', null, null),
('00000000-0000-0000-0000-0000000000d1', 'Deleted', null, now()),
('00000000-0000-0000-0000-0000000000c1', 'Circle', '00000000-0000-0000-0000-0000000000c2', null),
('00000000-0000-0000-0000-0000000000c2', 'Round', '00000000-0000-0000-0000-0000000000c1', null),
('00000000-0000-0000-0000-0000000000c3', 'Orphan', '00000000-0000-0000-0000-00000000dead', null);

insert into text_versions (id, name, bible_version_id, language_entity_id, organisation) values
('00000000-0000-0000-0000-000000000001', 'Text', 'eng', '00000000-0000-0000-0000-00000000001f', null),
('00000000-0000-0000-0000-000000000002', 'Vulgar', 'vul', '00000000-0000-0000-0000-00000000001f', 'a'),
('00000000-0000-0000-0000-0000000000e1', 'Of an empty canon', 'empty', '00000000-0000-0000-0000-000000000020', null),
('00000000-0000-0000-0000-0000000000e2', 'Of a deleted language', 'eng', '00000000-0000-0000-0000-0000000000d1', null),
('00000000-0000-0000-0000-0000000000e3', 'Of no language', 'eng', '00000000-0000-0000-0000-00000000dead', null),
('00000000-0000-0000-0000-0000000000e4', 'Of no canon', 'gone', '00000000-0000-0000-0000-000000000020', null),
('00000000-0000-0000-0000-0000000000e5', 'Of nothing', null, null, null);
insert into audio_versions (id, name, bible_version_id, language_entity_id, organisation) values
('00000000-0000-0000-0000-00000000000b', 'Audio', 'eng', '00000000-0000-0000-0000-00000000001f', null),
('00000000-0000-0000-0000-00000000000c', 'Vulgar audio', 'vul', '00000000-0000-0000-0000-000000000020', 'b'),
('00000000-0000-0000-0000-0000000000e6', 'Audio of no canon', 'gone', '00000000-0000-0000-0000-000000000020', null);

insert into verse_texts (id, text_version_id, verse_id, verse_text, deleted_at) values
('00000000-0000-0000-0001-000000000001', '00000000-0000-0000-0000-000000000001', 'gen-1-1', 'Words.', null),
('00000000-0000-0000-0001-000000000002', '00000000-0000-0000-0000-000000000001', 'gen-1-2', 'Words.', now()),
('00000000-0000-0000-0001-000000000003', '00000000-0000-0000-0000-000000000001', 'verse-twice', 'Words.', null),
('00000000-0000-0000-0001-000000000004', '00000000-0000-0000-0000-000000000001', 'gen-1-3', e' \u00a0\u200b', null),
('00000000-0000-0000-0001-000000000005', '00000000-0000-0000-0000-000000000001', 'gen-2-1', null, null),
('00000000-0000-0000-0001-000000000006', '00000000-0000-0000-0000-000000000001', 'v-gen-1-1', 'Of another canon.', null),
('00000000-0000-0000-0001-000000000007', '00000000-0000-0000-0000-000000000001', 'no-such-verse', 'Lost.', null),
('00000000-0000-0000-0001-000000000008', '00000000-0000-0000-0000-00000000dead', 'gen-1-1', 'Of no version.', null),
('00000000-0000-0000-0001-000000000009', '00000000-0000-0000-0000-0000000000e4', 'book-of-no-canon-1-1', 'Lost too.', null),
('00000000-0000-0000-0001-00000000000a', '00000000-0000-0000-0000-000000000001', 'chapter-of-no-book-1', 'Words.', null);

insert into media_files
(id, audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status, publish_status, is_bible_audio, media_type)
values
('00000000-0000-0000-0002-000000000001', '00000000-0000-0000-0000-00000000000b', 'gen-1', null, null, 'completed', 'published', true, 'audio'),
-- The uploader gave both.
('00000000-0000-0000-0002-000000000002', '00000000-0000-0000-0000-00000000000b', 'exod-1', 'exod-1-1', 'exod-1-2', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000003', '00000000-0000-0000-0000-00000000000b', null, 'exod-2-3', 'exod-2-1', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000004', '00000000-0000-0000-0000-00000000000b', null, 'gen-1-1', 'v-gen-1-2', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000005', '00000000-0000-0000-0000-00000000000b', 'v-gen-1', null, null, 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000006', '00000000-0000-0000-0000-00000000000b', 'gen-2', null, 'gen-2-2', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000007', '00000000-0000-0000-0000-00000000000b', 'gen-2', 'exod-1-3', 'exod-1-3', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000008', '00000000-0000-0000-0000-00000000000b', null, 'gen-2-3', 'exod-1-1', 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000009', null, 'gen-1', null, null, 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-00000000000a', '00000000-0000-0000-0000-00000000000b', null, null, null, 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-00000000000b', '00000000-0000-0000-0000-00000000000b', 'gen-2', null, null, 'Completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-00000000000c', '00000000-0000-0000-0000-00000000000b', 'gen-2', null, null, 'uploaded', 'published', true, 'audio'),
('00000000-0000-0000-0002-00000000000d', '00000000-0000-0000-0000-00000000000b', 'gen-2', null, null, 'completed', 'withdrawn', null, 'AUDIO'),
('00000000-0000-0000-0002-00000000000e', '00000000-0000-0000-0000-00000000dead', 'gen-2', null, null, 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-00000000000f', '00000000-0000-0000-0000-00000000000b', 'no-such-chapter', null, null, 'completed', 'published', true, 'audio'),
('00000000-0000-0000-0002-000000000010', '00000000-0000-0000-0000-00000000000b', null, 'no-such-verse', 'gen-1-2', 'done', 'published', true, 'audio'),
('00000000-0000-0000-0000-000000000015', '00000000-0000-0000-0000-00000000000c', null, 'v-gen-1-2', 'v-gen-2-1', 'completed', 'published', true, 'audio');
insert into media_files_verses (id, media_file_id, verse_id) values
('00000000-0000-0000-0003-000000000001', '00000000-0000-0000-0002-000000000001', 'exod-2-2'),
('00000000-0000-0000-0003-000000000002', '00000000-0000-0000-0002-000000000001', 'v-gen-1-1'),
('00000000-0000-0000-0003-000000000003', '00000000-0000-0000-0002-000000000001', 'no-such-verse');
