"""How many calls a second an account takes: the rules, on plain values.

Before the first refusal the rate doubles four times a second. A refusal after a few calls halves
it and teaches nothing more: it may have been a hiccup, so the rate doubles again within seconds. A
refusal after more calls tells the limit: a service that counts with a bucket was emptied by the
refusal before, so the calls it took since then, by the time they took, are what it allows. From
then on the rate stays just below, comes back to it and, the longer nothing is refused, rises above
it ever faster, in case the limit has gone. Must not know processes or files.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

STEP: Final = 0.25
"""Seconds between doublings before the first refusal, and the longest burst."""
SETTLED: Final = 20
"""Calls accepted between refusals from which on they tell the limit."""
SURE: Final = 100
"""Calls a limit must have been learned from to be believed by a later run."""
LEAST: Final = 0.2
"""Calls a second that are always tried."""
_BURST_TELLS_NOTHING: Final = 8.0
"""So few calls that were refused tell nothing about more calls than that a second."""
_DOUBLING: Final = 4.0
"""Seconds in which the rate doubles after refusals that taught no limit."""
_HALVING: Final = (5.0, 20.0)
"""Shortest and longest time in seconds in which the way from the limit to the rate that was refused
is halved; sixty calls' worth between them."""
_WATCHED: Final = 60.0
_ROUNDS: Final = 4.0
"""Such times after which the rate rises above what was refused: by RISE x (seconds / STRETCH)^3."""
_RISE: Final = 0.02
_STRETCH: Final = 20.0
_PATIENT: Final = 5
"""Refusals in a row after which a limit that was learned well is forgotten all the same."""
_LONGEST_PAUSE: Final = 5.0
_SLACK: Final = 0.05
"""Seconds a call may come late and still count as waiting for its turn only."""


class Rate(Struct):
    """What is known of an account's limit. Times by the monotonic clock, `learned_at` by the
    calendar; `limit` 0 is none."""

    rate: float
    limit: float = 0.0
    roof: float = 0.0
    """The rate at which calls were refused when `limit` was learned."""
    samples: float = 0.0
    """Calls that `limit` was learned from."""
    learned_at: float = 0.0
    at: float = 0.0
    """When the last call went."""
    next: float = 0.0
    """When the next call may go."""
    closed_until: float = 0.0
    grown_at: float = 0.0
    refused_at: float = 0.0
    """When a call was refused that had gone after the one refused before."""
    rejections: float = 0.0
    strikes: float = 0.0
    """Refusals in a row that taught no limit."""
    accepted: float = 0.0
    """Calls since the last refusal."""
    passed: float = 0.0
    """Calls that were accepted in `busy` seconds of waiting for turns, since a refusal."""
    busy: float = 0.0
    climbed: float = 0.0
    """Such seconds since the limit was learned."""
    recent_from: float = 0.0
    recent: float = 0.0
    """Calls since `recent_from`, at most a second ago."""

    # --- calls -------------------------------------------------------------------------------

    def turn(self, now: float, ceiling: float) -> float:
        """Take the next turn; when the call may go. Turns are given in the order they are asked
        for; one that turns out to lie before `closed_until` is worth nothing any more."""
        self._grow(now, ceiling)
        start = max(self.next, now - STEP, self.closed_until)
        goes = max(start, now)
        self._pass_time(goes, ceiling)
        self.next = start + 1.0 / self.rate
        self.at = goes
        self.accepted += 1
        self.passed += 1
        if goes - self.recent_from > 1.0:
            self.recent_from, self.recent = goes, 0.0
        self.recent += 1
        return goes

    def again(self, turn: float, now: float, ceiling: float) -> float:
        """Another turn instead of `turn` if that came to nothing, else the same."""
        if turn >= self.closed_until:
            return turn
        self.passed = max(0.0, self.passed - 1)
        return self.turn(now, ceiling)

    def _grow(self, now: float, ceiling: float) -> None:
        """Before the first refusal: twice the rate each step that had calls."""
        if self.limit or self.rejections:
            return
        if not self.grown_at:
            self.grown_at = now
        elif now - self.grown_at >= STEP:
            self.grown_at = now
            self.rate = min(ceiling, self.rate * 2)

    def _pass_time(self, now: float, ceiling: float) -> None:
        """Seconds count while calls wait for their turns; idle ones tell nothing."""
        if not self.at:
            return
        until = min(now, max(self.next, self.closed_until) + _SLACK)
        seconds = max(0.0, until - self.at)
        self.busy += seconds
        if self.limit:
            self.climbed += seconds
            self.rate = min(ceiling, self._climb())
        elif self.rejections:
            self.rate = min(ceiling, self.rate * math.exp2(seconds / _DOUBLING))

    # --- refusals ----------------------------------------------------------------------------

    def refuse(
        self, now: float, calendar: float, *, after: float | None, asked: float, latency: float
    ) -> bool:
        """A call that went at `asked` was refused; whether that was news.

        Those that were under way together count once. `after` holds all calls back for that many
        seconds, `latency` is how long an answer takes.
        """
        self.passed = max(0.0, self.passed - 1)
        if now < self.closed_until or (self.rejections and asked <= self.refused_at):
            return False
        if self.rejections and self.passed >= SETTLED and self.busy > 0:
            self.roof = self.rate
            self.limit = max(LEAST, min(self.rate, self.passed / self.busy))
            self.samples, self.learned_at = self.passed, calendar
            self._begin()
            pause = 1.0 / self.limit
        else:
            pause = self._strike(now)
        self.rejections += 1
        self.refused_at = now
        self.accepted = 0.0
        pause = max(pause, 2 * latency) if after is None else after
        self.closed_until = self.next = now + pause
        return True

    def _begin(self) -> None:
        self.strikes = self.climbed = self.passed = self.busy = 0.0
        self.rate = self._climb()

    def _climb(self) -> float:
        """The rate so many seconds after the limit was learned."""
        shortest, longest = _HALVING
        halving = max(shortest, min(longest, _WATCHED / self.limit))
        rate = self.roof - (self.roof - 0.98 * self.limit) * math.exp2(-self.climbed / halving)
        beyond = max(0.0, self.climbed - _ROUNDS * halving)
        return rate * (1 + _RISE * (beyond / _STRETCH) ** 3)

    def _strike(self, now: float) -> float:
        """Refused after too few calls to know why; seconds to pause."""
        if not self.rejections:
            self.passed = self.busy = 0.0  # what was saved up before is no measure
        self.strikes = 1.0 if self.accepted >= SETTLED else self.strikes + 1
        if self.limit and self.strikes <= (_PATIENT if self.samples >= SURE else 1):
            self.roof = max(LEAST, min(self.roof, self.rate))
            self.limit = max(LEAST, min(self.roof, self.limit) * 0.93)
            self.climbed = 0.0
            self.rate = self._climb()
        else:
            self.limit = self.roof = self.samples = 0.0
            span = max(now - self.recent_from, STEP)
            tried = min(self.rate, max(self.recent / span, _BURST_TELLS_NOTHING))
            self.rate = max(LEAST, tried / 2)
        return min(_LONGEST_PAUSE, max(1.0 / self.rate, 0.05 * math.exp2(self.strikes)))

    def believe(self, limit: float, samples: float, learned_at: float) -> None:
        """Begin with what was learned earlier."""
        self.limit, self.samples, self.learned_at = limit, samples, learned_at
        self.roof = limit
        self._begin()
