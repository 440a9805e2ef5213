-- title: the database is not encoded in UTF8
-- severity: error
-- when: always
-- why: Texts are told from blanks by their Unicode characters.
-- fix: Make a database with encoding UTF8 and move the data.
select
    'database ' || current_database() || ' is encoded in ' || current_setting('server_encoding')
    || '; UTF8 is needed' as finding
where current_setting('server_encoding') <> 'UTF8';
