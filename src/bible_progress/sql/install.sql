\echo Use bible-progress install; this file is its manifest.
-- Every file once, in the order in which install applies it.

-- Run once, in this order, then never edited.
\ir migrations/0001_create_progress_schema.sql
\ir migrations/0002_key_signals_without_sequences.sql
\ir migrations/0003_time_failures.sql
\ir migrations/0004_remember_definitions.sql
\ir migrations/0005_return_more.sql

-- Which of three ways to store is in use; of files with the same name one applies.
\ir strategies/views/strategy.sql
\ir strategies/matview/strategy.sql
\ir strategies/incremental/strategy.sql

-- Functions that views and other functions are made of.
\ir objects/functions/fraction.sql
\ir objects/functions/chapter_fraction.sql
\ir objects/functions/is_complete.sql
\ir objects/functions/percent.sql
\ir objects/functions/rank.sql
\ir objects/functions/rank_reason.sql
\ir objects/functions/coverage_status.sql
\ir objects/functions/folded_name.sql
\ir objects/functions/natural_key.sql
\ir objects/functions/blank_characters.sql
\ir objects/functions/blank_code_points.sql
\ir objects/functions/text_counts.sql
\ir objects/functions/media_counts.sql
\ir objects/functions/media_scope.sql
\ir objects/functions/install_lock_key.sql
\ir objects/functions/version_lock_key.sql
\ir objects/functions/dirty_chapters.sql
\ir objects/functions/exact_books.sql
\ir objects/functions/exact_chapters.sql
\ir objects/functions/exact_verses.sql
\ir objects/functions/exact_chapter_verses.sql
\ir objects/functions/written_range.sql
\ir objects/functions/ranges_within.sql
\ir objects/functions/verse_ranges.sql
\ir objects/functions/missing_ranges.sql
\ir objects/functions/gaps.sql
\ir objects/functions/next_gaps.sql
\ir objects/functions/gap_list.sql
\ir objects/functions/differences.sql
\ir objects/functions/compare.sql
\ir objects/functions/comparison.sql
\ir objects/functions/exact_version.sql
\ir objects/functions/are_dirty.sql
\ir objects/functions/exact_versions.sql
\ir objects/functions/exact_books_of_versions.sql
\ir objects/functions/recorded_files.sql
\ir objects/functions/snapshot_time.sql
\ir objects/functions/freshness.sql
\ir objects/functions/freshness_of.sql
\ir objects/functions/language_freshness.sql
\ir objects/functions/summaries.sql
\ir objects/functions/testaments.sql
\ir objects/functions/testament_totals.sql
\ir objects/functions/tree.sql
\ir objects/functions/siblings.sql
\ir objects/functions/book_list.sql
\ir objects/functions/chapter.sql
\ir objects/functions/chapter_list.sql
\ir objects/functions/language_descendants.sql
\ir objects/functions/languages_within.sql
\ir objects/functions/languages_with_versions.sql
\ir objects/functions/best_versions.sql
\ir objects/functions/version_list.sql
\ir objects/functions/languages.sql
\ir objects/functions/language.sql
\ir objects/functions/language_list.sql
\ir objects/functions/history.sql
\ir objects/functions/changed_lately.sql
\ir objects/functions/overview.sql
\ir objects/functions/version_states.sql
\ir objects/functions/version_names.sql

-- What counts, from the verse up.
\ir objects/views/versions.sql
\ir objects/views/canon_chapters.sql
\ir objects/views/text_verse_coverage.sql
\ir objects/views/recordings.sql
\ir objects/views/recorded_verses.sql
\ir objects/views/audio_verse_coverage.sql
\ir objects/views/live_verses.sql
\ir objects/views/live_chapters.sql
\ir objects/views/live_bitmaps.sql
\ir objects/views/rollup_chapters.sql

-- Where materialized views store, they and what fills them.
\ir objects/functions/computed_verses.sql
\ir objects/functions/computed_chapters.sql
\ir objects/functions/computed_books.sql
\ir objects/functions/computed_versions.sql
\ir objects/functions/computed_best_versions.sql
\ir strategies/matview/mv_audio_verse_coverage.sql
\ir strategies/matview/mv_audio_chapter_coverage.sql
\ir strategies/matview/mv_audio_book_coverage.sql
\ir strategies/matview/mv_audio_version_progress_summary.sql
\ir strategies/matview/mv_text_verse_coverage.sql
\ir strategies/matview/mv_text_chapter_coverage.sql
\ir strategies/matview/mv_text_book_coverage.sql
\ir strategies/matview/mv_text_version_progress_summary.sql
\ir strategies/matview/mv_language_entity_best_audio_version.sql
\ir strategies/matview/mv_language_entity_best_text_version.sql

-- What is stored, and the arithmetic above it.
\ir strategies/views/stored_verses.sql
\ir strategies/matview/stored_verses.sql
\ir strategies/incremental/stored_verses.sql
\ir strategies/views/stored_chapters.sql
\ir strategies/matview/stored_chapters.sql
\ir strategies/incremental/stored_chapters.sql
\ir objects/views/chapters_by_source.sql
\ir objects/views/books_by_source.sql
\ir objects/views/stale_books.sql
\ir strategies/views/stored_books.sql
\ir strategies/matview/stored_books.sql
\ir strategies/incremental/stored_books.sql
\ir objects/views/versions_by_source.sql
\ir strategies/views/stored_versions.sql
\ir strategies/matview/stored_versions.sql
\ir strategies/incremental/stored_versions.sql
\ir objects/views/best_versions_by_source.sql

-- The contract: live, then stored.
\ir objects/views/audio_chapter_coverage.sql
\ir objects/views/audio_book_coverage.sql
\ir objects/views/audio_version_progress_summary.sql
\ir objects/views/text_chapter_coverage.sql
\ir objects/views/text_book_coverage.sql
\ir objects/views/text_version_progress_summary.sql
\ir objects/views/language_entity_best_audio_version.sql
\ir objects/views/language_entity_best_text_version.sql
\ir strategies/incremental/mv_audio_verse_coverage.sql
\ir strategies/incremental/mv_audio_chapter_coverage.sql
\ir strategies/incremental/mv_audio_book_coverage.sql
\ir strategies/incremental/mv_audio_version_progress_summary.sql
\ir strategies/incremental/mv_text_verse_coverage.sql
\ir strategies/incremental/mv_text_chapter_coverage.sql
\ir strategies/incremental/mv_text_book_coverage.sql
\ir strategies/incremental/mv_text_version_progress_summary.sql
\ir strategies/incremental/mv_language_entity_best_audio_version.sql
\ir strategies/incremental/mv_language_entity_best_text_version.sql
\ir objects/functions/exact_best_version.sql
\ir objects/views/levels.sql
\ir objects/views/relationships.sql
\ir objects/functions/is_filled.sql
\ir objects/views/unfilled_views.sql
\ir objects/functions/is_missing.sql
\ir strategies/views/unstored_versions.sql
\ir strategies/matview/unstored_versions.sql
\ir strategies/incremental/unstored_versions.sql
\ir objects/views/queue_start.sql
\ir objects/views/queued.sql
\ir objects/views/signalled.sql
\ir objects/views/suspect.sql
\ir objects/views/dirty.sql
\ir objects/functions/unsignalled_versions.sql
\ir objects/functions/drift.sql
\ir objects/functions/is_dirty.sql
\ir objects/functions/why_dirty.sql
\ir objects/functions/auditable_versions.sql
\ir objects/functions/lying_totals.sql

-- What marks it dirty.
\ir objects/functions/signal.sql
\ir objects/functions/signal_all.sql
\ir objects/functions/signal_unsignalled.sql
\ir objects/functions/signal_structure.sql
\ir objects/functions/content_truncated.sql
\ir objects/functions/versions_changed.sql
\ir objects/triggers/books.sql
\ir objects/triggers/chapters.sql
\ir objects/triggers/verses.sql
\ir objects/triggers/audio_versions.sql
\ir objects/triggers/text_versions.sql
\ir objects/triggers/verse_texts.sql
\ir objects/triggers/media_files.sql
\ir objects/triggers/media_files_verses.sql

-- What refreshes it.
\ir objects/functions/drained_together.sql
\ir objects/functions/refresh_materialized_views.sql
\ir objects/functions/refresh_books.sql
\ir objects/functions/timings_may_add.sql
\ir objects/functions/note_timings.sql
\ir objects/functions/refresh_chapters.sql
\ir objects/functions/refresh_all_chapters.sql
\ir objects/functions/refresh_summary.sql
\ir objects/functions/may_pass.sql
\ir objects/functions/record_failure.sql
\ir objects/functions/is_resting.sql
\ir objects/functions/revive_dead_letters.sql
\ir objects/functions/record_lost_drain.sql
\ir objects/functions/is_backing_off.sql
\ir objects/functions/drain_version.sql
\ir objects/functions/is_assigned.sql
\ir objects/functions/renumber_foreign.sql
\ir objects/functions/settle.sql
\ir objects/functions/advance_watermark.sql
\ir objects/functions/lower_watermark.sql
\ir objects/functions/signals_passed.sql
\ir objects/functions/due_versions.sql
\ir objects/functions/has_unsettled_changes.sql
\ir objects/functions/drain_deadline.sql
\ir objects/functions/drain.sql
\ir objects/functions/warm_up.sql
\ir objects/functions/beat.sql
\ir objects/functions/leave.sql
\ir objects/functions/audit.sql

-- What operators use.
\ir objects/functions/suspended.sql
\ir objects/functions/require_schema.sql
\ir objects/functions/guard.sql
\ir objects/functions/retry_dead_letters.sql
\ir objects/functions/discard_dead_letter.sql
\ir objects/functions/dead_letters.sql
\ir objects/functions/failures.sql
\ir objects/functions/waiting_versions.sql
\ir objects/functions/measurements.sql
\ir objects/functions/overrides.sql
\ir objects/functions/signal_version.sql
\ir objects/functions/repair.sql
\ir objects/functions/cron_database.sql
\ir objects/functions/cron_jobs.sql
\ir objects/functions/schedule.sql
\ir objects/functions/hindrances.sql
\ir objects/functions/unschedule.sql
\ir objects/views/oldest_snapshot.sql
\ir objects/views/status.sql
\ir objects/functions/current_status.sql

-- What clients call, with their own rights.
\ir objects/functions/sight.sql
\ir objects/functions/progress_tree.sql
\ir objects/functions/progress_gaps.sql
\ir objects/functions/progress_compare.sql
\ir objects/functions/progress_best_versions.sql
\ir objects/functions/progress_refresh.sql

-- What belongs to what, for PostgREST, and who may read.
\ir relationships.sql
\ir grants.sql
