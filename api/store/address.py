"""Where a PostgreSQL server is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Address:
    """What a connection needs; ``host`` that begins with / is the folder of a Unix socket."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"PostgreSQL at {self.host}:{self.port}, database {self.database}"
