"""One PikPak account: who it is, what it stores, what runs for it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudtui.sandbox.pikpak.node import Node, Phase
from cloudtui.sandbox.pikpak.stamps import Ids
from cloudtui.sandbox.pikpak.tree import Tree

FINAL = (Phase.COMPLETE, Phase.ERROR)


@dataclass(slots=True, eq=False)
class Task:
    """Work of the service that a client polls. `step` moves it on; time comes from the world."""

    id: str
    type: str
    name: str
    created: float
    updated: float
    phase: Phase = Phase.PENDING
    progress: int = 0
    message: str = ""
    file_id: str = ""
    file_name: str = ""
    file_size: int = 0
    params: dict[str, str] = field(default_factory=dict)
    statuses: list[dict[str, object]] = field(default_factory=list)
    step: Callable[[float], None] | None = None
    touches: frozenset[str] = frozenset()
    target_id: str = ""

    @property
    def final(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.phase in FINAL

    def end(self, phase: Phase, message: str, now: float) -> None:
        """Reach a final phase."""
        self.phase = phase
        self.message = message
        self.progress = 100 if phase is Phase.COMPLETE else self.progress
        self.updated = now
        self.step = None


@dataclass(slots=True, eq=False)
class Event:
    """One line of the account's history."""

    id: str
    type: str
    file_id: str
    file_name: str
    created: float
    number: int
    params: dict[str, object] = field(default_factory=dict)


class Account:
    """Everything that belongs to one user."""

    def __init__(self, username: str, password: str, clock: Callable[[], float]) -> None:
        self.username = username
        self.password = password
        self.created = clock()
        # No random part: the same seeds give the same ids in every run.
        self.ids = Ids(username)
        number = hashlib.sha256(username.encode()).hexdigest()[:10]
        self.user_id = f"ZU{number}"
        self.tree = Tree(self.ids, clock)
        self.tasks: dict[str, Task] = {}
        self.active: list[Task] = []
        self.events: list[Event] = []
        self.upload_transfer = 0
        self.offline_transfer = 0
        self.download_transfer = 0
        self.offline_starts: list[float] = []
        self.upload_starts: list[float] = []
        self.usage_lag: Callable[[], float] = lambda: 0.0
        self._usages: list[tuple[float, tuple[int, int]]] = []
        self.trash_life: Callable[[], float] = lambda: math.inf

    def new_task(self, kind: str, name: str, now: float) -> Task:
        """Work that is under way from now on; `start` puts it into the list."""
        return Task(self.ids.new(), kind, name, created=now, updated=now, phase=Phase.RUNNING)

    def start(self, task: Task) -> Task:
        """Keep a task, and step it until it ends."""
        self.tasks[task.id] = task
        if not task.final:
            self.active.append(task)
        return task

    def seen_usage(self, now: float) -> tuple[int, int]:
        """Bytes used and in the trash as the service tells them: late, by the switch."""
        self._note_usage(now)
        known = [usage for at, usage in self._usages if at <= now - self.usage_lag()]
        return known[-1] if known else self._usages[0][1]

    def _note_usage(self, now: float) -> None:
        """Keep what is used now; without a lag only that."""
        usage = self.tree.used, self.tree.trashed_bytes()
        if self.usage_lag() <= 0:
            self._usages.clear()
        if not self._usages or self._usages[-1][1] != usage:
            self._usages.append((now, usage))

    def settle(self, now: float) -> None:
        """Bring trash and running tasks up to the present."""
        if self.usage_lag() > 0:
            self._note_usage(now)
        if self.tree.bin:
            self.tree.purge(now - self.trash_life())
        if not self.active:
            return
        for task in list(self.active):
            if task.step is not None and not task.final:
                task.step(now)
        self.active = [task for task in self.active if not task.final]

    def busy(self, node_id: str) -> bool:
        """Whether a running task holds the entry."""
        return any(node_id in task.touches for task in self.active if not task.final)

    def record(self, kind: str, node: Node, now: float) -> None:
        """Add a line to the history."""
        number = self.events[-1].number + 1 if self.events else 1
        self.events.append(Event(self.ids.new("VE"), kind, node.id, node.name, now, number))
