"""Errors by what the one who meets them should do.

Their text is for a person: what, where, and what is allowed. It never holds a secret.
"""


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of a task group that came first; the others followed from it."""
    error = errors.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error


class FaceapiError(Exception):
    """An error that was foreseen; its text can be shown as it is."""


class Transient(FaceapiError):  # noqa: N818 - named for what to do: try again
    """Out of reach or busy now: try again later."""


class BadInput(FaceapiError):  # noqa: N818 - named for what to do: send something else
    """This item cannot be used; the next one may be."""


class Fatal(FaceapiError):  # noqa: N818 - named for what it is to the program
    """A stage that all cameras share broke: the program ends, and says why."""


class Misconfigured(FaceapiError):  # noqa: N818 - named for what to do: change the settings
    """The program cannot start, or this camera cannot run, until a person changes a setting."""
