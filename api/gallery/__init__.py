"""Enrollment, and what follows the log of changes: the index and the names."""
