"""docs/reference/security.md says what the catalog does."""

from pathlib import Path

from docs.doc_pages import rows, section, text
from security.access import READERS, routines
from security.supabase import Project, value

_COLUMNS = {
    "readers": [role for role in READERS if role != "service_role"],
    "service_role": ["service_role"],
    "progress_worker": ["progress_worker"],
    "progress_admin": ["progress_admin"],
}


def test_the_table_of_functions_is_what_the_catalog_grants(project: Project) -> None:
    page = section(text("docs/reference/security.md"), "Functions")
    said: dict[tuple[str, str], bool] = {}
    for names, *answers in rows(page):
        assert len(answers) == len(_COLUMNS)
        for answer, roles in zip(answers, _COLUMNS.values(), strict=True):
            assert answer in ("yes", "no")
            for name in names.split(", "):
                for role in roles:
                    said[name, role] = answer == "yes"
    granted: dict[tuple[str, str], bool] = {}
    for signature, name, is_internal, _ in routines(project.connection):
        for role in [role for roles in _COLUMNS.values() for role in roles]:
            granted[name, role] = value(
                project.connection,
                "select has_function_privilege(%s, %s, 'execute') and (not %s or"
                " has_schema_privilege(%s, 'progress', 'usage'))",
                role,
                signature,
                is_internal,
                role,
            )
    assert {key for key, is_granted in granted.items() if is_granted} == {
        key for key, is_said in said.items() if is_said
    }
    assert said.keys() <= granted.keys()


def test_every_test_that_the_page_names_is_there() -> None:
    here = Path(__file__).parent
    page = section(text("docs/reference/security.md"), "Promises")
    named = {name.strip() for row in rows(page) for name in row[1].split(",")}
    assert len(named) > 5
    for name in named:
        assert (here / name).exists() or (here.parents[1] / name).exists(), name
