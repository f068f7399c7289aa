"""The one table of actions: ids, keys, words.

Owns what can be done by key in every place. Bindings, key bar, help, palette and `cloudtui keys`
are generated from it, so they cannot disagree. Knows no screen and imports no framework: printing
the key table must stay cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct


class Place(StrEnum):
    """Where an action applies. LIST actions work in every list, APP actions everywhere, PART ones
    on rows of the browser that stand for unfinished files, before those of the browser."""

    APP = "everywhere"
    LIST = "lists"
    BROWSER = "browser"
    PART = "unfinished"
    TRANSFERS = "transfers"
    TRASH = "trash"
    OFFLINE = "offline tasks"
    ARCHIVE = "inside an archive"
    SHARES = "public links"
    SHARED = "a link of others"
    STARRED = "with a star"
    HISTORY = "history"
    VERSIONS = "versions"
    PLAYLISTS = "playlists"
    VIEWER = "viewer"
    SIGN_IN = "sign-in"
    DIALOG = "boxes"
    FIELD = "text fields"


class Action(Struct, frozen=True):
    """One thing that can be done.

    `keys` are key names as the terminal layer reports them; a name with a space in it is a
    sequence of two. `run` is the method that does it, without its `action_` prefix and possibly
    with arguments.
    """

    id: str
    keys: tuple[str, ...]
    words: str
    group: str
    place: Place
    run: str


def _table(place: Place, rows: Iterable[tuple[str, str, str, str, str]]) -> list[Action]:
    """Rows of id, keys separated by bars, words, group, method."""
    return [
        Action(
            id=f"{place.name.lower()}.{name}",
            keys=tuple(keys.split("|")),
            words=words,
            group=group,
            place=place,
            run=run,
        )
        for name, keys, words, group, run in rows
    ]


_MARKS: tuple[tuple[str, str, str, str, str], ...] = (
    ("mark", "space|insert", "mark or unmark", "marks", "mark"),
    ("range", "v", "begin a range, then mark it", "marks", "range"),
    ("mark_pattern", "plus", "mark by pattern", "marks", "mark_pattern(True)"),
    ("unmark_pattern", "minus", "unmark by pattern", "marks", "mark_pattern(False)"),
    ("mark_all", "ctrl+a", "mark all that is shown", "marks", "mark_all"),
    ("invert", "asterisk", "invert marks", "marks", "invert"),
    ("filter", "slash", "filter", "view", "filter"),
    ("sort", "comma", "another order", "view", "sort"),
)
"""Keys of every list with marks beside the panes."""

ACTIONS: tuple[Action, ...] = (
    *_table(
        Place.LIST,
        [
            ("up", "up|k", "previous row", "moving", "move('up')"),
            ("down", "down|j", "next row", "moving", "move('down')"),
            ("page_up", "pageup|ctrl+b", "page up", "moving", "move('page_up')"),
            ("page_down", "pagedown|ctrl+f", "page down", "moving", "move('page_down')"),
            ("half_up", "ctrl+u", "half a page up", "moving", "move('half_up')"),
            ("half_down", "ctrl+d", "half a page down", "moving", "move('half_down')"),
            ("first", "home|g g", "first row", "moving", "move('first')"),
            ("last", "end|G", "last row", "moving", "move('last')"),
        ],
    ),
    *_table(
        Place.BROWSER,
        [
            ("enter", "enter|o", "open, or what the info line says", "moving", "enter"),
            ("into", "l|right|ctrl+pagedown", "enter folder", "moving", "into"),
            ("parent", "backspace|h|left|ctrl+pageup", "parent folder", "moving", "parent"),
            ("back", "alt+left|H", "back to the folder before", "moving", "back"),
            ("forward", "alt+right|L", "forward again", "moving", "forward"),
            ("other", "tab|shift+tab", "other pane", "panes", "other_pane"),
            ("same", "equals_sign|alt+i", "this folder in the other pane, too", "panes",
             "same_folder"),
            ("open_other", "alt+o", "this row's folder in the other pane", "panes", "open_other"),
            ("swap", "W", "swap the panes", "panes", "swap"),
            ("alone", "Z", "this pane alone and back", "panes", "alone"),
            ("border_left", "less_than_sign", "left pane smaller", "panes", "border(-1)"),
            ("border_right", "greater_than_sign", "left pane larger", "panes", "border(1)"),
            ("sources", "at", "choose source, add an account", "panes", "sources('')"),
            ("sources_left", "alt+f1", "choose source of the left pane", "panes",
             "sources('left')"),
            ("sources_right", "alt+f2", "choose source of the right pane", "panes",
             "sources('right')"),
            ("mark", "space|insert", "mark or unmark, step down", "marks", "mark"),
            ("mark_up", "shift+up|K", "mark while moving up", "marks", "mark_move('up')"),
            ("mark_down", "shift+down|J", "mark while moving down", "marks", "mark_move('down')"),
            ("range", "v", "start or end a range mark", "marks", "range"),
            ("range_off", "V", "unmark the rows of a range", "marks", "range_off"),
            ("mark_pattern", "plus", "mark by pattern", "marks", "mark_pattern(True)"),
            ("unmark_pattern", "minus", "unmark by pattern", "marks", "mark_pattern(False)"),
            ("invert", "asterisk", "invert marks", "marks", "invert"),
            ("mark_all", "ctrl+a", "mark all visible", "marks", "mark_all"),
            ("cancel", "escape", "one step back: filter, load, marks", "marks", "cancel"),
            ("copy", "f5|alt+5", "copy to the other pane", "files", "transfer('copy')"),
            ("move", "f6|alt+6", "move to the other pane", "files", "transfer('move')"),
            ("take_copy", "y", "take to copy", "files", "take('copy')"),
            ("take_move", "x", "take to move", "files", "take('move')"),
            ("take_more", "Y", "take these too", "files", "take_more"),
            ("put", "p", "put here what was taken", "files", "put(False)"),
            ("put_options", "P", "put here with options", "files", "put(True)"),
            ("rename", "r|shift+f6|f18", "rename here", "files", "rename"),
            ("mkdir", "f7|a|alt+7", "new folder", "files", "mkdir"),
            ("trash", "f8|d|delete|alt+8", "to the trash", "files", "trash"),
            ("delete", "D|shift+delete", "delete for ever", "files", "delete"),
            ("unpack", "X", "unpack archives on the service", "files", "unpack"),
            ("pack", "A", "pack a folder into one tar, and back", "files", "pack"),
            ("star", "S", "star on or off", "files", "star"),
            ("undo", "u", "undo", "files", "undo"),
            ("view", "f3|alt+3", "view the first 64 KiB", "files", "view"),
            ("edit", "f4|e|alt+4", "edit a text, send it back if changed", "files", "edit"),
            ("properties", "i|alt+enter", "properties", "files", "properties"),
            ("copy_path", "c p", "copy the path", "files", "copy_words('path')"),
            ("copy_name", "c n", "copy the name", "files", "copy_words('name')"),
            ("copy_link", "c l", "copy a direct link", "files", "copy_words('link')"),
            ("copy_share", "c s", "copy a share link, made for it", "files",
             "copy_words('share')"),
            ("play_quality", "c q", "play in another quality", "files",
             "copy_words('quality')"),
            ("copy_source", "c u", "copy the link it was fetched from", "files",
             "copy_words('source')"),
            ("search", "s|alt+f7", "search below this folder", "moving", "search"),
            ("bookmarks", "b|ctrl+backslash", "bookmarks", "moving", "bookmarks"),
            ("bookmark", "B", "keep this folder as a bookmark", "moving", "bookmark"),
            ("recent", "z", "folders of this run", "moving", "recent"),
            ("go", "g space", "go to a path", "moving", "go"),
            ("home", "g h", "home folder", "moving", "home"),
            ("root", "g slash", "root folder", "moving", "root"),
            ("filter", "slash|f", "filter", "view", "filter"),
            ("jump", "ctrl+s", "jump to a name while typing", "view", "jump"),
            ("sort_name", "comma n|ctrl+f3", "sort by name", "view", "sort('name')"),
            ("sort_size", "comma s|ctrl+f6", "sort by size", "view", "sort('size')"),
            ("sort_changed", "comma m|ctrl+f5", "sort by time", "view",
             "sort('changed')"),
            ("sort_created", "comma c", "sort by time of making", "view", "sort('created')"),
            ("sort_extension", "comma e|ctrl+f4", "sort by extension", "view",
             "sort('extension')"),
            ("sort_reverse", "comma r", "reverse the order", "view", "sort('reverse')"),
            ("hidden", "full_stop", "hidden files", "view", "hidden"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("compare", "C", "mark what is newer or missing there", "view", "compare"),
            ("panel", "I", "side panel of wide screens on or off", "view", "panel"),
            ("dock", "F", "transfer dock on or off", "places", "dock"),
            ("dock_keys", "g w", "dock: keys are about its jobs", "places", "dock_keys"),
            ("dock_smaller", "left_square_bracket", "dock smaller", "places", "dock_lines(-1)"),
            ("dock_larger", "right_square_bracket", "dock larger", "places", "dock_lines(1)"),
            ("transfers", "w", "transfers", "places", "transfers"),
            ("trash_screen", "t|g t", "trash", "places", "trash_screen"),
            ("offline", "O", "offline downloads", "places", "offline"),
            ("paste", "m", "paste a link or magnet", "places", "paste_link"),
            ("shares", "g s", "my public links", "places", "shares"),
            ("starred", "g f", "favourites: what has a star", "places", "starred"),
            ("history", "g e", "history of the account", "places", "history"),
            ("versions", "g v", "versions of a file", "places", "versions"),
            ("playlists", "g p", "playlists on pCloud", "places", "playlists"),
            ("log", "g l", "messages so far", "places", "log"),
            ("keys", "g k", "set of keys: mc, desktop or our own", "program", "choose_keys"),
        ],
    ),
    *_table(
        Place.PART,
        [
            ("go_on", "r", "go on with the download", "unfinished", "part('go_on')"),
            ("drop", "d|delete", "drop what is there of it", "unfinished", "part('drop')"),
            ("job", "enter|o", "show its job", "unfinished", "part('job')"),
        ],
    ),
    *_table(
        Place.APP,
        [
            ("help", "f1|question_mark|alt+1", "help", "program", "help"),
            ("palette", "colon|ctrl+p|f9|alt+9", "every action by name", "program", "palette"),
            ("menu", "f2|alt+2", "what can be done here", "program", "menu"),
            ("quit", "f10|q|ctrl+q|alt+0", "quit", "program", "ask_quit"),
            ("quit_here", "Q", "quit, leave the shell in this folder", "program", "quit_here"),
            ("redraw", "ctrl+l", "redraw the screen", "program", "redraw"),
            ("suspend", "ctrl+z", "to the shell and back with fg", "program", "suspend_program"),
            ("stop", "ctrl+c", "stop the nearest thing", "program", "stop_nearest"),
        ],
    ),
    *_table(
        Place.TRANSFERS,
        [
            ("details", "enter", "details, or decide a question", "jobs", "details"),
            ("pause", "p|space", "pause or go on", "jobs", "pause"),
            ("pause_all", "P", "pause or go on with all", "jobs", "pause_all"),
            ("cancel", "x", "cancel", "jobs", "cancel"),
            ("retry", "r", "try again", "jobs", "retry"),
            ("retry_all", "R", "try all failed again", "jobs", "retry_all"),
            ("clear", "c", "clear finished", "jobs", "clear"),
            ("target", "o", "show the target folder", "jobs", "target"),
            ("earlier", "alt+up|K", "earlier in the queue", "jobs", "reorder(-1)"),
            ("later", "alt+down|J", "later in the queue", "jobs", "reorder(1)"),
            ("more", "plus", "one more job at once", "jobs", "at_once(1)"),
            ("fewer", "minus", "one job at once less", "jobs", "at_once(-1)"),
            ("limit", "b", "speed limit on or off", "jobs", "limit"),
            ("log", "i", "log of the job", "jobs", "log"),
            ("filter", "slash", "show only some jobs", "view", "filter"),
            ("close", "escape|w", "close; jobs go on", "jobs", "close"),
        ],
    ),
    *_table(
        Place.TRASH,
        [
            *_MARKS,
            ("info", "i", "what is known of it", "view", "info"),
            ("restore", "r|enter", "restore into the old folder", "trash", "restore(False)"),
            ("restore_here", "R", "restore into the other pane's folder", "trash",
             "restore(True)"),
            ("delete", "D|shift+delete", "delete for ever", "trash", "delete"),
            ("empty", "E", "empty the trash", "trash", "empty"),
            ("web", "c", "copy the address of a trash on the web", "trash", "copy_web"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape|t", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.OFFLINE,
        [
            ("add", "a|m", "paste links", "tasks", "add"),
            ("show", "enter|o", "show the result in the pane", "tasks", "show"),
            ("fetch", "f", "to disk when done, on or off", "tasks", "fetch"),
            ("retry", "r", "try again", "tasks", "retry"),
            ("remove", "x", "remove the task, keep files", "tasks", "remove(False)"),
            ("remove_files", "D", "remove the task and its files", "tasks", "remove(True)"),
            ("clear", "C", "drop the tasks that are done", "tasks", "clear"),
            ("copy_url", "c u", "copy the source link", "tasks", "copy_url"),
            ("info", "i", "its files, what the service says", "tasks", "info"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape|O", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.ARCHIVE,
        [
            *_MARKS,
            ("enter", "enter|o|l|right", "into the folder", "moving", "enter"),
            ("parent", "backspace|h|left", "the folder above", "moving", "parent"),
            ("unpack", "X|f5|alt+5", "unpack what is marked, or this", "files", "unpack"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.SHARED,
        [
            *_MARKS,
            ("enter", "enter|o|l|right", "into the folder", "moving", "enter"),
            ("parent", "backspace|h|left", "the folder above", "moving", "parent"),
            ("save", "f5|alt+5|p", "save what is marked, or this", "files", "save"),
            ("link", "c", "a direct link to the file", "links", "link"),
            ("info", "i|alt+enter", "properties", "view", "info"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.SHARES,
        [
            *_MARKS,
            ("link", "enter", "the link, to copy or as QR code", "links", "link"),
            ("limits", "e", "other limits, another password", "links", "limits"),
            ("info", "i", "what is known of it", "view", "info"),
            ("revoke", "x|D", "take back", "links", "revoke"),
            ("show", "o", "show in the pane what it links to", "links", "show"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.STARRED,
        [
            *_MARKS,
            ("show", "enter|o", "show it in the pane", "stars", "show"),
            ("unstar", "x|S", "take the star off", "stars", "unstar"),
            ("undo", "u", "put a star back that was taken off here", "stars", "undo"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.HISTORY,
        [
            *_MARKS,
            ("show", "enter|o", "show in the pane what it tells of", "history", "show"),
            ("more", "m", "older lines, too", "history", "more"),
            ("forget", "x|D", "forget lines, files stay", "history", "forget"),
            ("clear", "E", "forget all, files stay", "history", "clear"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.VERSIONS,
        [
            ("restore", "enter|r", "bring the version back", "versions", "restore"),
            ("view", "f3|alt+3", "view its first 64 KiB", "versions", "view"),
            ("copy", "f5|alt+5|s", "save it to the other pane", "versions", "copy"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.PLAYLISTS,
        [
            ("add", "a", "make one out of a local list", "playlists", "add"),
            ("show", "enter|o", "show the file in the pane", "playlists", "show"),
            ("delete", "d|D|delete", "delete, the music stays", "playlists", "delete"),
            ("reload", "ctrl+r", "reload", "view", "reload"),
            ("close", "escape", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.VIEWER,
        [
            ("bytes", "x", "text or bytes, a picture or its bytes", "view", "bytes"),
            ("close", "escape|f3|q|alt+3", "close", "places", "close"),
        ],
    ),
    *_table(
        Place.DIALOG,
        [
            ("safe", "escape", "the safe answer", "answers", "safe"),
            ("before", "left|up", "answer before", "answers", "step(-1)"),
            ("next", "right|down", "next answer; Enter gives it", "answers", "step(1)"),
            ("explain", "f1|alt+1", "what keys do here", "answers", "explain"),
        ],
    ),
    *_table(
        Place.FIELD,
        [
            ("start", "home|ctrl+a", "start of the line", "moving", "home"),
            ("end", "end|ctrl+e", "end of the line", "moving", "end"),
            ("word_back", "alt+b|ctrl+left", "word back", "moving", "cursor_left_word"),
            ("word_on", "alt+f|ctrl+right", "word forward", "moving", "cursor_right_word"),
            ("cut_word", "ctrl+w", "delete the word before", "text", "delete_left_word"),
            ("cut_before", "ctrl+u", "delete all before", "text", "delete_left_all"),
            ("cut_after", "ctrl+k", "delete all behind", "text", "delete_right_all"),
            ("typed_before", "up", "what was typed before", "text", "before(1)"),
            ("typed_after", "down", "what was typed after it", "text", "before(-1)"),
        ],
    ),
    *_table(
        Place.SIGN_IN,
        [
            ("copy", "c", "copy the link", "link", "copy_link"),
            ("open", "o", "open the link in a browser", "link", "open_link"),
            ("qr", "k", "QR code of the link", "link", "qr"),
        ],
    ),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_SHIFTED = re.compile(r"f(1[3-9]|2[0-4])")

_NAMES = {
    "up": "Up", "down": "Down", "left": "Left", "right": "Right", "pageup": "PgUp",
    "pagedown": "PgDn", "home": "Home", "end": "End", "enter": "Enter", "escape": "Esc",
    "space": "Space", "insert": "Insert", "delete": "Delete", "backspace": "Backspace",
    "tab": "Tab", "slash": "/", "comma": ",", "full_stop": ".", "plus": "+", "minus": "-",
    "asterisk": "*", "at": "@", "question_mark": "?", "colon": ":", "equals_sign": "=",
    "backslash": "\\", "less_than_sign": "<", "greater_than_sign": ">",
    "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key as people read it: `ctrl+pagedown` becomes `Ctrl+PgDn`, `g space` `g Space`."""
    if " " in key:
        return " ".join(key_name(part) for part in key.split(" "))
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if last in _NAMES:
        last = _NAMES[last]
    elif (len(last) > 1 and last[0] == "f" and last[1:].isdigit()) or modifiers:
        last = last.upper()
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])


_own_keys: Mapping[str, tuple[str, ...]] = {}


def use_keys(own: Mapping[str, tuple[str, ...]]) -> None:
    """From now on these are the keys, by action id, of a preset or of the user; the table's own for
    all others."""
    global _own_keys
    _own_keys = own


def keys_of(action: Action) -> tuple[str, ...]:
    """The keys of an action as they are now."""
    return _own_keys.get(action.id, action.keys)


def key_names(action: Action) -> str:
    """All keys of an action for a table, e.g. `F5  y`. Keys of numbers above twelve are what older
    terminals make of Shift and a function key."""
    return "  ".join(key_name(key) for key in keys_of(action) if not _SHIFTED.fullmatch(key))


def key_hint(name: str) -> str:
    """The first key of an action as people read it, for sentences that name it."""
    return key_name(keys_of(BY_ID[name])[0])


def in_place(place: Place) -> list[Action]:
    """The actions of one place, in table order."""
    return [action for action in ACTIONS if action.place is place]


def sequences(place: Place, keys: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, Action]]:
    """First key -> second key -> action, of all two-key sequences of `place`.

    `keys` are a user's replacements by action id.
    """
    found: dict[str, dict[str, Action]] = {}
    for action in ACTIONS:
        if action.place not in (place, Place.LIST):
            continue
        for key in keys.get(action.id, action.keys):
            first, _, second = key.partition(" ")
            if second:
                found.setdefault(first, {})[second] = action
    return found


def key_table() -> list[tuple[str, str, str, str]]:
    """Rows of place, group, keys, words: what help and `cloudtui keys` show."""
    return [(a.place.value, a.group, key_names(a), a.words) for a in ACTIONS]


def shared_words(sentences: list[str]) -> str:
    """The first words that most of these begin with: said once they leave room for the rest."""
    for sentence in sentences:
        words = sentence.split(" ")
        for count in range(len(words) - 1, 1, -1):
            lead = " ".join(words[:count]) + " "
            if 2 * sum(other.startswith(lead) for other in sentences) > len(sentences) > 1:
                return lead
    return ""
