"""From a service to this disk: fetch what is missing, compare, commit.

Nothing that landed is fetched again, and nothing is given its name before it was compared with
what the service says about it.
"""

from __future__ import annotations

from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import HashType
from cloudtui.services.storage import DiskWrite
from cloudtui.services.transfers.blocks import Doubt
from cloudtui.services.transfers.comparing import Comparison
from cloudtui.services.transfers.digest import Follower, Landing, RunningDigest
from cloudtui.services.transfers.durable import Durability, ranges_of
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.receiving import PARALLEL_FROM, Receiving
from cloudtui.services.transfers.saying import Saying
from cloudtui.services.transfers.tickets import Tickets, source_changed
from cloudtui.services.transfers.work import Moved, Work


class Download:
    """Fetches one file into a `DiskWrite`."""

    def __init__(self, work: Work, tickets: Tickets, handle: DiskWrite, saying: Saying) -> None:
        self._work = work
        self._saying = saying
        self._tickets = tickets
        self._handle = handle
        self._wired = 0

    async def run(self) -> Moved:
        """Fetch, compare, commit.

        Raises CloudErrors; what landed is durable and told then. After Mismatch the part is
        called `name.bad` and its receipts are worth nothing.
        """
        work = self._work
        if work.facts.size != self._tickets.size:
            raise source_changed()
        held = ranges_of(work)
        work.meter.restart(held.total)
        kind = None if work.verify is Verify.SIZE else self._saying.kind
        before = work.meter.wired
        landing = Landing(held)
        kinds, note = [kind] if kind else [], ""
        async with (
            Durability(work, self._handle, landing) as durability,
            Doubt(work, self._handle) as doubt,
        ):
            digests = await self._fetch(landing, kinds, work.meter, durability)
            if bad := await doubt.damaged():
                note = "What was there of it was damaged and was fetched again."
                durability.lose(bad)
                work.meter.add(landing.snapshot().total - self._tickets.size)
                digests = await self._fetch(landing, kinds, work.meter, durability)
        self._wired += work.meter.wired - before
        verdict = await Comparison(
            work, self._saying, self._tickets.size, self._handle, self._refetch
        ).settle(digests)
        work.stop.check()
        failpoint("mover.before_finish")
        entry = await on_disk(work.pump, lambda: self._handle.finish(work.facts))
        failpoint("mover.after_finish")
        return Moved(entry, verdict.checked, self._wired, verdict.note or note)

    async def _refetch(self, kinds: list[HashType]) -> dict[HashType, str]:
        """The whole file once more into the same part, with a fresh link.

        Not shown as progress, and not told: receipts of the first fetch stand, since a part is
        compared as a whole whenever it is taken up again.
        """
        self._tickets.spoil(self._tickets.latest)
        meter = Meter(limits=self._work.meter.limits)
        try:
            return await self._fetch(Landing(Ranges()), kinds, meter, None)
        finally:
            self._wired += meter.wired

    async def _fetch(
        self,
        landing: Landing,
        kinds: list[HashType],
        meter: Meter,
        durability: Durability | None,
    ) -> dict[HashType, str]:
        work, size = self._work, self._tickets.size
        if size < PARALLEL_FROM and not landing.snapshot().total:
            running = RunningDigest(kinds, size)
            await Receiving(
                work, self._tickets, self._handle.fd, landing, meter, durability, running.feed
            ).run()
            return running.result() if kinds else {}
        fd = await on_disk(work.pump, self._handle.fd)
        async with Follower(work.pump, fd, size, kinds, landing.low_water) as follower:
            await Receiving(work, self._tickets, self._handle.fd, landing, meter, durability).run()
            return await follower.digests()
