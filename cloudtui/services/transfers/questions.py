"""Answers to conflicts, written into the journal.

Owns what an answer makes of an item; functions over a connection inside a transaction of
`Journal`. Asking and showing are not done here.
"""

from __future__ import annotations

import sqlite3

from cloudtui.services.models import DISK
from cloudtui.services.naming import local_name
from cloudtui.services.transfers import ledger, shelves
from cloudtui.services.transfers.conflicts import Sameness, Verdict, decide, policy_of
from cloudtui.services.transfers.orders import Answer, JobState, Resolution
from cloudtui.services.transfers.rows import Action, ItemRow


def answer_all(job: str, answer: Resolution, db: sqlite3.Connection) -> None:
    """An answer for every question of a job, now and later."""
    ledger.set_answer(db, job, answer)
    shelves.ask_again(db, job)


def answer_one(item: ItemRow, answer: Resolution, account: str, db: sqlite3.Connection) -> None:
    """An answer for one item that asks: how it waits for its next turn, or that it is skipped."""
    action, name = Action.REPLACE, item.target_name
    match answer.answer:
        case Answer.KEEP_BOTH:
            action = Action.KEEP
        case Answer.RENAME:
            action = Action.COMPARE
            name = local_name(answer.name) if account == DISK else answer.name
        case Answer.SKIP | Answer.NEWER | Answer.LARGER:
            policy = policy_of(answer.answer)
            verdict = decide(policy, item.entry, item.existing, Sameness.DIFFERENT)
            if verdict in (Verdict.SKIP, Verdict.ASK):
                shelves.settle(db, item.id, JobState.SKIPPED, "Already there.", "")
                return
        case Answer.OVERWRITE:
            pass
    shelves.set_plan(db, item.id, action, name, account, None)
    shelves.settle(db, item.id, JobState.WAITING, "", "")
