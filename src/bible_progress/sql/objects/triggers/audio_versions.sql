create or replace trigger progress_insert
after insert on public.audio_versions
referencing new table as new_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_update
after update on public.audio_versions
referencing old table as old_rows new table as new_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_delete
after delete on public.audio_versions
referencing old table as old_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_truncate
after truncate on public.audio_versions
for each statement execute function progress.content_truncated('audio');
