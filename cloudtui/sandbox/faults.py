"""The plan of things that go wrong, set by a test through the admin listener.

Owns matching and counting only. The listener applies the transport-level kinds; the clouds apply
the rest, because their error envelopes differ.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What happens to a request: the first group by the listener, the second by the clouds."""

    DELAY = "delay"  # seconds: wait before the handler runs
    STATUS = "status"  # code, headers, body: answered instead of the handler
    RESET_BEFORE = "reset_before"  # connection reset, handler never runs
    RESET_AFTER = "reset_after"  # handler runs, its answer is lost
    CUT = "cut"  # bytes: reset after that many bytes of the answer's body
    CUT_UPLOAD = "cut_upload"  # bytes: reset after that many bytes of the request's body
    CORRUPT = "corrupt"  # one byte in the middle of the answer's body is flipped
    STALL = "stall"  # seconds: silence after half of the answer's body
    THROTTLE = "throttle"  # bytes_per_s, both directions
    TRUNCATE_JSON = "truncate_json"  # half of the body, with a fitting length
    HTML = "html"  # a login page with status 200 instead of the handler

    API_CODE = "api_code"  # code (number or object): the cloud's own error envelope
    IGNORE_RANGE = "ignore_range"
    EXPIRE_TOKEN = "expire_token"
    EXPIRE_LINK = "expire_link"
    EXPIRE_CAPTCHA = "expire_captcha"
    REFUSE = "refuse"  # the method is closed to this caller


@dataclass(slots=True)
class Fault:
    """One planned fault: `times` hits (-1 = standing) after the first `skip` matching requests.

    With `per_second` it is a limit: only requests beyond that rate are hit, after a burst of
    `burst` of them.
    """

    kind: FaultKind
    listener: str = "*"
    match: str = "*"
    query: str = "*"
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    code: object = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    bytes: int = 0
    bytes_per_s: int = 0
    per_second: float = 0.0
    burst: float = 10.0
    id: int = 0
    spent: float = field(default=0.0, init=False)
    seen: float = field(default=0.0, init=False)

    def fits(self, listener: str, line: str, query: str) -> bool:
        return (
            fnmatchcase(listener, self.listener)
            and fnmatchcase(line, self.match)
            and fnmatchcase(query, self.query)
        )

    def within_limit(self, now: float) -> bool:
        """Whether this is a limit that lets a request at `now` (monotonic) pass; counts it."""
        if not self.per_second:
            return False
        self.spent = max(0.0, self.spent - (now - self.seen) * self.per_second)
        self.seen = now
        if self.spent + 1 > self.burst:
            return False
        self.spent += 1
        return True

    def number(self) -> int:
        """`code` as a number; 0 when it is something else."""
        return self.code if isinstance(self.code, int) else 0


class Faults:
    """All planned faults. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: list[Fault] = []
        self._next = 1

    def add(self, spec: Mapping[str, object]) -> int:
        """Plan one fault given as a JSON object of the fields of `Fault`; returns its id.

        Raises:
            ValueError: an unknown kind or field.
        """
        values = dict(spec)
        kind = FaultKind(str(values.pop("kind", "")))
        try:
            fault = Fault(kind=kind, **values)  # type: ignore[arg-type]
        except TypeError as exc:
            raise ValueError(f"not a fault: {exc}") from exc
        with self._lock:
            fault.id = self._next
            self._next += 1
            self._plan.append(fault)
            return fault.id

    def clear(self) -> None:
        """No faults from now on; what is slowed down or held back runs free."""
        with self._lock:
            self._end(self._plan)

    def remove(self, fault_id: int) -> None:
        """This fault no more; what it slows down or holds back runs free."""
        with self._lock:
            self._end([fault for fault in self._plan if fault.id == fault_id])

    def _end(self, faults: list[Fault]) -> None:
        for fault in faults:
            fault.bytes_per_s, fault.seconds = 0, 0.0
        self._plan = [fault for fault in self._plan if fault not in faults]

    def plan(self) -> list[dict[str, object]]:
        """What is still to come, as JSON objects."""
        with self._lock:
            return [asdict(fault) for fault in self._plan]

    def take(self, listener: str, line: str, query: str = "") -> list[Fault]:
        """The faults that hit this request ("METHOD /path"); counts them down."""
        if not self._plan:
            return []
        with self._lock:
            hits: list[Fault] = []
            for fault in list(self._plan):
                if not fault.fits(listener, line, query) or fault.within_limit(time.monotonic()):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                hits.append(fault)
                if fault.times > 0:
                    fault.times -= 1
                    if fault.times == 0:
                        self._plan.remove(fault)
            return hits
