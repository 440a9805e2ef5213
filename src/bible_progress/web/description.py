"""The OpenAPI document: what routes cannot say of themselves."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI

from ..reading import documents

_VERSION = "/versions/{kind}/{version_id}"
_OF_ITEM = {"kind": "items/0/kind", "version_id": "items/0/id"}
_OF_BEST = {"kind": "language/best_text/kind", "version_id": "language/best_text/id"}
_SAME = {"kind": "kind", "version_id": "version_id"}
# What an answer tells of where to go on: (the path that answers, the method and path that follow,
# which part of the answer is which parameter).
_LINKS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("/versions", "get", "/versions", {"cursor": "next_cursor"}),
    *(
        ("/versions", "get", f"{_VERSION}{below}", _OF_ITEM)
        for below in ("", "/tree", "/books", "/chapters", "/gaps", "/history", "/badge.svg")
    ),
    ("/versions", "get", "/languages/{language_id}", {"language_id": "items/0/language_entity_id"}),
    (_VERSION, "get", f"{_VERSION}/tree", {"kind": "kind", "version_id": "id"}),
    (f"{_VERSION}/books", "get", f"{_VERSION}/tree", {**_SAME, "book": "items/0/id"}),
    (f"{_VERSION}/books", "get", f"{_VERSION}/chapters", {**_SAME, "book": "items/0/id"}),
    (f"{_VERSION}/chapters", "get", f"{_VERSION}/chapter", {**_SAME, "id": "items/0/id"}),
    (f"{_VERSION}/gaps", "get", f"{_VERSION}/gaps", {**_SAME, "cursor": "next_cursor"}),
    (f"{_VERSION}/gaps", "get", f"{_VERSION}/chapter", {**_SAME, "id": "next/chapter_id"}),
    ("/languages", "get", "/languages", {"cursor": "next_cursor"}),
    ("/languages", "get", "/languages/{language_id}", {"language_id": "items/0/id"}),
    ("/languages/{language_id}", "get", _VERSION, _OF_BEST),
    (
        "/operations/queue",
        "get",
        _VERSION,
        {"kind": "items/0/kind", "version_id": "items/0/version_id"},
    ),
    ("/operations/dead-letters", "get", "/operations/dead-letters", {"cursor": "next_cursor"}),
    (
        "/operations/dead-letters",
        "post",
        "/operations/dead-letters/{letter_id}/retry",
        {"letter_id": "items/0/id"},
    ),
    (
        "/operations/dead-letters",
        "delete",
        "/operations/dead-letters/{letter_id}",
        {"letter_id": "items/0/id"},
    ),
)


def describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what routes cannot say: problems, examples, links."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        _add_examples(document)
        _add_links(document, str(app.openapi_url).rpartition("/")[0])
        schemas = document["components"]["schemas"]
        schemas["Problem"] = documents.Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        # Fields are added: clients that are made from this must not refuse what they do not know.
        for schema in schemas.values():
            schema.pop("additionalProperties", None)
        return document

    app.openapi = openapi


def _add_examples(document: dict[str, Any]) -> None:
    examples = json.loads(files("bible_progress.web").joinpath("examples.json").read_text("utf-8"))
    for path in document["paths"].values():
        for operation in path.values():
            shown = operation["responses"].get("200", {}).get("content", {})
            reference = shown.get("application/json", {}).get("schema", {}).get("$ref", "")
            name = reference.rpartition("/")[2]
            if name in examples:
                shown["application/json"]["example"] = examples[name]
            # Validation errors are problems too.
            for status, answer in operation["responses"].items():
                if status == "422" and "application/json" in answer.get("content", {}):
                    answer["content"] = {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"}
                        }
                    }


def _add_links(document: dict[str, Any], prefix: str) -> None:
    paths = document["paths"]
    for path, method, following, parts in _LINKS:
        operation = paths[f"{prefix}{following}"][method]
        answer = paths[f"{prefix}{path}"]["get"]["responses"]["200"]
        name = operation["summary"].lower().replace(" ", "_")
        answer.setdefault("links", {})[f"{name}_by_{'_'.join(parts)}"] = {
            "operationId": operation["operationId"],
            "parameters": {
                parameter: f"$response.body#/{pointer}" for parameter, pointer in parts.items()
            },
        }
