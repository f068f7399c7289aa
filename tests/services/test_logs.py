"""Nothing secret reaches the log file."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from cloudtui.services import logs
from cloudtui.services.logs import hide, redact, start_logging, stop_logging
from cloudtui.services.models import Secret
from cloudtui.services.paths import Paths


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://api.pcloud.com/listfolder?auth=SEKRET1&folderid=0", "SEKRET1"),
        ("https://p-def1.pcloud.com/cBZSEKRET2/a.mkv", "SEKRET2"),
        ("https://user:SEKRET3@proxy.example.com:8080", "SEKRET3"),
        ("Authorization: Bearer SEKRET4", "SEKRET4"),
        ("{'authorization': 'Bearer SEKRET5', 'x': 1}", "SEKRET5"),
        ('{"access_token":"SEKRET6","expires_in":7200}', "SEKRET6"),
        ("refresh_token=SEKRET7&x=1", "SEKRET7"),
        ("password: SEKRET8", "SEKRET8"),
        ("/?code=SEKRET9&state=x", "SEKRET9"),
        ("magnet:?xt=urn:btih:SEKRET10&dn=x", "SEKRET10"),
        ("eyJhbGciOi.SEKRET11x.sig", "SEKRET11"),
        ("X-Captcha-Token: ck0.SEKRET12", "SEKRET12"),
    ],
)
def test_secrets_leave(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)


def test_what_helps_stays() -> None:
    text = "GET https://api.pcloud.com/listfolder?auth=x failed: error code 4002, 17 files"
    cut = redact(text)
    assert "https://api.pcloud.com/" in cut
    assert "error code 4002, 17 files" in cut


def test_a_known_value_is_hidden_wherever_it_is() -> None:
    hide(Secret("Zq9-odd-one"))
    assert redact("name=Zq9-odd-one.") == "name=…."
    hide(Secret("ab"))
    assert redact("about") == "about"


def test_the_file_is_private_and_redacted(tmp_path: Path) -> None:
    paths = Paths.find({"CLOUDTUI_HOME": str(tmp_path)})
    handler = start_logging(paths)
    try:
        logger = logging.getLogger("cloudtui.test")
        logger.info("opening %s", "https://h.example.com/a?sign=SEKRET")
        logger.debug("not in quiet mode")
        try:
            raise RuntimeError("token=SEKRET")
        except RuntimeError:
            logger.exception("failed")
        logging.getLogger("httpx").info("GET https://h.example.com/")
    finally:
        stop_logging(handler)
    text = paths.log_file.read_text()
    assert "https://h.example.com/…" in text
    assert "RuntimeError" in text
    assert "SEKRET" not in text
    assert "quiet" not in text
    assert "GET" not in text
    assert paths.log_file.stat().st_mode & 0o077 == 0


def test_a_starting_process_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_AT", 10)
    paths = Paths.find({"CLOUDTUI_HOME": str(tmp_path)})
    for number in range(6):
        handler = start_logging(paths)
        logging.getLogger("cloudtui.test").warning("start number %d", number)
        stop_logging(handler)
    names = sorted(path.name for path in paths.log_dir.glob("*.log*"))
    assert names == ["cloudtui.log", "cloudtui.log.1", "cloudtui.log.2", "cloudtui.log.3"]
    assert "number 5" in paths.log_file.read_text()
    assert "number 2" in (paths.log_dir / "cloudtui.log.3").read_text()
