from __future__ import annotations

from paddle_transfer.clock import LONGEST, SteadyClock


def test_it_follows_a_clock_but_not_its_jumps():
    now = [100.0]
    clock = SteadyClock(lambda: now[0])
    for second, expected in ((100.0, 0.0), (101.5, 1.5), (50.0, 1.5), (52.0, 3.5),
                             (9000.0, 3.5 + LONGEST), (9001.0, 4.5 + LONGEST)):
        now[0] = second
        assert clock() == expected
