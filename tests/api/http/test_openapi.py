"""The description of the REST layer, from which the page's types are made."""

import json
from pathlib import Path

import pytest

from api.http.openapi import description

_FILE = Path(__file__).parents[3] / "dashboards" / "web" / "openapi.json"


def test_the_description_for_browsers_is_that_of_the_routes() -> None:
    """If not: make web."""
    assert json.loads(_FILE.read_text()) == json.loads(description())


@pytest.mark.parametrize("verb", ["post", "patch", "put"])
def test_every_body_forbids_what_it_does_not_know(verb: str) -> None:
    schemas = json.loads(description())["components"]["schemas"]
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path in json.loads(description())["paths"].values()
        for name, operation in path.items()
        if name == verb
        and "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert bodies
    assert [name for name in bodies if schemas[name].get("additionalProperties") is not False] == []
