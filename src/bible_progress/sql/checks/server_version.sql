-- title: the server is too old
-- severity: error
-- when: always
-- why: Bible Progress uses what PostgreSQL 15 brought, such as unique nulls not distinct.
-- fix: Upgrade the server to PostgreSQL 15 or newer.
select 'the server is PostgreSQL ' || current_setting('server_version') as finding
where current_setting('server_version_num')::integer < 150000;
