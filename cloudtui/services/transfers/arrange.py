"""What an entry of a source folder becomes in the plan: the same for real and for dry runs.

Pure. Combines names, filters and the conflict table; makes no call and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from cloudtui.services.models import Capabilities, Entry, Kind
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.claims import Claims
from cloudtui.services.transfers.conflicts import Sameness, Verdict, decide, sameness
from cloudtui.services.transfers.orders import JobState, OnConflict, Verb
from cloudtui.services.transfers.rows import Action

LEFT_LINK: Final = "link"
LEFT_SPECIAL: Final = "special"
"""Codes of what is left alone for what it is; told in one sentence at the end."""


class Part(StrEnum):
    """What kind of work an entry is."""

    FILE = "file"
    TREE = "tree"
    """A whole folder that the service copies or moves by itself."""
    WALK = "walk"
    """A folder whose entries are planned one by one."""


class Arrangement(Struct, frozen=True):
    """The plan for one entry. `state` is WAITING for work, SKIPPED, FAILED or ASKS else."""

    part: Part
    state: JobState
    action: Action
    target_name: str
    existing: Entry | None
    verdict: Verdict
    message: str = ""
    code: str = ""


class Rules(Struct, frozen=True):
    """What holds for all entries of one pair of folders."""

    verb: Verb
    policy: OnConflict
    source_caps: Capabilities
    target_caps: Capabilities
    target_title: str
    trees: bool
    """Whole folders may be left to the service."""
    same_folder: bool = False
    """Source and target are one folder: what stands there may be the source itself."""


def arrange(entry: Entry, rules: Rules, claims: Claims, wanted: str | None = None) -> Arrangement:
    """Plan one entry, giving its target name away in `claims`. `wanted` is another name to arrive
    under."""
    name = entry.name if wanted is None else wanted
    if entry.kind in (Kind.LINK, Kind.SPECIAL):
        link = entry.kind is Kind.LINK
        what = "A link, not followed." if link else "No regular file."
        code = LEFT_LINK if link else LEFT_SPECIAL
        return _left(entry, name, JobState.SKIPPED, Verdict.SKIP, what, code)
    wrong = _wrong_name(claims.target_name(name), entry, rules)
    if wrong:
        return _left(entry, name, JobState.FAILED, Verdict.REFUSE, wrong, "bad_name")
    target_name, existing = claims.place(name)
    note = _arrives_as(name, target_name)
    same = Sameness.DIFFERENT
    if existing is not None and not (rules.same_folder and existing.id == entry.id):
        same = sameness(
            entry, existing, source_caps=rules.source_caps, target_caps=rules.target_caps
        )
    verdict = decide(rules.policy, entry, existing, same)
    if verdict is Verdict.KEEP_BOTH:
        claims.give_back(target_name)
        target_name, existing = claims.free(name), None
        note = _arrives_as(name, target_name)
    return _by_verdict(entry, rules, verdict, target_name, existing, note)


def _by_verdict(
    entry: Entry,
    rules: Rules,
    verdict: Verdict,
    target_name: str,
    existing: Entry | None,
    note: str,
) -> Arrangement:
    part = Part.FILE
    if entry.is_folder:
        free = verdict in (Verdict.NEW, Verdict.KEEP_BOTH)
        part = Part.WALK if verdict is Verdict.MERGE or (free and not rules.trees) else Part.TREE
    state, action, message, code = JobState.WAITING, Action.NEW, note, ""
    match verdict:
        case Verdict.NEW | Verdict.KEEP_BOTH | Verdict.MERGE:
            pass
        case Verdict.REPLACE:
            action = Action.REPLACE
        case Verdict.COMPARE:
            action = Action.COMPARE
        case Verdict.IDENTICAL if rules.verb is Verb.MOVE:
            action = Action.COMPARE  # a source is removed only after its bytes were compared
        case Verdict.IDENTICAL:
            state, message = JobState.SKIPPED, "Identical."
        case Verdict.SKIP:
            state, message = JobState.SKIPPED, "Already there."
        case Verdict.ASK:
            state, action, message = JobState.ASKS, Action.COMPARE, ""
        case Verdict.REFUSE:
            there = "folder" if existing is not None and existing.is_folder else "file"
            state, code = JobState.FAILED, "exists"
            message = (
                f"A {there} called {display_name(target_name)} stands there; "
                "it was left alone. Keep both gives the new one a number."
            )
    return Arrangement(part, state, action, target_name, existing, verdict, message, code)


def _left(
    entry: Entry, name: str, state: JobState, verdict: Verdict, message: str, code: str
) -> Arrangement:
    part = Part.TREE if entry.is_folder else Part.FILE
    return Arrangement(part, state, Action.NEW, name, None, verdict, message, code)


def _arrives_as(name: str, target_name: str) -> str:
    return "" if name == target_name else f"Arrives as {display_name(target_name)}."


def _wrong_name(name: str, entry: Entry, rules: Rules) -> str:
    caps = rules.target_caps
    shown, place = display_name(name), rules.target_title
    bad = next((char for char in name if char in caps.forbidden), None)
    if bad is not None:
        return f'{place} does not take "{display_name(bad)}" in names. {shown} was not copied.'
    if len(name.encode("utf-8", "replace")) > caps.max_name_bytes:
        return f"The name is too long for {place}. {shown} was not copied."
    if caps.max_file is not None and entry.size is not None and entry.size > caps.max_file:
        return f"{shown} is larger than {place} takes. It was not copied."
    return ""


def left_alone(counts: Mapping[str, int]) -> str:
    """The sentence for what was left alone, from counts by code."""
    links, others = counts.get(LEFT_LINK, 0), counts.get(LEFT_SPECIAL, 0)
    said = []
    if links:
        said.append(
            "1 link was not followed" if links == 1 else f"{links:,} links were not followed"
        )
    if others:
        what = "1 thing was" if others == 1 else f"{others:,} things were"
        said.append(f"{what} skipped, being no regular file (device, pipe or socket)")
    return (" and ".join(said) + ".") if said else ""
