"""All settings of the program: shipped YAML under your YAML, the environment, the command line."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self

import platformdirs
from pydantic import Field, field_validator, model_validator

from api.layers import Layer, from_command_line, from_environment, from_file, merged
from api.problems import problems_across, problems_of
from pipeline.errors import Misconfigured
from pipeline.settings import PipelineSettings, Seconds, Section


class RtspSettings(Section):
    """How cameras are connected."""

    connect_timeout: Seconds = Field(5.0, description="Seconds until a connection is given up.")
    read_timeout: Seconds = Field(4.0, description="Seconds without a packet: the camera is lost.")
    least_backoff: Seconds = Field(0.5, description="Seconds before the first new attempt.")
    most_backoff: Seconds = Field(30.0, description="Seconds between attempts at the most.")

    @model_validator(mode="after")
    def _backoff_grows(self) -> Self:
        if self.most_backoff < self.least_backoff:
            raise ValueError(
                f"most_backoff ({self.most_backoff} s) must not be below least_backoff "
                f"({self.least_backoff} s)"
            )
        return self


class LogSettings(Section):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="The least that is logged."
    )

    @field_validator("level", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class FaceapiSettings(Section):
    """Where the program keeps its things."""

    data_dir: Path = Field(
        default_factory=lambda: _folder("/var/lib", platformdirs.user_data_path),
        description="Folder of what must not be lost; unset: the platform's.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: _folder("/var/cache", platformdirs.user_cache_path),
        description="Folder of what can be made again, model files; unset: the platform's.",
    )


class Settings(PipelineSettings):
    """Every setting of the program."""

    rtsp: RtspSettings = RtspSettings()
    log: LogSettings = LogSettings()
    faceapi: FaceapiSettings = Field(default_factory=FaceapiSettings)


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Sequence[str] = (),
) -> Settings:
    """The settings in force; the variable of ``detect.max_side`` is DETECT_MAX_SIDE.

    ``overrides`` are ``section.key=value``. An empty value counts as unset, wherever it stands.

    Raises:
        Misconfigured: names every key that is unknown or not allowed, its value (but no
            secret), where it was set and what is allowed.
    """
    layers = _layers(config, environ, overrides)
    problems = [problem for layer in layers for problem in problems_of(layer, Settings)]
    values = merged(layers)
    problems = problems or list(problems_across(values, Settings))
    if problems:
        raise Misconfigured("\n  ".join(["settings that cannot be used:", *problems]))
    return Settings.model_validate(values)


def _layers(
    config: Path | None, environ: Mapping[str, str], overrides: Sequence[str]
) -> Sequence[Layer]:
    """Each is overridden by those that follow."""
    own = [from_file(config, str(config))] if config else []
    return [
        from_file(files("configs") / "default.yaml", "configs/default.yaml"),
        *own,
        from_environment(environ, Settings),
        from_command_line(overrides),
    ]


def _folder(machine: str, personal: Callable[[str], Path]) -> Path:
    """Root's folders are the machine's; everyone else has their own."""
    return Path(machine, "faceapi") if os.geteuid() == 0 else personal("faceapi")
