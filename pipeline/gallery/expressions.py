"""Milvus' expressions for rows by their text, whatever characters it has.

The escapes are those that Lite and the servers have in common.
"""

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def any_of(field: str, texts: Iterable[str]) -> str:
    """Rows with one of these."""
    return f"{field} in [{', '.join(map(_quoted, texts))}]"


def other_than(field: str, text: str) -> str:
    """Rows with anything else."""
    return f"{field} != {_quoted(text)}"


def after(field: str, text: str) -> str:
    """Rows with what comes later in the order of bytes."""
    return f"{field} > {_quoted(text)}"


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
