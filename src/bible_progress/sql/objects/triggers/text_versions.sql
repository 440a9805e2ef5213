create or replace trigger progress_insert
after insert on public.text_versions
referencing new table as new_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_update
after update on public.text_versions
referencing old table as old_rows new table as new_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_delete
after delete on public.text_versions
referencing old table as old_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_truncate
after truncate on public.text_versions
for each statement execute function progress.content_truncated('text');
