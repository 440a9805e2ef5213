\echo Use bible-progress install; this file is its manifest.
-- Every file once, in the order in which install applies it.

-- Run once, in this order, then never edited.
\ir migrations/0001_create_progress_schema.sql
\ir migrations/0002_key_signals_without_sequences.sql
\ir migrations/0003_time_failures.sql
\ir migrations/0004_remember_definitions.sql
\ir migrations/0005_return_more.sql
\ir migrations/0006_read_each_source_by_itself.sql
\ir migrations/0007_rename_functions.sql
\ir migrations/0008_note_changes.sql

-- Which of three ways to store is in use; of files with the same name one applies.
\ir strategies/views/strategy.sql
\ir strategies/matview/strategy.sql
\ir strategies/incremental/strategy.sql

-- Functions that views and other functions are made of.
\ir objects/rules/fraction.sql
\ir objects/rules/chapter_fraction.sql
\ir objects/rules/is_complete.sql
\ir objects/rules/percent.sql
\ir objects/rules/rank.sql
\ir objects/rules/rank_reason.sql
\ir objects/rules/coverage_status.sql
\ir objects/rules/folded_name.sql
\ir objects/rules/natural_key.sql
\ir objects/rules/blank_characters.sql
\ir objects/rules/blank_code_points.sql
\ir objects/rules/text_counts.sql
\ir objects/rules/media_counts.sql
\ir objects/rules/media_scope.sql
\ir objects/queue/install_lock_key.sql
\ir objects/queue/version_lock_key.sql
\ir objects/queue/dirty_chapters.sql
\ir objects/reads/exact_books.sql
\ir objects/reads/exact_chapters.sql
\ir objects/reads/exact_verses.sql
\ir objects/reads/exact_chapter_verses.sql
\ir objects/rules/written_range.sql
\ir objects/reads/ranges_within.sql
\ir objects/reads/verse_ranges.sql
\ir objects/reads/missing_ranges.sql
\ir objects/documents/gaps.sql
\ir objects/documents/next_gaps.sql
\ir objects/documents/gap_list.sql
\ir objects/documents/differences.sql
\ir objects/documents/compare.sql
\ir objects/documents/comparison.sql
\ir objects/reads/exact_version.sql
\ir objects/queue/are_dirty.sql
\ir objects/reads/exact_versions.sql
\ir objects/reads/exact_books_of_versions.sql
\ir objects/reads/recorded_files.sql
\ir objects/queue/snapshot_time.sql
\ir objects/documents/freshness.sql
\ir objects/documents/freshness_of.sql
\ir objects/documents/language_freshness.sql
\ir objects/documents/summaries.sql
\ir objects/documents/testaments.sql
\ir objects/documents/testament_totals.sql
\ir objects/documents/tree.sql
\ir objects/documents/siblings.sql
\ir objects/documents/book_list.sql
\ir objects/documents/chapter.sql
\ir objects/documents/chapter_list.sql
\ir objects/reads/language_descendants.sql
\ir objects/reads/languages_within.sql
\ir objects/reads/languages_with_versions.sql
\ir objects/documents/best_versions.sql
\ir objects/documents/version_list.sql
\ir objects/documents/languages.sql
\ir objects/documents/language.sql
\ir objects/documents/language_list.sql
\ir objects/documents/history.sql
\ir objects/documents/changed_lately.sql
\ir objects/documents/overview.sql
\ir objects/reads/version_states.sql
\ir objects/reads/version_names.sql

-- What counts, from the verse up.
\ir objects/live/versions.sql
\ir objects/live/canon_chapters.sql
\ir objects/live/text_verses.sql
\ir objects/live/text_verse_coverage.sql
\ir objects/live/recordings.sql
\ir objects/live/whole_chapters.sql
\ir objects/live/verses_between.sql
\ir objects/live/recorded_verses.sql
\ir objects/live/audio_verse_coverage.sql
\ir objects/live/live_verses.sql
\ir objects/live/live_chapters.sql
\ir objects/live/live_bitmaps.sql
\ir objects/live/live_bitmap.sql
\ir objects/rollups/rollup_chapters.sql

-- Where materialized views store, they and what fills them.
\ir objects/live/computed_verses.sql
\ir objects/live/computed_chapters.sql
\ir objects/live/computed_books.sql
\ir objects/live/computed_versions.sql
\ir objects/live/computed_best_versions.sql
\ir strategies/matview/mv_audio_chapter_coverage.sql
\ir strategies/matview/mv_audio_version_progress_summary.sql
\ir strategies/matview/mv_text_verse_coverage.sql
\ir strategies/matview/mv_text_chapter_coverage.sql
\ir strategies/matview/mv_text_book_coverage.sql
\ir strategies/matview/mv_text_version_progress_summary.sql
\ir strategies/matview/mv_language_entity_best_text_version.sql

-- What is stored, and the arithmetic above it.
\ir strategies/views/stored_verses.sql
\ir strategies/matview/stored_verses.sql
\ir strategies/incremental/stored_verses.sql
\ir strategies/views/stored_chapters.sql
\ir strategies/matview/stored_chapters.sql
\ir strategies/incremental/stored_chapters.sql
\ir objects/rollups/exact_chapters.sql
\ir objects/live/live_book_sums.sql
\ir objects/live/live_books.sql
\ir objects/rollups/rollup_books.sql
\ir objects/rollups/exact_books.sql
\ir strategies/views/stored_books.sql
\ir strategies/matview/stored_books.sql
\ir strategies/incremental/stored_books.sql
\ir objects/live/live_version_sums.sql
\ir objects/live/live_versions.sql
\ir objects/rollups/exact_versions.sql
\ir strategies/views/stored_versions.sql
\ir strategies/matview/stored_versions.sql
\ir strategies/incremental/stored_versions.sql
\ir objects/live/live_best_versions.sql

-- The contract: live, then stored.
\ir objects/live/audio_chapter_coverage.sql
\ir objects/live/audio_version_progress_summary.sql
\ir objects/live/text_chapter_coverage.sql
\ir objects/live/text_book_coverage.sql
\ir objects/live/text_version_progress_summary.sql
\ir objects/live/language_entity_best_text_version.sql
\ir strategies/incremental/mv_audio_chapter_coverage.sql
\ir strategies/incremental/mv_audio_version_progress_summary.sql
\ir strategies/incremental/mv_text_verse_coverage.sql
\ir strategies/incremental/mv_text_chapter_coverage.sql
\ir strategies/incremental/mv_text_book_coverage.sql
\ir strategies/incremental/mv_text_version_progress_summary.sql
\ir strategies/incremental/mv_language_entity_best_text_version.sql
\ir objects/reads/exact_best_version.sql
\ir objects/rollups/levels.sql
\ir objects/rollups/relationships.sql
\ir objects/rollups/is_filled.sql
\ir objects/rollups/unfilled_views.sql
\ir objects/rollups/is_missing.sql
\ir strategies/views/unstored_versions.sql
\ir strategies/matview/unstored_versions.sql
\ir strategies/incremental/unstored_versions.sql
\ir objects/queue/queue_start.sql
\ir objects/queue/queued.sql
\ir objects/queue/signalled.sql
\ir objects/queue/suspect.sql
\ir objects/queue/dirty.sql
\ir objects/queue/unsignalled_versions.sql
\ir objects/drain/drift.sql
\ir objects/queue/is_dirty.sql
\ir objects/queue/why_dirty.sql
\ir objects/drain/auditable_versions.sql
\ir objects/drain/wrong_totals.sql

-- What marks it dirty.
\ir objects/queue/signal.sql
\ir objects/queue/signal_all.sql
\ir objects/queue/signal_unsignalled.sql
\ir objects/queue/signal_structure.sql
\ir objects/triggers/books_changed.sql
\ir objects/triggers/chapters_changed.sql
\ir objects/triggers/verses_changed.sql
\ir objects/triggers/versions_changed.sql
\ir objects/triggers/verse_texts_changed.sql
\ir objects/triggers/media_files_changed.sql
\ir objects/triggers/media_files_verses_changed.sql
\ir objects/triggers/content_truncated.sql

-- What refreshes it.
\ir objects/rollups/drain_group.sql
\ir objects/rollups/refresh_materialized_views.sql
\ir objects/rollups/refresh_books.sql
\ir objects/rollups/has_timed_verses.sql
\ir objects/rollups/note_timings.sql
\ir objects/rollups/refresh_chapters.sql
\ir objects/rollups/refresh_all_chapters.sql
\ir objects/rollups/refresh_summary.sql
\ir objects/drain/may_pass.sql
\ir objects/drain/record_failure.sql
\ir objects/drain/is_resting.sql
\ir objects/drain/revive_dead_letters.sql
\ir objects/drain/record_lost_drain.sql
\ir objects/drain/is_backing_off.sql
\ir objects/drain/drain_version.sql
\ir objects/drain/is_assigned.sql
\ir objects/queue/renumber_foreign.sql
\ir objects/queue/resolve_unsettled_changes.sql
\ir objects/queue/advance_watermark.sql
\ir objects/queue/lower_watermark.sql
\ir objects/queue/signals_passed.sql
\ir objects/queue/due_versions.sql
\ir objects/queue/has_unsettled_changes.sql
\ir objects/drain/drain_deadline.sql
\ir objects/drain/drain.sql
\ir objects/drain/warm_up.sql
\ir objects/drain/beat.sql
\ir objects/drain/leave.sql
\ir objects/drain/audit.sql

-- What operators use.
\ir objects/operators/suspended.sql
\ir objects/drain/require_schema.sql
\ir objects/operators/guard.sql
\ir objects/operators/retry_dead_letters.sql
\ir objects/operators/discard_dead_letter.sql
\ir objects/operators/dead_letters.sql
\ir objects/operators/failures.sql
\ir objects/queue/waiting_versions.sql
\ir objects/operators/measurements.sql
\ir objects/operators/overrides.sql
\ir objects/operators/signal_version.sql
\ir objects/operators/repair.sql
\ir objects/operators/cron_database.sql
\ir objects/operators/cron_jobs.sql
\ir objects/operators/schedule.sql
\ir objects/operators/hindrances.sql
\ir objects/operators/unschedule.sql
\ir objects/operators/oldest_snapshot.sql
\ir objects/operators/status.sql
\ir objects/operators/current_status.sql

-- What clients call, with their own rights.
\ir objects/clients/visible_to_caller.sql
\ir objects/clients/progress_tree.sql
\ir objects/clients/progress_gaps.sql
\ir objects/clients/progress_compare.sql
\ir objects/clients/progress_best_versions.sql
\ir objects/clients/progress_refresh.sql

-- What belongs to what, for PostgREST, and who may read.
\ir relationships.sql
\ir grants.sql
