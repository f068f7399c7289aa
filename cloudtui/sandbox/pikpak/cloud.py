"""What all PikPak endpoints share: world, switches, accounts and the pool of known content."""

from __future__ import annotations

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak import hashes
from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.switches import Switches
from cloudtui.sandbox.world import World

DAY = 86400


def gcid_of(blob: Blob) -> str:
    """The block hash of stored bytes, computed once per blob."""
    return blob.computed("gcid", lambda path: hashes.gcid(path, blob.size))


def cid_of(blob: Blob) -> str:
    """The sample hash of stored bytes, computed once per blob."""
    return blob.computed("cid", lambda path: hashes.cid(path, blob.size))


class Cloud:
    """Shared state of the service; trees change only under `world.lock`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.switches = Switches(world)
        self.accounts: dict[str, Account] = {}
        self._by_user: dict[str, Account] = {}
        # By size: content is looked up by hash, and only equal sizes are ever hashed for that.
        self._pool: dict[int, list[Blob]] = {}
        self.counters: dict[str, int] = {}

    def account(self, username: str, password: str) -> Account:
        """The account of that name, made if needed."""
        with self.world.lock:
            account = self.accounts.get(username)
            if account is None:
                self.world.issue(password)
                account = Account(username, password, self.world.clock)
                account.tree.lag = lambda: self.switches.number("listing_lag")
                account.usage_lag = lambda: self.switches.number("usage_lag")
                account.trash_life = lambda: self.switches.number("trash_days") * DAY
                self.accounts[username] = account
                self._by_user[account.user_id] = account
            return account

    def by_user(self, user_id: str) -> Account | None:
        """The account with that user id."""
        return self._by_user.get(user_id)

    def count(self, what: str, by: int = 1) -> None:
        """Add to a counter of the state dump."""
        with self.world.lock:
            self.counters[what] = self.counters.get(what, 0) + by

    def remember(self, blob: Blob) -> None:
        """Make content known: from now on it can be uploaded by its hash alone."""
        with self.world.lock:
            known = self._pool.setdefault(blob.size, [])
            if blob not in known:
                known.append(blob)

    def _of_size(self, size: int) -> list[Blob]:
        with self.world.lock:
            return list(self._pool.get(size, ()))

    def known(self, gcid: str, size: int) -> Blob | None:
        """Stored bytes that really have this hash and size. Reads files: not under the lock."""
        wanted = gcid.upper()
        return next((blob for blob in self._of_size(size) if gcid_of(blob) == wanted), None)

    def known_by_sample(self, cid: str, size: int) -> Blob | None:
        """Stored bytes with these samples and size. Reads files: not under the lock."""
        wanted = cid.upper()
        return next((blob for blob in self._of_size(size) if cid_of(blob) == wanted), None)
