"""From this disk, or from another service, to a service: send, compare, commit."""

from __future__ import annotations

from msgspec.structs import replace

from cloudtui.services.errors import CloudError, Mismatch
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, HashType
from cloudtui.services.storage import Receipt, RemoteWrite, SourceFacts
from cloudtui.services.transfers.feeds import Feed
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.saying import Saying
from cloudtui.services.transfers.sending import Sending
from cloudtui.services.transfers.tickets import source_changed
from cloudtui.services.transfers.work import Moved, Work


class Upload:
    """Sends one file into a `RemoteWrite`. `saying` is what a remote source says about itself,
    compared with what passed through."""

    def __init__(
        self,
        work: Work,
        feed: Feed,
        handle: RemoteWrite,
        saying: Saying | None = None,
    ) -> None:
        self._work = work
        self._feed = feed
        self._handle = handle
        self._saying = saying if work.verify is not Verify.SIZE else None

    async def run(self) -> Moved:
        """Send what has no receipt, compare, commit. Raises CloudErrors.

        Mismatch means that nothing was committed and that this upload is spoilt: abort it and
        begin another one. Gone means the same of an upload the service forgot.
        """
        work, handle = self._work, self._handle
        if work.facts.size != self._feed.size:
            raise source_changed()
        sending = Sending(work, self._feed, handle)
        done = Ranges((each.offset, each.offset + each.length) for each in sending.receipts)
        digests: dict[HashType, str] = {}
        async with self._feed.opened(self._kinds(), done, in_order=handle.parts_at_once <= 1):
            if handle.instant:
                work.meter.restart(self._feed.size)
            else:
                await sending.run()
                digests = await self._feed.digests()
            await self._feed.check()
        note = await self._compare_claim(digests)
        if self._saying is not None and digests and work.on_digests is not None:
            await work.on_digests(digests)
        facts = replace(work.facts, hashes={**work.facts.hashes, **digests})
        work.stop.check()
        failpoint("mover.before_finish")
        entry = await self._finish(sending.receipts, facts)
        failpoint("mover.after_finish")
        confirmed = handle.verify_hash is not None and handle.verify_hash in facts.hashes
        strict = sending.compared > 0 and sending.compared == len(sending.receipts)
        checked = work.verify is not Verify.SIZE and (confirmed or strict)
        return Moved(entry, checked, sending.sent, note)

    def _kinds(self) -> set[HashType]:
        """The digests to compute: what the service confirms, and what the source claims."""
        if self._work.verify is Verify.SIZE or self._handle.instant:
            return set()
        kinds = set()
        wanted = self._handle.verify_hash
        if wanted is not None and wanted not in self._work.facts.hashes:
            kinds.add(wanted)
        if self._saying is not None and self._saying.kind is not None:
            kinds.add(self._saying.kind)
        return kinds

    async def _compare_claim(self, digests: dict[HashType, str]) -> str:
        """A note when the source's own GCID does not fit. Raises Mismatch for real digests."""
        kind = self._saying.kind if self._saying is not None else None
        if self._saying is None or kind is None or kind not in digests:
            return ""
        told = (await self._saying.hashes()).get(kind, "")
        if not told or digests[kind].lower() == told.lower():
            return ""
        if kind is HashType.GCID:
            return "The hash the source names does not fit its content; the content was copied."
        raise Mismatch(
            "What the source sent is not what it says it holds; nothing was given its name.",
            hint="Copy the file again; if that ends the same way, the source is damaged.",
        )

    async def _finish(self, receipts: list[Receipt], facts: SourceFacts) -> Entry:
        """Commit; `finish` looks first whether an earlier try took effect."""
        patience = self._work.patience()
        while True:
            try:
                return await self._handle.finish(receipts, facts)
            except CloudError as exc:
                await patience.again(exc)
