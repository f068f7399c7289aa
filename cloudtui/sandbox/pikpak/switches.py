"""Scenario switches of the PikPak side, read at every use; set through the admin listener.

Every name starts with `pikpak.`; here are name, default and meaning.

strict_sign          true     captcha signs that no known identity explains are refused
signs_refused        []       names of identities whose salts are out of date: their captcha signs
                              are refused, all else of theirs is taken
clients_refused      []       names of identities that are no longer let in: no captcha token, no
                              sign-in, no refresh
captcha_puzzle       "off"    "demand": sign-in tokens come with a puzzle and count once it is
                              solved; "ignorable": the puzzle is shown but the token is good
                              anyway
puzzle_handback      "new"    the solved page hands back a "new" token, the "same" one, or
                              "nowhere" shows none
captcha_required     false    drive calls of clients that send X-Client-Id need a captcha token
captcha_scope        "any"    "split": tokens of the sign-in are refused by drive calls; "action":
                              each call needs its own
captcha_seconds      300      life of a captcha token
too_frequent         "off"    "init": captcha tokens are not handed out for a while (code 10);
                              "signin": the same word comes as 4002 from the sign-in
signin_prohibited    false    sign-in refused as from a data centre (4126), refresh goes on
                              working
access_seconds       7200     life of an access token
refresh_dead         false    every refresh token counts as spent
mkdir_duplicates     "double" "refuse": a taken folder name gives `file_duplicated_name`
strict_names         false    names with characters that rclone encodes are refused
list_order           "created""reverse" or "name": order of listings
list_limit           1000     largest page, whatever `limit` asks for
listing_lag          0        seconds until a change shows in listings; ids tell the truth at once
batch_seconds        0        how long a batch task (move, copy, trash, restore, delete, empty)
                              runs before it acts
batch_limit          500      most ids in one batch
events_limit         100      largest page of the history, whatever `limit` asks for
event_tokens         "any"    "encoded": a token of the history counts only percent-encoded, as
                              it was given; "decoded": only as the time it stands for, else the
                              first page comes again
batch_fails          0        that many of the next batch tasks end in an error and change nothing
trash_marks_children false    entries inside a trashed folder count as trashed themselves
trash_again          "refuse" "ignore": trashing a trashed entry is accepted
trash_lingers        0        seconds that emptied entries stay visible in listings of the trash
trash_days           15       days until `delete_time`, when the entry is gone for good
untrash              "origin" "root": restored entries land in the root
quota                10 TiB   storage limit in bytes
usage_lag            0        seconds until a change shows in the storage used
daily_uploads        null     uploads per day before `task_daily_create_limit`
instant              true     known content is accepted without sending it
upload_seconds       0        time between the stored object and the complete file
upload_task          true     upload answers carry a task
credential_seconds   43200    life of upload credentials
link_delay           0        seconds after completion before a file has links
s3_skew              0        seconds that the storage host's clock is ahead
complete_answer      "xml"    "json": how the storage host answers a completed multipart upload
part_tags            "md5"    "opaque": ETags of parts are no digests, which spares computing them
hash_drift           null     seconds after which a file's hash is suddenly another one
md5                  "none"   "detail": md5 only in details; "always": in listings too
link_seconds         86400    life of a download link
link_connections     8        connections at once per link; more get 503
account_connections  20       connections at once for all links of an account; more get 503
media                true     videos have a media link with the same fid and a smaller transcode
media_locked         []       names of forms (`720P`) that the account may not play: they have no
                              link and name a plan
thumbnails           true     pictures and films have a small picture
audit_blocked        []       names or ids whose content is blocked: no links
offline_seconds      3        how long a magnet task runs
fetch_seconds        0        least time an http task runs
offline_task         true     false: what the service knows is there at once, without a task
sub_tasks            7000     most files of one magnet before `task_sub_task_num_limit`
offline              "ok"     "stuck": tasks never end; "error": they fail
magnets              {}       info hash (lower case) → {"name": text, "files": {path: size},
                              "state": "ok", "stuck" or "error"}
daily_tasks          null     offline tasks per day before `task_daily_create_limit`
vip                  true     plan shown by the account; decides which daily limit error is sent
running_tasks        null     offline tasks at once before `task_run_nums_limit`
decompress_seconds   1        how long an extraction runs
decompress_fails     0        that many of the next extractions end in an error and make nothing
decompress_status    null     status text that the next extractions answer instead of "OK"
share_status         null     status that every opened share answers
share_token_seconds  0        life of the token that a share's page hands out; 0: for ever
save_fails           0        that many of the next saves from a share end in an error after the
                              first thing
save_fails_after     null     how many things such a save makes, those in folders counted; null: the
                              first one with all that lies in it
save_told            true     false: neither the task of a save nor what it made tells of the other
share_ancestors      false    things below the top of a share are saved only with their ancestors
share_edit           "ok"     "ignored": changing a link answers and changes nothing; "refused": it
                              is not for this client
share_codes_hidden   false    the list of one's own links keeps the pass codes to itself
"""

from __future__ import annotations

from cloudtui.sandbox.world import World

TIB = 1024**4
DEFAULTS: dict[str, object] = {
    "strict_sign": True,
    "signs_refused": [],
    "clients_refused": [],
    "captcha_puzzle": "off",
    "puzzle_handback": "new",
    "captcha_required": False,
    "captcha_scope": "any",
    "captcha_seconds": 300,
    "too_frequent": "off",
    "signin_prohibited": False,
    "access_seconds": 7200,
    "refresh_dead": False,
    "mkdir_duplicates": "double",
    "strict_names": False,
    "list_order": "created",
    "list_limit": 1000,
    "listing_lag": 0,
    "batch_seconds": 0,
    "batch_limit": 500,
    "events_limit": 100,
    "event_tokens": "any",
    "batch_fails": 0,
    "trash_marks_children": False,
    "trash_again": "refuse",
    "trash_lingers": 0,
    "trash_days": 15,
    "untrash": "origin",
    "quota": 10 * TIB,
    "usage_lag": 0,
    "daily_uploads": None,
    "instant": True,
    "upload_seconds": 0,
    "upload_task": True,
    "credential_seconds": 43200,
    "link_delay": 0,
    "s3_skew": 0,
    "complete_answer": "xml",
    "part_tags": "md5",
    "hash_drift": None,
    "md5": "none",
    "link_seconds": 86400,
    "link_connections": 8,
    "account_connections": 20,
    "media": True,
    "media_locked": [],
    "thumbnails": True,
    "audit_blocked": [],
    "offline_seconds": 3,
    "fetch_seconds": 0,
    "offline_task": True,
    "sub_tasks": 7000,
    "offline": "ok",
    "magnets": {},
    "daily_tasks": None,
    "vip": True,
    "running_tasks": None,
    "decompress_seconds": 1,
    "decompress_fails": 0,
    "decompress_status": None,
    "share_status": None,
    "share_token_seconds": 0,
    "save_fails": 0,
    "save_fails_after": None,
    "save_told": True,
    "share_ancestors": False,
    "share_edit": "ok",
    "share_codes_hidden": False,
}


class Switches:
    """Typed reading of the table above; KeyError for a name that is not in it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def value(self, name: str) -> object:
        """The switch as it was set; unset or null means its default."""
        value = self._world.switch(f"pikpak.{name}")
        return DEFAULTS[name] if value is None else value

    def on(self, name: str) -> bool:
        """The switch as yes or no."""
        return bool(self.value(name))

    def word(self, name: str) -> str:
        """The switch as text; an unset one is empty."""
        value = self.value(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float:
        """The switch as a number; anything else counts as 0."""
        value = self.value(name)
        return float(value) if isinstance(value, int | float) else 0.0

    def limit(self, name: str) -> int | None:
        """A limit, None when there is none."""
        value = self.value(name)
        return int(value) if isinstance(value, int | float) else None

    def count_down(self, name: str) -> bool:
        """Whether a counter was above zero; takes one from it."""
        left = int(self.number(name))
        if left <= 0:
            return False
        self._world.switches[f"pikpak.{name}"] = left - 1
        return True
