"""Which names of a target folder are taken: by what stands there and by what is on its way.

Pure. Finds sources that would meet under one name (twins of a cloud, names that differ only in
what the target cannot tell apart, characters mapped to one another) and numbers the later ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from cloudtui.services.models import DISK, Capabilities, Entry
from cloudtui.services.naming import local_name, numbered


class Claims:
    """The names of one target folder while it is planned."""

    def __init__(self, account: str, caps: Capabilities) -> None:
        self._account = account
        self._blind = not caps.case_sensitive
        self._standing: dict[str, Entry] = {}
        self._claimed: set[str] = set()

    def key(self, name: str) -> str:
        """Equal for names that the place cannot tell apart."""
        if not self._blind:
            return name
        return unicodedata.normalize("NFC", name).casefold()

    def stand(self, entries: Iterable[Entry]) -> None:
        """These stand in the folder already. Of twins the first counts."""
        for entry in entries:
            self._standing.setdefault(self.key(entry.name), entry)

    @property
    def standing(self) -> Mapping[str, Entry]:
        """What stands there, by key."""
        return self._standing

    def claim_known(self, name: str) -> None:
        """`name` was given away before (a plan taken up again)."""
        self._claimed.add(self.key(name))

    def target_name(self, name: str) -> str:
        """How the place will call what the source calls `name`."""
        return local_name(name) if self._account == DISK else name

    def place(self, name: str) -> tuple[str, Entry | None]:
        """Give a name away: the wanted one, or the first numbered one that no other source got.

        The answer's second half is what already stands under it.
        """
        wanted = candidate = self.target_name(name)
        n = 1
        while self.key(candidate) in self._claimed:
            candidate = self.target_name(numbered(wanted, n))
            n += 1
        self._claimed.add(self.key(candidate))
        return candidate, self._standing.get(self.key(candidate))

    def free(self, name: str) -> str:
        """Give the first numbered name away that neither stands there nor is on its way."""
        wanted, n = self.target_name(name), 1
        while True:
            candidate = self.target_name(numbered(wanted, n))
            key = self.key(candidate)
            if key not in self._claimed and key not in self._standing:
                self._claimed.add(key)
                return candidate
            n += 1

    def give_back(self, name: str) -> None:
        """A name given away is not used after all."""
        self._claimed.discard(self.key(name))
