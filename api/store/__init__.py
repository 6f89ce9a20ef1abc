"""The truth in PostgreSQL: all SQL lives here, a file a noun; answers are messages, not rows."""
