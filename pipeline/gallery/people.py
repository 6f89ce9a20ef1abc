"""From templates to people."""

from collections.abc import Iterable, Sequence

from pipeline.messages import Hit, Match, PersonId


def nearest_people(hits: Iterable[Hit]) -> Sequence[Match]:
    """Each person once, by the best of her templates; the nearest first."""
    best: dict[PersonId, float] = {}
    for hit in hits:
        best[hit.person] = max(hit.similarity, best.get(hit.person, hit.similarity))
    return [Match(*item) for item in sorted(best.items(), key=lambda item: -item[1])]
