-- The host tables of an empty database: what a team that translates and records works in.
-- A database that already has them is checked instead (see queries/install.sql).

create table public.users (
    id uuid primary key default gen_random_uuid()
);

create table public.bible_versions (
    id text primary key,
    name text not null
);

create table public.books (
    id text primary key,
    name text not null,
    book_number integer not null,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    testament text
);

create index books_bible_version_id_idx on public.books (bible_version_id);

create table public.chapters (
    id text primary key,
    chapter_number integer not null,
    book_id text not null references public.books (id) on delete cascade,
    total_verses integer not null default 0
);

create index chapters_book_id_idx on public.chapters (book_id);

create table public.verses (
    id text primary key,
    verse_number integer not null,
    chapter_id text not null references public.chapters (id) on delete cascade
);

create index verses_chapter_id_idx on public.verses (chapter_id, verse_number);

create table public.language_entities (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    level text not null default 'language',
    parent_id uuid references public.language_entities (id) on delete set null,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
);

create index language_entities_parent_id_idx on public.language_entities (parent_id);

create table public.audio_versions (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid not null references public.language_entities (id) on delete cascade,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz
);

create index audio_versions_language_entity_id_idx on public.audio_versions (language_entity_id);
create index audio_versions_bible_version_id_idx on public.audio_versions (bible_version_id);
create index audio_versions_created_by_idx on public.audio_versions (created_by);

create table public.text_versions (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid not null references public.language_entities (id) on delete cascade,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz
);

create index text_versions_language_entity_id_idx on public.text_versions (language_entity_id);
create index text_versions_bible_version_id_idx on public.text_versions (bible_version_id);
create index text_versions_created_by_idx on public.text_versions (created_by);

create table public.media_files (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid references public.language_entities (id) on delete cascade,
    audio_version_id uuid references public.audio_versions (id) on delete cascade,
    chapter_id text references public.chapters (id) on delete cascade,
    start_verse_id text references public.verses (id) on delete cascade,
    end_verse_id text references public.verses (id) on delete cascade,
    media_type text not null default 'audio' check (media_type in ('audio', 'video', 'image')),
    is_bible_audio boolean not null default true,
    upload_status text not null default 'pending'
    check (upload_status in ('pending', 'uploading', 'completed', 'failed')),
    publish_status text not null default 'pending'
    check (publish_status in ('pending', 'published', 'archived')),
    check_status text not null default 'pending'
    check (check_status in ('pending', 'approved', 'rejected', 'requires_review')),
    duration_seconds numeric,
    original_filename text,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    constraint end_verse_needs_start_verse check (
        end_verse_id is null or start_verse_id is not null
    )
);

create index media_files_audio_version_id_chapter_id_idx
on public.media_files (audio_version_id, chapter_id);
create index media_files_audio_version_id_start_verse_id_idx
on public.media_files (audio_version_id, start_verse_id);
create index media_files_language_entity_id_idx on public.media_files (language_entity_id);
create index media_files_chapter_id_idx on public.media_files (chapter_id);
create index media_files_start_verse_id_idx on public.media_files (start_verse_id);
create index media_files_end_verse_id_idx on public.media_files (end_verse_id);
create index media_files_created_by_idx on public.media_files (created_by);

create table public.media_files_verses (
    id uuid primary key default gen_random_uuid(),
    media_file_id uuid not null references public.media_files (id) on delete cascade,
    verse_id text not null references public.verses (id) on delete cascade,
    start_time_seconds numeric not null default 0,
    duration_seconds numeric not null default 0,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    unique (media_file_id, verse_id)
);

create index media_files_verses_verse_id_idx on public.media_files_verses (verse_id);
create index media_files_verses_created_by_idx on public.media_files_verses (created_by);

create table public.verse_texts (
    id uuid primary key default gen_random_uuid(),
    text_version_id uuid not null references public.text_versions (id) on delete cascade,
    verse_id text not null references public.verses (id) on delete cascade,
    verse_text text,
    publish_status text not null default 'pending'
    check (publish_status in ('pending', 'published', 'archived')),
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    unique (text_version_id, verse_id)
);

create index verse_texts_verse_id_idx on public.verse_texts (verse_id);
create index verse_texts_created_by_idx on public.verse_texts (created_by);
