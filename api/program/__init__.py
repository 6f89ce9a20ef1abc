"""The running program: one task group, and what it is put together from."""
