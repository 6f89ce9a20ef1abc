"""PostgreSQL beside the program, for whoever named no server of their own."""

from api.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
