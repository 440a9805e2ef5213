-- progress: since 0.1.0

drop view if exists progress.best_versions_by_source;
drop view if exists progress.versions_by_source;
drop view if exists progress.stale_books;
drop view if exists progress.books_by_source;
drop view if exists progress.chapters_by_source;

drop function if exists progress.drain_version(text, uuid);
