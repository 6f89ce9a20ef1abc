"""The settings of the service, section by section."""

import ipaddress
import os
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator

from ingest.destination import Destinations, own_networks
from pipeline.settings import Seconds, Section

Port = Annotated[int, Field(ge=1, le=65535)]


def _listed(text: str) -> Sequence[str]:
    """What stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


class RtspSettings(Section):
    """How cameras are connected."""

    connect_timeout: Seconds = Field(5.0, description="Seconds until a connection is given up.")
    read_timeout: Seconds = Field(4.0, description="Seconds without a packet: the camera is lost.")
    least_backoff: Seconds = Field(0.5, description="Seconds before the first new attempt.")
    most_backoff: Seconds = Field(30.0, description="Seconds between attempts at the most.")
    allowed_networks: str = Field(
        "0.0.0.0/0, ::/0",
        description="Networks in which cameras may be, separated by commas; see SECURITY.md.",
    )

    allowed_hosts: str = Field(
        "", description="Cameras that may be anywhere, as host:port, separated by commas."
    )

    udp_ports_first: Port = Field(
        20000, description="First of our ports for cameras that send by UDP; each takes two."
    )
    udp_ports_last: Port = Field(20999, description="The last of them.")

    @property
    def destinations(self) -> Destinations:
        """Where cameras may be."""
        networks = [ip_network(one) for one in _listed(self.allowed_networks)]
        return Destinations(networks, own_networks(), _listed(self.allowed_hosts))

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for one in _listed(text):
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(f"{error}; a network is written 192.168.1.0/24") from None
        return text

    @model_validator(mode="after")
    def _two_ports_at_least(self) -> Self:
        if self.udp_ports_last <= self.udp_ports_first:
            raise ValueError(
                f"udp_ports_last ({self.udp_ports_last}) must be above udp_ports_first "
                f"({self.udp_ports_first}): a camera takes two"
            )
        return self

    @model_validator(mode="after")
    def _backoff_grows(self) -> Self:
        if self.most_backoff < self.least_backoff:
            raise ValueError(
                f"most_backoff ({self.most_backoff} s) must not be below least_backoff "
                f"({self.least_backoff} s)"
            )
        return self


_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?"
_STUN = rf"stuns?:{_HOST}"


class WebrtcSettings(Section):
    """How browsers and cameras connect by WebRTC, in either direction."""

    announced_address: str | None = Field(
        None,
        pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$",
        description="IP address under which others reach this machine; unset: its own.",
    )
    stun_urls: str | None = Field(
        None,
        pattern=rf"^{_STUN}(\s*,\s*{_STUN})*$",
        description="STUN servers, separated by commas.",
    )
    turn_url: str | None = Field(
        None, pattern=rf"^turns?:{_HOST}(\?transport=(udp|tcp))?$", description="TURN server."
    )
    turn_secret: SecretStr | None = Field(
        None, description="The secret it shares with us (coturn: static-auth-secret)."
    )
    most_viewers: Annotated[int, Field(ge=0, le=1000)] = Field(
        50, description="Viewers of live video at once; further ones see the analysed pictures."
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.announced_address is not None:
            ipaddress.ip_address(self.announced_address)
        if self.turn_url is not None and self.turn_secret is None:
            raise ValueError("turn_url wants turn_secret: that server lets nobody in without one")
        return self


class EngineSettings(Section):
    """Where cameras are watched."""

    shards: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Processes that watch cameras; auto: one for every four cores."
    )

    def count(self, cores: int) -> int:
        """How many shards there are on so many cores.

        A frame holds one interpreter for about a millisecond, and a core computes about a hundred
        frames a second: so one process is enough for several cores, and four leave it room.
        """
        return max(1, cores // 4) if self.shards == "auto" else self.shards


class LiveSettings(Section):
    """The websocket of live results: how many may listen, and how far back it reaches."""

    most_sockets: Annotated[int, Field(ge=1, le=100_000)] = Field(
        1000, description="Websockets that are open at a time."
    )
    most_sockets_per_user: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="Of these, those of one user."
    )
    kept: Seconds = Field(
        10.0, description="Seconds that messages are kept for whoever comes back with a cursor."
    )
    max_age: Seconds = Field(
        2.0, description="Seconds after which a result is not sent as new, nor shown, any more."
    )
    leave_after: Seconds = Field(
        5.0, description="Seconds without a frame that names them after which somebody has left."
    )
    stalled: Seconds = Field(
        10.0, description="Seconds without progress after which a reader is let go."
    )


class SearchSettings(Section):
    """Where cameras look faces up."""

    exact_max_faces: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        50_000,
        description="Templates compared one by one in memory; a larger gallery is asked of Milvus.",
    )


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


class BackendSettings(Section):
    """Where the service listens, and how much it takes in."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8000, description="TCP port; 0: any that is free."
    )
    upload_limit: Annotated[int, Field(ge=1, le=4096)] = Field(
        64, description="Megabytes of one request at the most."
    )
    origins: str | None = Field(
        None, description="Other origins whose pages may use the service, separated by commas."
    )

    @property
    def foreign_origins(self) -> Sequence[str]:
        """The origins one by one, such as http://localhost:3000."""
        return [origin.rstrip("/") for origin in _listed(self.origins or "")]


class ApiSettings(Section):
    """The REST layer."""

    v1_str: str = Field(
        "/api/v1", pattern=r"^(/[\w.-]+)+$", description="Path that all its routes begin with."
    )


class ProjectSettings(Section):
    """What this installation is called."""

    name: str = Field("faceapi", min_length=1, description="Shown by the page and the API.")


class SqlSettings(Section):
    """Where the truth is kept: a PostgreSQL server, or one of our own if no host is named."""

    backend: Literal["asyncpg"] = Field("asyncpg", description="Driver.")
    host: str | None = Field(None, description="PostgreSQL 15 or newer; unset: beside the program.")
    port: Port = Field(5432, description="Its TCP port.")
    username: str = Field("faceuser", min_length=1, description="Its user.")
    password: SecretStr | None = Field(None, description="The user's password.")
    database: str = Field("faceapi", min_length=1, description="Database, which must exist.")


class JwtSettings(Section):
    """How sign-in tokens are signed."""

    secret_key: SecretStr | None = Field(
        None, description="32 characters or more; unset: made at random and kept in data_dir."
    )
    algorithm: Literal["HS256", "HS384", "HS512"] = Field("HS256", description="The only one.")


class AccessSettings(Section):
    """How long one stays signed in."""

    token_expire_minutes: Annotated[int, Field(ge=1, le=5_256_000)] = Field(
        10080, description="Minutes until a token expires."
    )


class PasswordSettings(Section):
    """How passwords are kept."""

    hash_algorithm: Literal["argon2id", "sha256_crypt"] = Field(
        "argon2id", description="For new ones; older ones are raised to it at sign-in."
    )


class BackupSettings(Section):
    """How backups are locked."""

    passphrase: SecretStr | None = Field(
        None, min_length=12, description="12 characters or more; unset: asked for."
    )


class AllowSettings(Section):
    """What enrollment lets pass."""

    face_deduplication: bool = Field(
        False,
        description="true: a photograph that is there is taken as it stands, a look-alike of "
        "somebody else is enrolled. false: both are refused as duplicates.",
    )
    face_dedupication: bool | None = Field(
        None, description="The same by its old spelling; counts if it is set."
    )

    @property
    def duplicates(self) -> bool:
        """Whether a duplicate passes."""
        if self.face_dedupication is not None:
            return self.face_dedupication
        return self.face_deduplication


def _folder(machine: str, personal: Callable[[str], Path]) -> Path:
    """Root's folders are the machine's; everyone else has their own."""
    return Path(machine, "faceapi") if os.geteuid() == 0 else personal("faceapi")
