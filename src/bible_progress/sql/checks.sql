\echo Use bible-progress doctor; this file is the list of its checks.
-- Every check once, in the order in which they run. What one finds of severity error, install
-- refuses, unless its head says that it goes on.

-- Whether install can work here at all.
\ir checks/server_version.sql
\ir checks/server_encoding.sql
\ir checks/read_only.sql
\ir checks/newer_installation.sql
\ir checks/other_owner.sql
\ir checks/missing_rights.sql

-- Whether its place is free.
\ir checks/leftovers.sql
\ir checks/earlier_implementation.sql
\ir checks/names_taken.sql
\ir checks/host_dependents.sql
\ir checks/suspended.sql

-- Whether the host tables are what we rely on.
\ir checks/host_columns.sql
\ir checks/host_kinds.sql
\ir checks/unique_pairs.sql
\ir checks/duplicate_rows.sql
\ir checks/hidden_rows.sql

-- Changes that no trigger of ours would see.
\ir checks/our_triggers.sql
\ir checks/hindrances.sql
\ir checks/replica_mode.sql
\ir checks/subscriptions.sql
\ir checks/unlogged_tables.sql
\ir checks/foreign_numbers.sql
\ir checks/partitioned_tables.sql
\ir checks/writable_partitions.sql
\ir checks/unsignalled_versions.sql
\ir checks/unfilled_views.sql

-- What runs beside us.
\ir checks/earlier_cron_jobs.sql
\ir checks/publications_of_everything.sql
\ir checks/replica_identity.sql
\ir checks/default_privileges.sql
\ir checks/busy_transactions.sql
\ir checks/open_host_tables.sql
\ir checks/row_security_on_versions.sql
\ir checks/shown_versions.sql
\ir checks/host_triggers.sql
\ir checks/event_triggers.sql

-- What is slow.
\ir checks/missing_indexes.sql
\ir checks/autovacuum_off.sql
\ir checks/old_snapshots.sql
\ir checks/stale_statistics.sql
\ir checks/jit.sql

-- Numbers that will surprise.
\ir checks/unknown_statuses.sql
\ir checks/recordings_not_ready.sql
\ir checks/versions_without_canon.sql
\ir checks/rows_of_another_canon.sql
\ir checks/reversed_ranges.sql
\ir checks/end_without_start.sql
\ir checks/chapter_and_verse_disagree.sql
\ir checks/ranges_across_books.sql
\ir checks/recordings_without_version.sql
\ir checks/recordings_without_place.sql
\ir checks/blank_texts.sql
\ir checks/duplicate_verse_numbers.sql
\ir checks/duplicate_chapter_numbers.sql
\ir checks/duplicate_book_numbers.sql
\ir checks/missing_numbers.sql
\ir checks/wrong_totals.sql
\ir checks/orphaned_languages.sql
\ir checks/language_parents.sql
\ir checks/missing_parents.sql
\ir checks/missing_foreign_keys.sql
