"""A record of every request the sandbox saw, for tests to read through the admin listener.

Owns the list. Secrets in queries are kept as they came: this is a test server and tests look for
them.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass

KEPT = 200_000


@dataclass(slots=True)
class LogEntry:
    """One request. `status` is 0 while it runs or when the connection was dropped."""

    seq: int
    time: float
    listener: str
    method: str
    path: str
    query: str
    host: str
    client_ip: str
    user_agent: str
    range: str
    authorization: bool
    connection: int
    status: int = 0
    result: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    faults: tuple[str, ...] = ()
    done: bool = False


class RequestLog:
    """The last 200,000 requests; entries appear with the head and are completed in place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=KEPT)
        self._seq = 0

    def open(
        self,
        *,
        time: float,
        listener: str,
        method: str,
        path: str,
        query: str,
        host: str,
        client_ip: str,
        user_agent: str,
        range: str,
        authorization: bool,
        connection: int,
        faults: tuple[str, ...],
    ) -> LogEntry:
        """Append an entry for a request that has just arrived."""
        with self._lock:
            self._seq += 1
            entry = LogEntry(
                seq=self._seq,
                time=time,
                listener=listener,
                method=method,
                path=path,
                query=query,
                host=host,
                client_ip=client_ip,
                user_agent=user_agent,
                range=range,
                authorization=authorization,
                connection=connection,
                faults=faults,
            )
            self._entries.append(entry)
            return entry

    def entries(self, since: int = 0) -> list[dict[str, object]]:
        """Entries with a sequence number above `since`, oldest first, as JSON objects."""
        with self._lock:
            found = [entry for entry in self._entries if entry.seq > since]
        return [asdict(entry) for entry in found]
