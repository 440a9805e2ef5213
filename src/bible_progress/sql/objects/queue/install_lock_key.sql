create or replace function progress.install_lock_key()
returns bigint
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return hashtextextended('bible-progress/install', 0);

comment on function progress.install_lock_key() is
'The advisory lock that an install or a change of strategy holds alone, and drains share.';
