"""A camera's further streams on a command line."""

from typing import Annotated

import typer

_NONE = "default"

View = Annotated[
    str | None,
    typer.Option("--view", help="rtsp or rtsps URL of a larger stream for those who look on."),
]
Detail = Annotated[
    str | None,
    typer.Option("--detail", help="That of one that small faces are cut from; may be the same."),
]


def streams(view: str | None, detail: str | None) -> dict[str, str | None]:
    """What was given, as the service takes it; ``default`` becomes None: there is none."""
    given = {"view": view, "detail": detail}
    return {
        role: None if url == _NONE else url.strip()
        for role, url in given.items()
        if url is not None
    }
