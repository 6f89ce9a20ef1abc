"""The right edge, and the place where all is put together."""
