"""A ticket opens one websocket, soon."""

from api.http.auth.tickets import Tickets
from api.store.messages import UserId

ANN, BOB = UserId("ann"), UserId("bob")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_is_good_once() -> None:
    tickets = Tickets()
    one, other = tickets.issue(ANN), tickets.issue(BOB)
    assert tickets.redeem(other) == BOB
    assert tickets.redeem(one) == ANN
    assert tickets.redeem(one) is None
    assert tickets.redeem("") is None


def test_a_ticket_expires() -> None:
    clock = Clock()
    tickets = Tickets(lifetime=30, clock=clock)
    early = tickets.issue(ANN)
    clock.now += 29.9
    late = tickets.issue(ANN)
    clock.now += 0.2
    assert tickets.redeem(early) is None
    assert tickets.redeem(late) == ANN


def test_unused_tickets_are_bounded() -> None:
    tickets = Tickets(most=3)
    made = [tickets.issue(ANN) for _ in range(4)]
    assert [tickets.redeem(one) for one in made] == [None, ANN, ANN, ANN]


def test_nobody_pushes_out_anybody_elses_tickets() -> None:
    tickets = Tickets(most=10, most_per_user=3)
    bobs = tickets.issue(BOB)
    anns = [tickets.issue(ANN) for _ in range(20)]
    assert [tickets.redeem(one) for one in anns[-4:]] == [None, ANN, ANN, ANN]
    assert tickets.redeem(bobs) == BOB
