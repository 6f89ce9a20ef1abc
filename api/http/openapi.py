"""``python -m api.http.openapi`` prints the REST layer's description, for a browser's types."""

import json

from api.http.app import bare_app
from api.settings.settings import Settings


def description() -> str:
    """OpenAPI, as JSON."""
    return json.dumps(bare_app(Settings()).openapi(), indent=2)


if __name__ == "__main__":
    print(description())  # noqa: T201 - this is the command's answer
