"""Who goes with whom, so that all of it together is best: the assignment problem."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)
Few = TypeVar("Few")
Many = TypeVar("Many")


def assign(gains: Mapping[tuple[Row, Column], float]) -> dict[Row, Column]:
    """The pairs, each row and each column once at the most, whose gains have the largest sum.

    Exact, in time that is cubic in the largest part that hangs together: rows that compete for
    the same columns, directly or through others. There is no pair without a positive gain.
    """
    wanted = {pair: gain for pair, gain in gains.items() if gain > 0}
    return dict(pair for part in _parts(wanted) for pair in _best(part, wanted))


def contenders(gains: Mapping[tuple[Row, Column], float]) -> dict[tuple[Row, Column], float]:
    """The pairs among which the best assignment is, without some row or without none.

    Of each column its best rows, as many as there are columns: no more can be taken by others. So a
    crowd that competes for a few columns costs no more than a few rows do.
    """
    of_column = defaultdict[Column, list[tuple[Row, Column]]](list)
    for pair in gains:
        of_column[pair[1]].append(pair)
    return {
        pair: gains[pair]
        for pairs in of_column.values()
        for pair in nlargest(len(of_column), pairs, key=gains.__getitem__)
    }


def _parts(pairs: Iterable[tuple[Row, Column]]) -> Iterator[Sequence[tuple[Row, Column]]]:
    """The pairs in parts that share neither a row nor a column."""
    of_row, of_column = defaultdict[Row, list[Column]](list), defaultdict[Column, list[Row]](list)
    for row, column in pairs:
        of_row[row].append(column)
        of_column[column].append(row)
    while of_row:
        rows, part = [next(iter(of_row))], list[tuple[Row, Column]]()
        while rows:
            row = rows.pop()
            for column in of_row.pop(row, ()):
                part.append((row, column))
                rows.extend(of_column.pop(column, ()))
        yield part


def _best(
    part: Sequence[tuple[Row, Column]], gains: Mapping[tuple[Row, Column], float]
) -> Iterator[tuple[Row, Column]]:
    """The best pairs of one part; most parts are a single pair, or one with its rivals."""
    rows, columns = list(dict.fromkeys(r for r, _ in part)), list(dict.fromkeys(c for _, c in part))
    if len(columns) == 1 or len(rows) == 1:
        yield max(part, key=lambda pair: gains[pair])
        return
    if len(rows) <= len(columns):
        yield from _matched(rows, columns, lambda row, column: gains.get((row, column), 0.0))
        return
    turned = _matched(columns, rows, lambda column, row: gains.get((row, column), 0.0))
    yield from ((row, column) for column, row in turned)


def _matched(
    few: Sequence[Few], many: Sequence[Many], gain: Callable[[Few, Many], float]
) -> Iterator[tuple[Few, Many]]:
    """The best pairs of no more ``few`` than ``many``; each may also stay alone, at no cost."""
    alone = [0.0] * len(few)
    costs = [[*(-gain(one, other) for other in many), *alone] for one in few]
    for one, place in zip(few, _cheapest(costs), strict=True):
        if place < len(many) and gain(one, many[place]) > 0:
            yield one, many[place]


def _cheapest(costs: Sequence[Sequence[float]]) -> Sequence[int]:
    """For each row its column in the assignment of least cost; at least as many columns as rows.

    The Hungarian method by shortest augmenting paths (R. Jonker, A. Volgenant, Computing 38,
    1987): rows come in one by one, and ``of_row`` and ``of_column`` are the dual variables.
    """
    count, width = len(costs), len(costs[0])
    of_row, of_column = [0.0] * count, [0.0] * width
    owner = [-1] * width
    for new in range(count):
        reach, before = [math.inf] * width, [-1] * width
        seen, row, at = [False] * width, new, -1
        while row >= 0:
            for column in range(width):
                cost = costs[row][column] - of_row[row] - of_column[column]
                if not seen[column] and cost < reach[column]:
                    reach[column], before[column] = cost, at
            at = min((c for c in range(width) if not seen[c]), key=reach.__getitem__)
            step, seen_before = reach[at], [c for c in range(width) if seen[c]]
            of_row[new] += step
            for column in seen_before:
                of_row[owner[column]] += step
                of_column[column] -= step
            reach = [far if seen[c] else far - step for c, far in enumerate(reach)]
            seen[at], row = True, owner[at]
        while at >= 0:
            owner[at], at = (new if before[at] < 0 else owner[before[at]]), before[at]
    return [owner.index(row) for row in range(count)]
