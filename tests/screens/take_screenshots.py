"""Takes pictures of the program on the demonstration's clouds.

Run by hand: `COLORTERM=truecolor python -m tests.screens.take_screenshots [FOLDER] [--all]`;
without the variable nothing is drawn in half blocks. Keys go into the real app on the embedded
clouds; pictures are PNG where rsvg-convert is installed (small ones with pngquant beside it), else
SVG without the reference to fonts elsewhere. Without `--all` only the pictures that the documents
show are taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import Paste

from cloudtui.app import CloudApp
from cloudtui.commands.demo import runtime_of
from cloudtui.demo import Demo, demonstration
from cloudtui.ports import Door
from cloudtui.screens.browser import Browser
from cloudtui.screens.offline import TaskList
from tests.screens.driving import picture, press, settle

SIZES = ((80, 24), (120, 40), (200, 60))
MIDDLE = (120, 40)
_FONTS = re.compile(r"@font-face\s*\{[^}]*\}")
_RATE = 1_500_000
_SHOWN = frozenset(
    {
        "panes", "copying", "conflict", "trash", "offline", "sign-in-pikpak", "puzzle",
        "sign-in-pcloud", "viewer",
    }
)  # fmt: skip
"""The pictures that the documents show."""


class Camera:
    """One app on a demonstration, and where its pictures go."""

    def __init__(
        self, demo: Demo, app: CloudApp, folder: Path, size: tuple[int, int], *, everything: bool
    ) -> None:
        self.demo = demo
        self.app = app
        self.pilot = None
        self._folder = folder
        self._everything = everything
        self._size = size

    async def keys(self, *names: str) -> None:
        """Press keys."""
        await press(self.pilot, *names)  # type: ignore[arg-type]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to hold."""
        await settle(self.pilot, condition, limit=60)  # type: ignore[arg-type]

    async def shows(self, *parts: str) -> None:
        """Wait until the screen shows all of these."""
        await self.until(lambda: all(part in "\n".join(picture(self.app)) for part in parts))

    async def still(self) -> None:
        """Wait until both panes are listed."""
        sides = (self.app.main.left, self.app.main.right)
        await self.until(lambda: not any(side.loading for side in sides))

    async def choose(self, side: Browser, name: str) -> None:
        """Put the cursor of the pane with focus on a name."""
        await self.keys("home")
        for _ in range(len(side.view.entries) + 1):
            current = side.view.current
            if current is not None and current.name == name:
                return
            await self.keys("down")
        raise SystemExit(f"{name} is not listed")

    async def enter(self, side: Browser, *names: str) -> None:
        """Go into folders by keys."""
        for name in names:
            await self.choose(side, name)
            await self.keys("enter")
            await self.still()

    async def paste(self, text: str) -> None:
        """Paste into what has the focus."""
        self.app.post_message(Paste(text))
        await self.keys()

    def take(self, name: str) -> None:
        """Write a picture, if it is one of those that were asked for."""
        if not self._everything and name.rpartition("-")[0] not in _SHOWN:
            return
        svg = _FONTS.sub("", self.app.export_screenshot(title="cloudtui"))
        svg = svg.replace("Fira Code", "DejaVu Sans Mono, Noto Sans Mono CJK JP")
        svg = svg.replace("<text ", '<text xml:space="preserve" ')
        svg = re.sub(r"font-size: 20px", "font-size: 20.26px", svg)
        words = "\n".join(picture(self.app))
        stem = self._folder / name
        if os.environ.get("SCREENSHOT_WORDS"):
            stem.with_suffix(".txt").write_text(words + "\n")
        if shutil.which("rsvg-convert") is None:
            stem.with_suffix(".svg").write_text(svg)
            return
        zoom = "0.75" if self._size[0] > 150 else "1"
        subprocess.run(
            ["rsvg-convert", "--zoom", zoom, "-o", str(stem.with_suffix(".png"))],
            input=svg.encode(),
            check=True,
        )
        if shutil.which("pngquant") is not None:
            words_ = ["pngquant", "--force", "--ext", ".png", "64", str(stem.with_suffix(".png"))]
            subprocess.run(words_, check=True)


def slow_down(demo: Demo, rate: int) -> None:
    """Let the clouds answer at so many bytes a second, so that a copy can be watched."""
    admin = demo.endpoints["admin"]
    for match in ("GET *", "PUT *", "POST *"):
        body = {"kind": "throttle", "match": match, "bytes_per_s": rate, "times": -1}
        request = urllib.request.Request(  # noqa: S310
            f"{admin['url']}/faults",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {admin['token']}"},
        )
        with urllib.request.urlopen(request):  # noqa: S310
            pass


@asynccontextmanager
async def opened(
    demo: Demo, folder: Path, size: tuple[int, int], *, everything: bool
) -> AsyncIterator[Camera]:
    """The app on the demonstration, both panes listed."""
    door = Door(lambda: runtime_of(demo))
    app = CloudApp(door, str(Path.home() / "Videos"), "pikpak:/")
    camera = Camera(demo, app, folder, size, everything=everything)
    async with app.run_test(size=size, notifications=True) as pilot:
        camera.pilot = pilot  # type: ignore[assignment]
        await camera.until(
            lambda: all(
                side.at is not None and not side.loading and side.storage is not None
                for side in (app.main.left, app.main.right)
            )
        )
        yield camera
    app.bridge.detach()
    await door.close()


async def panes(camera: Camera, size: tuple[int, int]) -> None:
    """Marks in one pane, a cloud in the other; where there is room, a picture beside them."""
    main = camera.app.main
    await camera.keys("tab")
    await camera.enter(main.right, "Pictures")
    await camera.keys("tab", "home", "down", "down", "space", "space")
    await camera.shows(" of ")
    if size[0] < 160:
        camera.take(f"panes-{size[0]}x{size[1]}")
        return
    await camera.keys("tab", "end")
    await camera.shows("made by PikPak")
    camera.take(f"panes-{size[0]}x{size[1]}")
    await camera.keys("home", "tab")


async def more(camera: Camera, size: tuple[int, int]) -> None:
    """Everything that opens without waiting for a cloud."""
    at = f"-{size[0]}x{size[1]}"
    main = camera.app.main
    await camera.keys("home", "down", "down", "space", "space", "f5")
    await camera.shows("Copy to")
    camera.take("box-copy" + at)
    await camera.keys("escape", "escape", "d")
    await camera.keys("escape", "home", "down", "space", "space", "d")
    await camera.shows("Move to trash")
    camera.take("box-trash" + at)
    await camera.keys("escape", "D")
    await camera.shows("cannot be undone")
    camera.take("box-delete" + at)
    await camera.keys("escape", "escape", "at")
    await camera.shows("Choose a source", "signed in")
    camera.take("sources" + at)
    await camera.keys("escape", "question_mark")
    await camera.shows("type to filter")
    camera.take("help" + at)
    await camera.keys("escape", "f2")
    camera.take("menu" + at)
    await camera.keys("escape", "end", "i")
    await camera.shows("Properties")
    camera.take("properties" + at)
    await camera.keys("escape", "comma")
    camera.take("sequence" + at)
    await camera.keys("escape", "slash", *"zzz")
    await camera.shows("Nothing matches")
    camera.take("filter" + at)
    await camera.keys("escape", "escape")
    await camera.enter(main.left, "Empty")
    camera.take("empty" + at)
    await camera.keys("backspace")
    await camera.still()
    await camera.keys("tab")
    await camera.enter(main.right, "hostile-names")
    camera.take("hostile" + at)
    await camera.keys("w")
    await camera.shows("No jobs")
    camera.take("no-jobs" + at)
    await camera.keys("escape", "g", "l")
    camera.take("log" + at)


async def copying(camera: Camera, size: tuple[int, int]) -> None:
    """A copy up at work, the dock below the panes; then the screen of transfers."""
    await camera.keys("home", "ctrl+a", "f5")
    await camera.shows("Copy to")
    await camera.keys("enter")
    await camera.shows("counting" if size[0] < 100 else "Transfers")
    await camera.until(
        lambda: any((view.percent or 0) > 15 and view.left for view in camera.app.bridge.views)
    )
    await camera.keys()
    camera.take(f"copying-{size[0]}x{size[1]}")
    await camera.keys("w")
    camera.take(f"transfers-{size[0]}x{size[1]}")
    await camera.keys("enter")
    camera.take(f"details-{size[0]}x{size[1]}")
    await camera.keys("escape", "escape", "q")
    await camera.shows("Pause and quit")
    camera.take(f"quit-{size[0]}x{size[1]}")
    await camera.keys("escape")


async def conflict(camera: Camera, size: tuple[int, int]) -> None:
    """A file that is there already."""
    main = camera.app.main
    await camera.keys("tab")
    await camera.enter(main.right, "Documents")
    await camera.keys("tab", "home")
    await camera.enter(main.left, "notes")
    await camera.keys("ctrl+a", "f5")
    await camera.shows("Copy to")
    await camera.keys("enter")
    await camera.until(lambda: any(view.files_asking for view in camera.app.bridge.views))
    await camera.keys("w")
    await camera.shows("asks")
    camera.take(f"asks-{size[0]}x{size[1]}")
    await camera.keys("enter")
    await camera.shows("Already there")
    camera.take(f"conflict-{size[0]}x{size[1]}")
    await camera.keys("escape", "x")


async def trash(camera: Camera, size: tuple[int, int]) -> None:
    """What was deleted, with where it came from."""
    main = camera.app.main
    await camera.keys("tab")
    await camera.enter(main.right, "Pictures")
    await camera.keys("end", "d")
    await camera.shows("Moved to trash")
    await camera.still()
    await camera.keys("t")
    await camera.shows("/Pictures")
    await camera.keys("space")
    camera.take(f"trash-{size[0]}x{size[1]}")
    await camera.keys("escape")


async def offline(camera: Camera, size: tuple[int, int]) -> None:
    """Links handed to PikPak."""
    await camera.keys("tab", "m")
    await camera.shows("Links, one")
    await camera.paste(
        "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=ferry-season\n"
        "magnet:?xt=urn:btih:1123456789abcdef0123456789abcdef01234567&dn=harbour-talks\n"
        "not a link\n"
    )
    await camera.shows("dn=ferry")
    camera.take(f"paste-{size[0]}x{size[1]}")
    await camera.keys("f5")
    await camera.shows("refused")
    camera.take(f"paste-refused-{size[0]}x{size[1]}")
    await camera.keys("escape", "O")
    await camera.shows("Offline downloads", "ferry-season")
    await camera.keys("down", "f")
    listed = camera.app.screen.query_one(TaskList)
    while not all(20 < task.percent < 100 for task in listed.tasks):
        await camera.keys("ctrl+r")
    camera.take(f"offline-{size[0]}x{size[1]}")
    await camera.keys("escape")


async def sign_in(camera: Camera, size: tuple[int, int]) -> None:
    """Both ways in."""
    at = f"-{size[0]}x{size[1]}"
    await camera.keys("at")
    await camera.shows("signed in")
    await camera.keys("4")
    await camera.shows("Password")
    for word in ("ana@example.com",):
        await camera.keys(*word)
    await camera.keys("tab", *"hunter2")
    camera.take("sign-in-pikpak" + at)
    await camera.keys("escape")
    await camera.keys("home", "down", "down", "s")  # the account whose pages are embedded, too
    await camera.shows("Client ID")
    camera.take("sign-in-pcloud-app" + at)
    await camera.keys("enter")
    await camera.shows("How do you want")
    camera.take("sign-in-pcloud-ways" + at)
    await camera.keys("a")
    await camera.shows("Waiting for the page", "http")
    camera.take("sign-in-pcloud" + at)
    await camera.keys("k")
    camera.take("qr" + at)
    await camera.keys("escape", "escape")


async def viewer(camera: Camera, size: tuple[int, int]) -> None:
    """A file in the cloud, looked at."""
    await camera.keys("tab")
    await camera.enter(camera.app.main.right, "Documents")
    await camera.choose(camera.app.main.right, "Welcome.txt")
    await camera.keys("f3")
    await camera.shows("Welcome.txt", "x bytes", "welcome")
    camera.take(f"viewer-{size[0]}x{size[1]}")
    await camera.keys("escape")


async def puzzle(camera: Camera, size: tuple[int, int]) -> None:
    """A puzzle that PikPak asks for."""
    from cloudtui.screens.login_pikpak import PuzzleBox

    link = "https://user.mypikpak.com/captcha/v2/spritePuzzle.html?action=POST%3A%2Fv1%2Fauth"
    camera.app.push_screen(PuzzleBox(link + "%2Fsignin&device_id=" + "0123456789abcdef" * 2))
    await camera.shows("Slide the puzzle")
    camera.take(f"puzzle-{size[0]}x{size[1]}")


def furnish(home: Path) -> None:
    """Something to look at in the left pane."""
    videos = home / "Videos"
    for name, size in (
        ("holiday-2025.mkv", 3_900_000),
        ("holiday-2026.mkv", 24_100_000),
        ("README.md", 3_277),
        ("a-long-name-of-something-that-never-ends-final.mkv", 7_200_000),
        ("予告編.mp4", 880_000),
        ("Subs/first.srt", 12_000),
        ("notes/Welcome.txt", 900),
        ("notes/Meeting notes.md", 12_400),
    ):
        path = videos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    (videos / "Empty").mkdir()
    (videos / "link").symlink_to("README.md")
    (videos / "bad\x1b[31mname.txt").write_text("harmless")
    (videos / "a [b] c.txt").write_text("harmless")


async def take_all(folder: Path, *, everything: bool) -> None:
    """All pictures, each kind from a demonstration of its own."""
    sizes = SIZES if everything else (MIDDLE,)
    for size in SIZES:
        with demonstration(("library", "hostile-names")) as demo:
            async with opened(demo, folder, size, everything=everything) as camera:
                await panes(camera, size)
                if everything:
                    await camera.keys("escape", "tab", "home", "backspace", "tab")
                    await camera.still()
                    await more(camera, size)
    for size in sizes:
        for scene in (conflict, trash, offline, sign_in, viewer, puzzle, copying):
            with demonstration(("library", "trash")) as demo:
                if scene is copying:
                    slow_down(demo, _RATE)
                async with opened(demo, folder, size, everything=everything) as camera:
                    await scene(camera, size)


def main(words: list[str]) -> None:
    """Take the pictures into a folder, `docs/screenshots` unless told."""
    names = [word for word in words if not word.startswith("-")]
    folder = Path(names[0] if names else "docs/screenshots").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        furnish(Path(home))
        asyncio.run(take_all(folder, everything="--all" in words))


if __name__ == "__main__":
    main(sys.argv[1:])
