"""The full screen: themes, keys, the way in and the way out.

`CloudApp` shows the main screen at once and opens the runtime behind it; nothing of the network,
the engine or the keyring is imported before the first frame. Jobs live in the runtime, not here:
they are paused and flushed after the screen has closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from cloudtui import present, themes
from cloudtui.actions import Place, use_keys
from cloudtui.bridge import Bridge, FolderTouched, JobEnded, JobsSampled, JobsUnknown
from cloudtui.first_look import FirstLook
from cloudtui.key_presets import DEFAULT
from cloudtui.key_queue import KeyQueue
from cloudtui.keymap import bindings_of, key_of, read_keymap, textual_keymap
from cloudtui.leaving import shell_file
from cloudtui.ports import Door, RuntimePort
from cloudtui.screens.main import MainScreen
from cloudtui.services.addresses import local_path
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import display_name
from cloudtui.terminal_title import TerminalTitle
from cloudtui.widgets.row_list import RowList

if TYPE_CHECKING:
    from cloudtui.preferences import Preferences

_STYLES: Final = Path(__file__).parent / "styles"
_KEPT_MESSAGES: Final = 200
_RELIST: Final = 0.5
_LONG: Final = 60.0
"""Seconds of work after which people have turned to something else."""
_WARM: Final = (
    "cloudtui.services.runtime",
    "cloudtui.services.local.storage",
)
_WARM_LATER: Final = (
    "cloudtui.services.transfers.engine",
    "cloudtui.screens.dock_keys",
    "cloudtui.screens.file_actions",
    "cloudtui.screens.dialogs",
    "cloudtui.screens.accounts",
    "cloudtui.screens.transfers",
)


class CloudApp(App[int]):
    """The program on a full screen."""

    TITLE = "cloudtui"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[list[str | Path]] = [_STYLES / "base.tcss"]  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.APP)

    def __init__(
        self,
        door: Door,
        left: str = "",
        right: str = "",
        *,
        ascii_only: bool = False,
        theme: str = "default",
        can_detach: bool = True,
        first_look: FirstLook | None = None,
    ) -> None:
        """`left` and `right` are addresses as typed; empty means the working folder, and for the
        right side the first account. `first_look` lists what the left pane shows meanwhile."""
        super().__init__()
        for one in themes.THEMES:
            self.register_theme(one)
        self.theme = themes.DEFAULT if theme == "default" else theme
        self.door = door
        self.preferences: Preferences | None = None
        self.preset = DEFAULT
        use_keys({})
        self.bridge = Bridge(self)
        self._key_queue = KeyQueue(self, self._deliver)
        self._addresses = (left, right)
        self._can_detach = can_detach
        self._first_look = first_look
        self._asking = 0
        self._touched: dict[tuple[str, tuple[str, ...]], Location] = {}
        self._messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
        self._title = TerminalTitle(self._write)
        self.main = MainScreen(door.open, self.bridge, ascii_only=ascii_only)

    # --- the way in --------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.run_worker(self._open(), group="opening", exit_on_error=False)

    async def _open(self) -> None:
        if self._first_look is not None:
            seen = await self._first_look(self._addresses[0])
            if seen is not None:
                self.main.left.show_early(*seen)
        await _import(_WARM)
        try:
            runtime = await self.door.open()
        except Exception as error:  # settings that cannot be read must not kill the screen
            self.main.say(present.sentence(error), bad=True)
            return
        self.main.share_as_before(await asyncio.to_thread(runtime.division.read))
        self._start_panes(runtime)
        await _import(_WARM_LATER)
        try:
            self.bridge.attach(runtime)
        except Exception as error:  # a journal that cannot be opened leaves browsing possible
            self.main.say(present.sentence(error), bad=True)
        else:
            self._tell_unfinished()
        gc.collect()
        gc.freeze()

    def _start_panes(self, runtime: RuntimePort) -> None:
        left, right = self._addresses
        first: Location = Location(DISK, Path.cwd().parts[1:])
        second: Location | None = None
        try:
            if left:
                first = runtime.parse(left).at
            if right:
                second = runtime.parse(right).at
        except Exception as error:  # an address that means nothing is told, the disk is shown
            self.main.say(present.sentence(error), bad=True)
        accounts = list(runtime.accounts())
        if second is None and not right and accounts:
            second = Location(accounts[0])
        self._prefer(runtime)
        self.main.start(first, second, self.preferences)

    def _prefer(self, runtime: RuntimePort) -> None:
        """Put the settings to work; values that cannot be used are told once."""
        from cloudtui.preferences import complaint_line, read_preferences

        preferences, complaints = read_preferences(runtime)
        self.preferences = preferences
        self.preset = preferences.preset
        if preferences.theme != "default":
            self.theme = preferences.theme
        self.bridge.paint_every = 1 / preferences.redraw
        if preferences.keys:
            self._bind(preferences.keys)
        if not preferences.mouse:
            self._leave_mouse()
        for complaint in complaints[1:]:
            self.remember(display_name(complaint, edges=False))
        if complaints:
            self.main.say(display_name(complaint_line(complaints), edges=False), bad=True)

    def _bind(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """Let actions have these keys, the table's own the others."""
        use_keys(keys)
        self.set_keymap(textual_keymap(keys))
        self.main.keys_changed(keys)

    def use_preset(self, name: str, runtime: RuntimePort) -> list[str]:
        """Another set of keys from now on, with the user's own on top; sentences about those of
        the user's that do not go with it."""
        keys, complaints = read_keymap(runtime.settings.keymap, name)
        self.preset = name
        self._bind(keys)
        return complaints

    def _leave_mouse(self) -> None:
        """Give clicks back to the terminal: it then marks text as in any other program."""
        driver = self._driver
        disable = getattr(driver, "_disable_mouse_support", None)
        if disable is not None:
            disable()
            driver._mouse = False  # type: ignore[union-attr]

    def _tell_unfinished(self) -> None:
        waiting = [view for view in self.bridge.views if view.orphan and not view.state.is_final]
        if waiting:
            jobs = present.count(len(waiting), "unfinished job")
            self.main.say(f"{jobs} from before.  w shows them, P there goes on")

    # --- messages ----------------------------------------------------------------------------

    def remember(self, text: str) -> None:
        """Keep a message for the log."""
        self._messages.append(f"{time.strftime('%H:%M')} {text}")

    def remembered(self) -> list[str]:
        """Messages of this run, oldest first."""
        return list(self._messages)

    def notify(self, message: str, **kwargs: object) -> None:
        """One place for all passing notes: plain text, never markup, in the message line."""
        bad = kwargs.get("severity", "information") != "information"
        self.main.say(display_name(message, edges=False), bad=bad)

    def _write(self, text: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    def on_jobs_sampled(self, message: JobsSampled) -> None:
        self.main.jobs_sampled(message.views)
        if self.main.speaker is None:  # a title that changes would be read out again and again
            self._title.show(message.views)
        self.main.places.look_at_jobs(message.views)
        asking = sum(view.files_asking for view in message.views)
        if asking > self._asking:
            what = present.count(asking, "file is", "files are")
            self.main.say(f"{what} there already: the others go on.  w then Enter decides")
        self._asking = asking

    def on_jobs_unknown(self, message: JobsUnknown) -> None:
        self.main.say(f"Jobs cannot be shown: {present.sentence(message.error)}", bad=True)

    def on_job_ended(self, message: JobEnded) -> None:
        from cloudtui.widgets import job_rows

        view = message.view
        wanted = self.preferences is not None and self.preferences.bell
        if wanted and message.seconds >= _LONG:
            self.bell()
        undo = self.main.files.job_ended(view)
        self.main.say(
            job_rows.ended_words(view, message.seconds) + undo, bad=job_rows.style(view) == "bad"
        )

    def on_folder_touched(self, message: FolderTouched) -> None:
        """A job of many files touches one folder many times: list it at most twice a second."""
        if not self._touched:
            self.set_timer(_RELIST, self._relist)
        self._touched[message.at.account, message.at.parts] = message.at

    def _relist(self) -> None:
        touched, self._touched = self._touched, {}
        for at in touched.values():
            self.main.folder_changed(at)

    # --- keys --------------------------------------------------------------------------------

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """A double click where no screen does more with it: the same as Enter."""
        self.press("enter")

    def press(self, name: str) -> None:
        """Let a key be pressed that the mouse meant."""
        key = events.Key(name, None)
        key.set_sender(self)  # a key sent by a screen would not bubble beyond it
        self.post_message(key)

    def _takes(self, event: events.Key) -> bool:
        """Whether the key is text for what has the focus."""
        focused = self.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return True
        return bool(getattr(focused, "typing", "") or getattr(self.screen, "takes_text", ""))

    def _as_latin(self, event: events.Key) -> events.Key:
        """A letter of another keyboard as the key it lies on, while keys are commands."""
        preferences = self.preferences
        if preferences is None or not preferences.letters or self._takes(event):
            return event
        latin = preferences.letters.get(event.character or "")
        if latin is None:
            return event
        same = events.Key(key_of(latin), latin)
        same.time = event.time
        if event._sender is not None:
            same.set_sender(event._sender)
        return same

    async def on_event(self, event: events.Event) -> None:
        preferences = self.preferences
        if isinstance(event, events.MouseEvent) and not event.is_forwarded:
            if preferences and not preferences.mouse:
                return
            if self.screen is self.main and self.main.follow_mouse(event):
                return
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._key_queue.put(event)
            return
        await super().on_event(event)

    async def _deliver(self, event: events.Key | events.Paste) -> None:
        """A key or pasted text whose turn it is."""
        if isinstance(event, events.Key):
            event = self._as_latin(event)
            screen = self.screen
            since = getattr(screen, "shown_since", None)
            if since is not None and event.time < since:
                return  # typed before the box was there: no answer
            takes = self._takes(event) or self.main.dock_has_keys
            if screen is self.main and self.main.second_key(event.key, typing=takes):
                return
            takes_turn = getattr(screen, "takes_turn", None)
            if takes_turn is not None and takes_turn(event.key):
                return
        await super().on_event(event)

    def action_stop_nearest(self) -> None:
        """Ctrl+C."""
        if self.screen is self.main:
            if self.main.active.stop():
                self.main.say("Stopped. Ctrl+R goes on.")
            else:
                self.main.say("q or F10 quits.")
        elif hasattr(self.screen, "action_safe"):
            self.screen.action_safe()

    def action_help_quit(self) -> None:
        """Ctrl+C where a set of keys uses it for something else and nothing else takes it."""
        self.action_stop_nearest()

    def action_redraw(self) -> None:
        """Ctrl+L."""
        self.refresh(layout=True)

    def action_suspend_program(self) -> None:
        """Ctrl+Z."""
        self.action_suspend_process()

    def action_help(self) -> None:
        """F1, `?`."""
        from cloudtui.screens.help import HelpScreen, place_of

        if not isinstance(self.screen, HelpScreen):
            begin = self._own_place() or place_of(self.screen)
            self.push_screen(HelpScreen(begin=begin), self._run_chosen)

    def action_palette(self) -> None:
        """`:`."""
        from cloudtui.screens.help import HelpScreen

        if self.screen is self.main:
            self.push_screen(HelpScreen(palette=True), self._run_chosen)

    def action_menu(self) -> None:
        """F2: what can be done with the row under the cursor."""
        from cloudtui.screens.help import HelpScreen

        if self.screen is self.main:
            place = Place.PART if self._own_place() is Place.PART else Place.BROWSER
            box = HelpScreen(palette=True, group="files", begin=place)
            self.push_screen(box, self._run_chosen)

    def _own_place(self) -> Place | None:
        """Whose keys go before those of the screen: the dock's, or an unfinished file's."""
        if self.screen is not self.main:
            return None
        if self.main.dock_has_keys:
            return Place.TRANSFERS
        return None if self.main.active.view.part is None else Place.PART

    def _run_chosen(self, run: str | None) -> None:
        if run and not self.screen.is_modal:  # behind a box nothing is done
            if self.main.dock_has_keys:
                self.main.set_focus(self.main.active.pane)  # it is about the panes
            self.main.run_worker(self.main.run_action(run), group="keys", exit_on_error=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return ()

    # --- when we are wrong -------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """A fault of ours ends the screen: told in a sentence, written to the log without what the
        variables held. The framework's own report would print passwords from fields."""
        import logging

        from rich.text import Text

        error = sys.exc_info()[1]
        logging.getLogger(__name__).critical("the screen ended", exc_info=error)
        self._exit_renderables.append(
            Text(
                f"cloudtui ended by a fault of its own ({type(error).__name__}). Jobs are paused"
                " and go on the next time. `cloudtui paths` names the log that tells more."
            )
        )
        self._close_messages_no_wait()

    # --- the way out -------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """The framework's own Ctrl+Q: the same question."""
        self.action_ask_quit()

    def action_ask_quit(self) -> None:
        """F10, `q`: asks while jobs run."""
        from cloudtui.widgets import job_rows

        running = [view for view in self.bridge.views if job_rows.ours_at_work(view)]
        if not running:
            self.exit(0)
            return
        self.run_worker(self._ask_quit(len(running)), group="quit", exit_on_error=False)

    def action_quit_here(self) -> None:
        """`Q`: the shell stands in the folder of this pane afterwards, or of the other one when
        only that is of this disk."""
        sides = (self.main.active, self.main.other)
        folder = next((side.at for side in sides if side.at and side.at.account == DISK), None)
        if not shell_file():
            self.main.say("The shell follows when it starts cloudtui by the function in README.md.")
        elif folder is None:
            self.main.say("No pane shows a folder of this disk for the shell. q quits.")
        else:
            self.leave_in = str(local_path(folder))
            self.action_ask_quit()

    leave_in: str = ""
    """The folder for the shell, empty to leave it where it is."""

    async def _ask_quit(self, count: int) -> None:
        from cloudtui.screens.quitting import QuitBox

        answer = await self.push_screen_wait(QuitBox(count, can_detach=self._can_detach))
        if answer == "pause":
            self.main.say("Pausing jobs...")
            self.exit(0)
        elif answer == "detach":
            self.detach = True
            self.exit(0)
        elif answer == "stay":
            self.leave_in = ""
        elif answer == "wait":
            self.main.say("Quits when the jobs have ended. q asks again.")
            self.set_interval(0.5, self._quit_when_done, name="quit-when-done")

    detach: bool = False
    """Jobs are to be taken up by a process without a screen after this one."""

    def _quit_when_done(self) -> None:
        from cloudtui.widgets import job_rows

        if not any(job_rows.ours_at_work(view) for view in self.bridge.views):
            self.exit(0)


async def _import(names: tuple[str, ...]) -> None:
    """Import modules in a thread, so that keys are answered meanwhile.

    This only warms: a module that cannot be imported is met, with its error, by whoever needs it.
    """

    def work() -> None:
        for name in names:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    await asyncio.get_running_loop().run_in_executor(None, work)
