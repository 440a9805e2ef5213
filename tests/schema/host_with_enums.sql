-- A host unlike ours in everything that the contract leaves open: enums for statuses, varchar and
-- bigint where we have text and integer, more columns in between, triggers of its own.

create type media_kind as enum ('video', 'audio', 'image');
create type upload_state as enum ('pending', 'uploading', 'completed', 'failed');
create type publish_state as enum ('pending', 'published', 'archived');
create type check_state as enum ('pending', 'approved', 'rejected', 'requires_review');
create type testament_kind as enum ('old', 'new');
create type entity_level as enum ('family', 'language', 'dialect');

create table users (email text, id uuid primary key default gen_random_uuid());

create table bible_versions (
    abbreviation text, id ID_TYPE primary key, name varchar(200) not null
);

create table books (
    global_order bigint,
    testament testament_kind,
    bible_version_id ID_TYPE not null references bible_versions (id) on delete cascade,
    book_number smallint not null,
    name text not null,
    id ID_TYPE primary key
);

create table chapters (
    book_id ID_TYPE not null references books (id) on delete cascade,
    total_verses bigint not null default 0,
    chapter_number bigint not null,
    id ID_TYPE primary key
);

create table verses (
    words_in_source text,
    chapter_id ID_TYPE not null references chapters (id) on delete cascade,
    verse_number bigint not null,
    id ID_TYPE primary key
);

create table language_entities (
    id uuid primary key default gen_random_uuid(),
    level entity_level not null default 'language',
    parent_id uuid references language_entities (id),
    name text not null,
    deleted_at timestamptz
);

create table audio_versions (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    bible_version_id ID_TYPE not null references bible_versions (id),
    language_entity_id uuid not null references language_entities (id),
    created_at timestamptz not null default now(),
    created_by uuid references users (id) on delete set null,
    deleted_at timestamptz,
    changes integer not null default 0
);

create table text_versions (like audio_versions including all);
alter table text_versions
add foreign key (bible_version_id) references bible_versions (id),
add foreign key (language_entity_id) references language_entities (id);

create table media_files (
    original_filename text,
    duration_seconds double precision,
    check_status check_state not null default 'pending',
    publish_status publish_state not null default 'pending',
    upload_status upload_state not null default 'pending',
    is_bible_audio boolean,
    media_type media_kind not null default 'audio',
    end_verse_id ID_TYPE references verses (id) on delete set null,
    start_verse_id ID_TYPE references verses (id) on delete set null,
    chapter_id ID_TYPE references chapters (id) on delete set null,
    audio_version_id uuid references audio_versions (id) on delete set null,
    language_entity_id uuid,
    created_by uuid,
    deleted_at timestamptz,
    id uuid primary key default gen_random_uuid()
);

create table media_files_verses (
    media_file_id uuid not null references media_files (id) on delete cascade,
    verse_id ID_TYPE not null references verses (id) on delete cascade,
    start_time_seconds real not null default 0,
    duration_seconds integer not null default 0,
    created_by uuid,
    deleted_at timestamptz,
    id uuid primary key default gen_random_uuid()
);
-- Deleted rows may repeat.
create unique index on media_files_verses (verse_id, media_file_id) where deleted_at is null;

create table verse_texts (
    checked boolean default false,
    verse_text varchar,
    verse_id ID_TYPE not null references verses (id) on delete cascade,
    text_version_id uuid not null references text_versions (id) on delete cascade,
    publish_status publish_state not null default 'pending',
    created_by uuid,
    deleted_at timestamptz,
    id uuid primary key default gen_random_uuid()
);
create unique index on verse_texts (text_version_id, verse_id) where deleted_at is null;

-- Changes the row that is being written: a marker for "no text" becomes no text.
create function clean_text() returns trigger language plpgsql as $$
begin
    if new.verse_text = '[none]' then
        new.verse_text := null;
    end if;
    return new;
end
$$;
create trigger a_clean_text before insert or update on verse_texts
for each row execute function clean_text();

-- Turns a delete into a soft one.
create function delete_softly() returns trigger language plpgsql as $$
begin
    update verse_texts set deleted_at = now() where id = old.id;
    return null;
end
$$;
create trigger delete_softly before delete on verse_texts
for each row when (old.deleted_at is null) execute function delete_softly();

-- Writes to other base tables from an after trigger, once a row and once a statement.
create function archive_files_of_rejected() returns trigger language plpgsql as $$
begin
    update media_files set publish_status = 'archived'
    where chapter_id = new.chapter_id and check_status = 'pending' and id <> new.id;
    return null;
end
$$;
create trigger archive_files_of_rejected after update of check_status on media_files
for each row when (new.check_status = 'rejected') execute function archive_files_of_rejected();

create function count_changes() returns trigger language plpgsql as $$
begin
    update text_versions set changes = changes + 1
    where id in (select text_version_id from written);
    return null;
end
$$;
create trigger z_count_changes after insert on verse_texts
referencing new table as written for each statement execute function count_changes();
