-- title: a newer Bible Progress installed this database
-- severity: error
-- when: installed
-- why: This package does not know what the newer one made.
-- fix: Upgrade the package: pip install --upgrade bible-progress
select
    'this database was installed by Bible Progress ' || s.package_version
    || ', which is newer than this one (' || %(package_version)s || ')' as finding
from progress.settings as s
where
    s.schema_version > %(schema_version)s
    or (
        select (array_agg(found.number[1]::integer))[1:3]
        from regexp_matches(s.package_version, '[0-9]+', 'g') as found (number)
    ) > (
        select (array_agg(found.number[1]::integer))[1:3]
        from regexp_matches(%(package_version)s, '[0-9]+', 'g') as found (number)
    );
