"""Faces that are not somebody's, though they look like hers.

For a gallery the counter-examples of a person are another person, with an id made of hers: so they
are kept, searched and deleted like all others. Whoever reads matches knows what that id means.
"""

from collections.abc import Sequence

from pipeline.messages import Match, PersonId

_PREFIX = "not-"


def other_than(person: PersonId) -> PersonId:
    """Who the counter-examples of a person are enrolled as."""
    return PersonId(_PREFIX + person)


def is_counter(person: PersonId) -> bool:
    """Whether somebody stands for counter-examples, and is never named."""
    return person.startswith(_PREFIX)


def believable(matches: Sequence[Match]) -> Sequence[Match]:
    """The people whom a probe resembles more than their counter-examples, in the order given."""
    similarities = {one.person: one.similarity for one in matches}
    return [
        one
        for one in matches
        if not is_counter(one.person)
        and one.similarity > similarities.get(other_than(one.person), -2.0)
    ]
