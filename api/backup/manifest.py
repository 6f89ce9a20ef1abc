"""What a backup holds, to be read by anyone: no name is in it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import Misconfigured

FILE = "manifest.json"


class Manifest(BaseModel):
    """Rows by table, in the order in which they are filled; the version of the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: datetime
    program: str
    version: int
    tables: Mapping[str, int]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The manifest in ``folder``.

        Raises:
            Misconfigured: there is none, or none that this program understands.
        """
        try:
            return cls.model_validate_json((folder / FILE).read_bytes())
        except OSError as error:
            raise Misconfigured(f"{folder} is no backup: {FILE}: {error.strerror}") from None
        except ValidationError as error:
            raise Misconfigured(f"{folder / FILE} is not of format 1: {error}") from None
