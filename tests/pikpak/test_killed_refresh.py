"""The program dies between the answer that renews a sign-in and the place it is kept in. Nothing
can bring the sign-in back then: work goes on as long as the access token does, then it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud_stage import Stage
from tests.sandbox_process import SandboxProcess


@pytest.mark.crash
def test_work_goes_on_while_the_access_token_lives(sandbox: SandboxProcess, tmp_path: Path) -> None:
    stage = Stage(sandbox, tmp_path, vault=True)
    stage.put("pk", "/file", b"content")
    seed = stage.admin.token("pikpak", username=stage.username)["refresh_token"]
    del stage.home.environ["CLOUDTUI_ACCOUNT__PK__PASSWORD"]
    stage.home.environ["CLOUDTUI_ACCOUNT__PK__TOKEN"] = seed
    stage.home.run("ls", "pk:/").ok()  # the seed is spent, its successor kept
    stage.admin.age(7200 - 58)  # renewed within the last minute of its life
    stage.die("pikpak.refresh.answered", "ls", "pk:/")
    # the token of the store is spent now, and the old access token good for a while yet
    stage.home.run("cp", "pk:/file", str(tmp_path / "copy")).ok()
    assert (tmp_path / "copy").read_bytes() == b"content"
    stage.admin.age(60)
    over = stage.home.run("ls", "pk:/")
    assert over.code == 4
    assert "another program may have used the same sign-in" in over.err
    stage.close()
