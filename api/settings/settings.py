"""All settings of the program: shipped YAML under your YAML, the environment, the command line."""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from api.settings.layers import Layer, from_command_line, from_environment, from_file, merged
from api.settings.problems import problems_across, problems_of
from api.settings.sections import (
    AccessSettings,
    AllowSettings,
    ApiSettings,
    BackendSettings,
    BackupSettings,
    EngineSettings,
    FaceapiSettings,
    JwtSettings,
    LiveSettings,
    LogSettings,
    PasswordSettings,
    ProjectSettings,
    RtspSettings,
    SearchSettings,
    SqlSettings,
    WebrtcSettings,
)
from pipeline.errors import Misconfigured
from pipeline.settings import PipelineSettings


class Settings(PipelineSettings):
    """Every setting of the program."""

    rtsp: RtspSettings = RtspSettings()
    webrtc: WebrtcSettings = WebrtcSettings()
    engine: EngineSettings = EngineSettings()
    live: LiveSettings = LiveSettings()
    search: SearchSettings = SearchSettings()
    backend: BackendSettings = BackendSettings()
    api: ApiSettings = ApiSettings()
    project: ProjectSettings = ProjectSettings()
    sql: SqlSettings = SqlSettings()
    jwt: JwtSettings = JwtSettings()
    access: AccessSettings = AccessSettings()
    password: PasswordSettings = PasswordSettings()
    allow: AllowSettings = AllowSettings()
    backup: BackupSettings = BackupSettings()
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
