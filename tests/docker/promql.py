"""Which series a PromQL expression asks for: enough of the language for dashboards and alerts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")|(?P<range>\[[^\]]*\])|(?P<number>\d[\w.]*)
    |(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>=~|!~|!=|==|>=|<=|[^\s\w])""",
    re.VERBOSE,
)
_GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", *_GROUPINGS})


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on a label."""

    label: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and the conditions on its labels."""

    metric: str
    matchers: Sequence[Matcher]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an expression asks for; ``groupings`` are labels that it groups or joins by."""

    selectors: Sequence[Selector]
    groupings: frozenset[str]


def asked_by(expression: str) -> Asked:
    """Read an expression."""
    tokens = [found for found in _TOKEN.finditer(expression) if found.lastgroup != "range"]
    selectors, groupings, at = [], set[str](), 0
    while at < len(tokens):
        token, following = tokens[at][0], tokens[at + 1][0] if at + 1 < len(tokens) else ""
        if tokens[at].lastgroup != "name":
            at += 1
        elif token in _GROUPINGS:
            end = _closing(tokens, at + 1, ")")
            groupings |= {one[0] for one in tokens[at + 2 : end] if one.lastgroup == "name"}
            at = end
        elif token in _WORDS or following in {"(", "by", "without"}:  # the latter: a function
            at += 1
        else:
            end = _closing(tokens, at + 1, "}") if following == "{" else at + 1
            selectors.append(Selector(token, list(_matchers(tokens[at + 2 : end]))))
            at = end
    return Asked(selectors, frozenset(groupings))


def _closing(tokens: Sequence[re.Match[str]], begin: int, sign: str) -> int:
    return next(at for at in range(begin, len(tokens)) if tokens[at][0] == sign)


def _matchers(tokens: Sequence[re.Match[str]]) -> Iterator[Matcher]:
    plain = [token[0] for token in tokens if token[0] != ","]
    for label, sign, value in zip(plain[::3], plain[1::3], plain[2::3], strict=True):
        yield Matcher(label, sign, value[1:-1])
