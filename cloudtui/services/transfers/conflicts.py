"""What becomes of a source when something already has its name: one pure, exhaustive table.

No I/O. Nothing is replaced or left out except by a row of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cloudtui.services.models import Capabilities, Entry, HashType, Kind
from cloudtui.services.transfers.orders import Answer, OnConflict

TIMES_MEET: Final = 2_000_000_000
"""Nanoseconds two times may differ and count as equal: FAT keeps two seconds."""


class Sameness(StrEnum):
    """Whether two files hold the same bytes, as far as known without reading them."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """A cell of the table."""

    NEW = "new"
    MERGE = "merge"
    IDENTICAL = "identical"
    SKIP = "skip"
    REPLACE = "replace"
    KEEP_BOTH = "keep-both"
    ASK = "ask"
    COMPARE = "compare"
    """Read both sides' digests, then look the table up again."""
    REFUSE = "refuse"


def sameness(
    source: Entry, target: Entry, *, source_caps: Capabilities, target_caps: Capabilities
) -> Sameness:
    """What listings alone tell. Only files can be the same.

    Equal size and an equal digest of one type, or equal size and times within two seconds where
    the target keeps times. Equal size and different times prove nothing: UNKNOWN.
    """
    if source.kind is not Kind.FILE or target.kind is not Kind.FILE:
        return Sameness.DIFFERENT
    if source.size is None or target.size is None:
        return Sameness.UNKNOWN
    if source.size != target.size:
        return Sameness.DIFFERENT
    if source.hash and target.hash and source_caps.entry_hash is target_caps.entry_hash:
        same_kind = source_caps.entry_hash
        if same_kind is HashType.CHANGE:
            # a change mark is only comparable within one service, and only for equality
            if source.hash == target.hash:
                return Sameness.SAME
        elif same_kind is not None:
            return Sameness.SAME if source.hash == target.hash else Sameness.DIFFERENT
    if (
        target_caps.sets_mtime
        and source.mtime_ns is not None
        and target.mtime_ns is not None
        and abs(source.mtime_ns - target.mtime_ns) <= TIMES_MEET
    ):
        return Sameness.SAME
    return Sameness.UNKNOWN


def agree(left: Mapping[HashType, str], right: Mapping[HashType, str]) -> Sameness:
    """What digests of both sides tell; different when they share no type."""
    shared = [kind for kind in left if kind in right and kind is not HashType.CHANGE]
    if not shared:
        return Sameness.DIFFERENT
    equal = all(left[kind].lower() == right[kind].lower() for kind in shared)
    return Sameness.SAME if equal else Sameness.DIFFERENT


def decide(policy: OnConflict, source: Entry, target: Entry | None, same: Sameness) -> Verdict:
    """The cell for `source` arriving where `target` stands (None: the name is free)."""
    if target is None:
        return Verdict.NEW
    if source.kind is Kind.FOLDER and target.kind is Kind.FOLDER:
        return Verdict.MERGE
    if source.kind is not Kind.FILE or target.kind is not Kind.FILE:
        return _unlike(policy)
    if same is Sameness.SAME:
        return Verdict.IDENTICAL
    if policy is OnConflict.SKIP:
        return Verdict.SKIP
    if same is Sameness.UNKNOWN:
        return Verdict.COMPARE
    return _files(policy, source, target)


def _unlike(policy: OnConflict) -> Verdict:
    # A folder never takes a file's place nor a file a folder's, whatever the policy says.
    match policy:
        case OnConflict.ASK:
            return Verdict.ASK
        case OnConflict.SKIP:
            return Verdict.SKIP
        case OnConflict.KEEP_BOTH:
            return Verdict.KEEP_BOTH
        case OnConflict.OVERWRITE | OnConflict.NEWER | OnConflict.LARGER:
            return Verdict.REFUSE


def _files(policy: OnConflict, source: Entry, target: Entry) -> Verdict:
    match policy:
        case OnConflict.ASK:
            return Verdict.ASK
        case OnConflict.SKIP:
            return Verdict.SKIP
        case OnConflict.OVERWRITE:
            return Verdict.REPLACE
        case OnConflict.KEEP_BOTH:
            return Verdict.KEEP_BOTH
        case OnConflict.NEWER:
            if source.mtime_ns is None or target.mtime_ns is None:
                return Verdict.ASK
            newer = source.mtime_ns - target.mtime_ns > TIMES_MEET
            return Verdict.REPLACE if newer else Verdict.SKIP
        case OnConflict.LARGER:
            if source.size is None or target.size is None:
                return Verdict.ASK
            return Verdict.REPLACE if source.size > target.size else Verdict.SKIP


def policy_of(answer: Answer) -> OnConflict:
    """The policy that an answer to one question amounts to; RENAME keeps both, under a name of
    the user's choice."""
    match answer:
        case Answer.SKIP:
            return OnConflict.SKIP
        case Answer.OVERWRITE:
            return OnConflict.OVERWRITE
        case Answer.KEEP_BOTH | Answer.RENAME:
            return OnConflict.KEEP_BOTH
        case Answer.NEWER:
            return OnConflict.NEWER
        case Answer.LARGER:
            return OnConflict.LARGER
