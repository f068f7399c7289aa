"""What is loaded before the first frame, and that style sheets name things that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cloudtui.app
from cloudtui.screens import accounts, bookmarks, dialogs, help, links, offline
from cloudtui.widgets import dock, facts, file_list, line

LATER = (
    "httpx",
    "sqlite3",
    "keyring",
    "authlib",
    "humanize",
    "segno",
    "PIL",
    "cloudtui.services.media",
    "cloudtui.services.decoding",
    "cloudtui.widgets.half_blocks",
    "cloudtui.services.runtime",
    "cloudtui.services.transfers.orders",
    "cloudtui.services.storage",
    "cloudtui.screens.dialogs",
    "textual.widgets._data_table",
)


def test_nothing_of_network_engine_or_boxes_is_loaded_before_the_first_frame() -> None:
    code = f"import sys, cloudtui.app; print([m for m in {LATER!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def test_style_sheets_name_only_what_exists() -> None:
    folder = Path(cloudtui.app.__file__).parent / "styles"
    modules = (accounts, bookmarks, dialogs, help, links, offline, dock, facts, file_list, line)
    known = {name for module in modules for name in vars(module)} | {"Screen"}
    sources = "".join(
        file.read_text(encoding="utf-8")
        for place in ("screens", "widgets")
        for file in (folder.parent / place).glob("*.py")
    )
    for sheet in folder.glob("*.tcss"):
        text = re.sub(r"\{[^}]*\}", " ", sheet.read_text(encoding="utf-8"))
        for word in re.findall(r"[#.]?-?[A-Za-z][\w-]*", re.sub(r":[a-z-]+", "", text)):
            if word[0] in "#.":
                assert word[1:] in sources, f"{sheet.name}: {word}"
            else:
                assert word in known, f"{sheet.name}: {word}"
        colours = re.findall(r"#[0-9a-fA-F]{6}\b|\brgb\(", sheet.read_text(encoding="utf-8"))
        assert colours == []
