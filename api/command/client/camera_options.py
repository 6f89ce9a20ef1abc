"""A camera's options on a command line."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

_DEFAULT = "default"

Transport = Annotated[
    str | None, typer.Option("--transport", help="tcp, udp, or auto: udp where tcp is refused.")
]
ConnectTimeout = Annotated[
    str | None, typer.Option("--connect-timeout", help="Seconds until it must have agreed to play.")
]
ReadTimeout = Annotated[
    str | None, typer.Option("--read-timeout", help="Seconds that it may be silent.")
]
Decoder = Annotated[
    str | None, typer.Option("--decoder", help="cpu, cuda, or auto: cuda where there is one.")
]
Rate = Annotated[
    str | None,
    typer.Option("--rate", help="Pictures analysed a second: all, keys (key pictures), or N."),
]
Region = Annotated[
    str | None,
    typer.Option("--region", help="What is analysed: x,y,width,height as parts of the picture."),
]
Mask = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        help="What is black to all: the corners of a polygon as parts of the picture,"
        ' "0,0 0.5,0 0.5,0.3"; once for each. They replace those before.',
    ),
]


def options(  # noqa: PLR0913, PLR0917 - each is an option of the command
    transport: str | None,
    connect_timeout: str | None,
    read_timeout: str | None,
    decoder: str | None,
    rate: str | None,
    region: str | None,
    masks: Sequence[str] | None,
) -> dict[str, Any]:
    """What was given, as the service takes it; ``default`` becomes None."""
    texts = {
        "transport": (transport, str),
        "connect_timeout": (connect_timeout, float),
        "read_timeout": (read_timeout, float),
        "decoder": (decoder, str),
        "analysed": (rate, _rate),
        "region": (region, _region),
    }
    found = {
        name: None if text == _DEFAULT else _read(name, text, read)
        for name, (text, read) in texts.items()
        if text is not None
    }
    if masks:
        found["masks"] = (
            None if masks == [_DEFAULT] else [_read("mask", m, _polygon) for m in masks]
        )
    return found


def without_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a camera that is new."""
    return {name: value for name, value in options.items() if value is not None}


def _read(name: str, text: str, read: Any) -> Any:  # noqa: ANN401 - one of the readers above
    try:
        return read(text)
    except ValueError:
        option = {"analysed": "rate"}.get(name, name).replace("_", "-")
        raise typer.BadParameter(
            f"{text!r}; --help says what is allowed", param_hint=f"--{option}"
        ) from None


def _rate(text: str) -> str | float:
    return text if text in {"all", "keys"} else float(text)


def _numbers(text: str, count: int) -> list[float]:
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) != count:
        raise ValueError(text)
    return numbers


def _region(text: str) -> Mapping[str, float]:
    x, y, width, height = _numbers(text, 4)
    return {"x": x, "y": y, "width": width, "height": height}


def _polygon(text: str) -> list[list[float]]:
    return [_numbers(corner, 2) for corner in text.split()]
