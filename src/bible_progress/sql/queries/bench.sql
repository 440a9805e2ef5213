-- Worlds to measure in, and what is measured. Only bench uses these, in databases of its own.

-- name: helpers
create schema bench;

-- What a write costs where nothing is watched: one row, in one page.
create table bench.plain (id integer primary key, number bigint not null) with (fillfactor = 50);
insert into bench.plain values (1, 0);

-- The verses by number, so that a client can pick one without a query of its own.
create table bench.verses (number integer primary key, verse_id text not null);
insert into bench.verses
select
    row_number() over (order by b.book_number, c.chapter_number, v.verse_number),
    v.id
from public.verses as v
inner join public.chapters as c on v.chapter_id = c.id
inner join public.books as b on c.book_id = b.id;

-- About as long as a verse is.
create function bench.words(p_number integer) returns text
language sql immutable parallel safe
return left(repeat('and the light shineth in the darkness ', 6), 60 + p_number * 37 % 130);

-- name: forget
delete from progress.unsettled_change;

-- name: add_languages
insert into public.language_entities (name)
select 'Language ' || n from generate_series(1, %(count)s) as n
returning id;

-- name: add_text_version
insert into public.text_versions (id, language_entity_id, bible_version_id, name)
values (%(id)s, %(language)s, %(canon)s, %(name)s);

-- name: add_audio_version
insert into public.audio_versions (id, language_entity_id, bible_version_id, name)
values (%(id)s, %(language)s, %(canon)s, %(name)s);

-- name: write_texts
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select
    %(id)s,
    v.id,
    bench.words(n.number),
    'published'
from public.books as b
inner join public.chapters as c on b.id = c.book_id
inner join public.verses as v on c.id = v.chapter_id
inner join bench.verses as n on v.id = n.verse_id
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(v.id)), 100) >= %(missing_percent)s
order by n.number;

-- name: record_chapters
insert into public.media_files (
    audio_version_id, chapter_id, upload_status, publish_status, original_filename,
    duration_seconds
)
select
    %(id)s,
    c.id,
    'completed',
    'published',
    c.id || '.mp3',
    240
from public.books as b
inner join public.chapters as c on b.id = c.book_id
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(c.id)), 100) >= %(missing_percent)s
order by b.book_number, c.chapter_number;

-- name: record_ranges
insert into public.media_files (
    audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status, publish_status,
    original_filename, duration_seconds
)
select
    %(id)s,
    c.id,
    c.id || '-' || first_verse,
    c.id || '-' || least(first_verse + 4, c.total_verses),
    'completed',
    'published',
    c.id || '-' || first_verse || '.mp3',
    40
from public.books as b
inner join public.chapters as c on b.id = c.book_id
cross join generate_series(1, c.total_verses, 5) as first_verse
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(c.id || first_verse)), 100) >= %(missing_percent)s
order by b.book_number, c.chapter_number, first_verse;

-- name: record_timings
with files as materialized (
    select
        gen_random_uuid() as id,
        b.id as book_id
    from public.books as b
    where b.book_number between %(first_book)s and %(last_book)s
),

written as (
    insert into public.media_files (
        id, audio_version_id, upload_status, publish_status, original_filename, duration_seconds
    )
    select
        f.id,
        %(id)s,
        'completed',
        'published',
        f.book_id || '.mp3',
        3600
    from files as f
)

insert into public.media_files_verses (
    media_file_id, verse_id, start_time_seconds, duration_seconds
)
select
    f.id,
    v.id,
    5 * n.number,
    5
from files as f
inner join public.chapters as c on f.book_id = c.book_id
inner join public.verses as v on c.id = v.chapter_id
inner join bench.verses as n on v.id = n.verse_id
where mod(abs(hashtext(v.id)), 100) >= %(missing_percent)s
order by n.number;

-- name: copy_texts
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select
    %(id)s,
    t.verse_id,
    t.verse_text,
    t.publish_status
from public.verse_texts as t
where t.text_version_id = %(original)s;

-- name: copy_recordings
with files as materialized (
    select
        gen_random_uuid() as new_id,
        f.*
    from public.media_files as f
    where f.audio_version_id = %(original)s
),

written as (
    insert into public.media_files (
        id, audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status,
        publish_status, original_filename, duration_seconds
    )
    select
        f.new_id,
        %(id)s,
        f.chapter_id,
        f.start_verse_id,
        f.end_verse_id,
        f.upload_status,
        f.publish_status,
        f.original_filename,
        f.duration_seconds
    from files as f
)

insert into public.media_files_verses (
    media_file_id, verse_id, start_time_seconds, duration_seconds
)
select
    f.new_id,
    t.verse_id,
    t.start_time_seconds,
    t.duration_seconds
from files as f
inner join public.media_files_verses as t on f.id = t.media_file_id;

-- name: copy_bitmaps
insert into progress.chapter_bitmap (kind, version_id, chapter_id, covered)
select
    r.kind,
    %(id)s,
    r.chapter_id,
    r.covered
from progress.chapter_bitmap as r
where r.kind = %(kind)s and r.version_id = %(original)s;

-- name: copy_books
insert into progress.book_rollup (
    kind, version_id, book_id, covered_verses, total_verses, chapters_with_any,
    complete_chapters, total_chapters
)
select
    r.kind,
    %(id)s,
    r.book_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters
from progress.book_rollup as r
where r.kind = %(kind)s and r.version_id = %(original)s;

-- name: copy_version
insert into progress.version_rollup (
    kind, version_id, covered_verses, total_verses, chapters_with_any, complete_chapters,
    total_chapters, books_complete, total_books, refreshed_at
)
select
    r.kind,
    %(id)s,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    r.books_complete,
    r.total_books,
    r.refreshed_at
from progress.version_rollup as r
where r.kind = %(kind)s and r.version_id = %(original)s;

-- name: copy_history
insert into progress.version_history (
    kind, version_id, day, covered_verses, total_verses, chapters_with_any, complete_chapters,
    total_chapters, books_complete, total_books
)
select
    r.kind,
    %(id)s,
    r.day,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    r.books_complete,
    r.total_books
from progress.version_history as r
where r.kind = %(kind)s and r.version_id = %(original)s;

-- name: signal_version
select progress.signal(%(kind)s, array[%(id)s::uuid], array[null::text]);

-- name: drain
select
    outcome,
    signals,
    chapters,
    rows_changed,
    lag_seconds,
    error
from progress.drain_version(%(kind)s, %(id)s);

-- name: write_listed_texts
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select
    %(id)s,
    v.id,
    bench.words(n.number),
    'published'
from public.verses as v
inner join bench.verses as n on v.id = n.verse_id
where v.id = any(%(places)s)
order by n.number;

-- name: record_listed_chapters
insert into public.media_files (
    audio_version_id, chapter_id, upload_status, publish_status, original_filename,
    duration_seconds
)
select
    %(id)s,
    c.id,
    'completed',
    'published',
    c.id || '.mp3',
    240
from public.chapters as c
where c.id = any(%(places)s)
order by c.id;

-- name: update_plain
update bench.plain set number = number + 1
where id = %(id)s;

-- name: flip_verse
update public.verse_texts
set verse_text = case when verse_text = '' then bench.words(1) else '' end
where text_version_id = %(version)s and verse_id = %(place)s
returning pg_current_xact_id()::text as xid;

-- name: texts
select v.id
from public.text_versions as v
order by v.id;

-- name: change_verse
-- Of a version that may have no text yet: every second time its verse is there.
insert into public.verse_texts (text_version_id, verse_id, verse_text)
select
    %(version)s,
    v.id,
    bench.words(1)
from public.verses as v
order by v.id
limit 1
on conflict (text_version_id, verse_id) do update
    set verse_text = case when verse_texts.verse_text = '' then excluded.verse_text else '' end;

-- name: flip_recording
update public.media_files
set publish_status = case when publish_status = 'published' then 'archived' else 'published' end
where audio_version_id = %(version)s and chapter_id = %(place)s;

-- name: verses_of_book
select v.id
from public.verses as v
inner join public.chapters as c on v.chapter_id = c.id
where c.book_id = %(book)s
order by v.id;

-- name: chapters_of_book
select c.id from public.chapters as c
where c.book_id = %(book)s
order by c.id;

-- name: numbered_verses
select verse_id from bench.verses
order by number;

-- name: a_language
select id from public.language_entities limit 1;

-- name: insert_bible
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select
    %(version)s,
    v.verse_id,
    bench.words(v.number),
    'published'
from bench.verses as v;

-- name: insert_verse
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
values (%(version)s, %(verse)s, 'and the light shineth in the darkness', 'published');

-- name: empty_verse
update public.verse_texts
set verse_text = case when verse_text = '' then 'and the light' else '' end
where text_version_id = %(version)s and verse_id = %(verse)s;

-- name: reword_verse
update public.verse_texts set verse_text = 'and the light ' || %(number)s::text
where text_version_id = %(version)s and verse_id = %(verse)s;

-- name: delete_verse
delete from public.verse_texts
where text_version_id = %(version)s and verse_id = %(verse)s;

-- name: insert_file
insert into public.media_files (audio_version_id, chapter_id, upload_status, publish_status)
select
    %(recording)s,
    v.chapter_id,
    'completed',
    'published'
from public.verses as v
where v.id = %(verse)s;

-- name: clear_queue
delete from public.progress_refresh_queue;

-- name: signal_many
-- Past the triggers, and of chapters that there need not be: nobody drains these.
insert into public.progress_refresh_queue (kind, version_id, chapter_id)
select
    'text' as kind,
    (%(versions)s::uuid[])[1 + mod(n, cardinality(%(versions)s::uuid[]))],
    'chapter ' || n as chapter_id
from generate_series(1, %(count)s) as n;

-- name: dead_signals
select s.n_dead_tup
from pg_catalog.pg_stat_user_tables as s
where s.relid = 'public.progress_refresh_queue'::regclass;

-- name: flip_random_verse
-- For pgbench, whose variables are :n and :version.
update public.verse_texts
set verse_text = case when verse_text = '' then 'and the light shineth' else '' end
where
    text_version_id = :version::uuid
    and verse_id = (
        select v.verse_id from bench.verses as v
        where v.number = :n
    );

-- name: tidy
vacuum public.verse_texts, public.progress_refresh_queue;

-- name: verses_of_versions
select
    t.text_version_id,
    t.verse_id
from public.verse_texts as t
inner join public.verses as v on t.verse_id = v.id
inner join public.chapters as c on v.chapter_id = c.id
where c.book_id = %(book)s
order by t.text_version_id, t.verse_id;

-- name: signals
select xid::text from public.progress_refresh_queue;

-- name: size_of_tables
select sum(pg_total_relation_size(format('progress.%%I', t.name)::regclass))::bigint
from unnest(%(tables)s::text[]) as t (name);

-- name: size_of_materialized_views
select sum(pg_total_relation_size(c.oid))::bigint
from pg_catalog.pg_class as c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'm';

-- name: empty_rollups
truncate progress.chapter_bitmap, progress.book_rollup, progress.version_rollup;

-- name: refresh_materialized_views
select progress.refresh_materialized_views(%(kind)s);

-- name: nothing
select 1;

-- name: summary
select
    covered_verses,
    total_verses,
    books_complete
from progress.exact_version(%(kind)s, %(id)s);

-- name: best_version
select progress.exact_best_version(%(kind)s, %(id)s);

-- name: look_up_best_text
select text_version_id from public.mv_language_entity_best_text_version
where language_entity_id = %(id)s;

-- name: look_up_version_text
select * from public.mv_text_version_progress_summary
where text_version_id = %(id)s;

-- name: look_up_book_text
select * from public.mv_text_book_coverage
where text_version_id = %(id)s and book_id = %(book)s;

-- name: look_up_chapter_text
select * from public.mv_text_chapter_coverage
where text_version_id = %(id)s and chapter_id = %(chapter)s;

-- name: look_up_verse_text
select * from public.mv_text_verse_coverage
where text_version_id = %(id)s and verse_id = %(verse)s;

-- name: live_summary_text
select * from public.text_version_progress_summary
where text_version_id = %(id)s;

-- name: look_up_best_audio
select audio_version_id from public.mv_language_entity_best_audio_version
where language_entity_id = %(id)s;

-- name: look_up_version_audio
select * from public.mv_audio_version_progress_summary
where audio_version_id = %(id)s;

-- name: look_up_book_audio
select * from public.mv_audio_book_coverage
where audio_version_id = %(id)s and book_id = %(book)s;

-- name: look_up_chapter_audio
select * from public.mv_audio_chapter_coverage
where audio_version_id = %(id)s and chapter_id = %(chapter)s;

-- name: look_up_verse_audio
select * from public.mv_audio_verse_coverage
where audio_version_id = %(id)s and verse_id = %(verse)s;

-- name: live_summary_audio
select * from public.audio_version_progress_summary
where audio_version_id = %(id)s;

-- name: has_jit
select current_setting('jit')::boolean and pg_jit_available() as has_jit;

-- name: may_create_databases
select r.rolcreatedb or r.rolsuper as allowed
from pg_catalog.pg_roles as r
where r.rolname = current_user;

-- name: vacuum
vacuum (analyze);

-- name: vacuum_freeze
vacuum (freeze, analyze);

-- name: lazy_commits
set synchronous_commit = off;

-- name: durable_commits
reset synchronous_commit;

-- name: languages
select id
from public.language_entities
order by id;

-- name: add_many_versions
-- Of as many languages; without content, which lists do not look at.
with languages as (
    select
        e.id,
        row_number() over (order by e.id) as number,
        count(*) over () as languages
    from public.language_entities as e
)

insert into public.text_versions (language_entity_id, bible_version_id, name)
select
    l.id,
    v.bible_version_id,
    'Version ' || g.number
from public.text_versions as v
cross join generate_series(1, %(count)s) as g (number)
inner join languages as l on l.number = mod(g.number, l.languages) + 1
where v.id = %(original)s;

-- name: copy_books_to_all
insert into progress.book_rollup (
    kind, version_id, book_id, covered_verses, total_verses, chapters_with_any,
    complete_chapters, total_chapters
)
select
    r.kind,
    v.version_id,
    r.book_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters
from progress.book_rollup as r
inner join progress.versions as v on r.kind = v.kind
where r.kind = 'text' and r.version_id = %(original)s
on conflict do nothing;

-- name: copy_summary_to_all
insert into progress.version_rollup (
    kind, version_id, covered_verses, total_verses, chapters_with_any, complete_chapters,
    total_chapters, books_complete, total_books, refreshed_at
)
select
    r.kind,
    v.version_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    r.books_complete,
    r.total_books,
    r.refreshed_at
from progress.version_rollup as r
inner join progress.versions as v on r.kind = v.kind
where r.kind = 'text' and r.version_id = %(original)s
on conflict do nothing;

-- name: tree_document
select progress.tree(%(kind)s, %(id)s)::text;
