"""Where a sign-in is kept, asked when the machine has no keyring: a vault file or memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudtui.screens.dialogs import Choose, Option, Prompt
from cloudtui.services.errors import CloudError, LoginNeeded
from cloudtui.services.models import Secret

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.services.runtime import Runtime


class Passphrase(Prompt):
    """The passphrase of the vault."""

    def refusal(self, text: str) -> str:
        return "" if text else "An empty passphrase keeps nothing."


async def ensure_place(app: CloudApp, runtime: Runtime) -> bool:
    """See to it that sign-ins can be kept, asking when they cannot. Call from a worker.

    False: the user left. Raises CloudError when the chosen place fails.
    """
    secrets = runtime.secrets
    try:
        if await secrets.store() is not None:
            return True
        reason = secrets.reason
    except LoginNeeded as error:
        reason = str(error)
    vault = runtime.paths.vault_file.exists()
    answer = await app.push_screen_wait(
        Choose(
            "Where may sign-ins be kept?",
            [reason[:1].upper() + reason[1:]],
            [
                Option("Open the vault" if vault else "A file under a passphrase", "f", "vault"),
                Option("Only in memory, until cloudtui ends", "m", "memory"),
                Option("Cancel", "c", ""),
            ],
            safe="",
        )
    )
    if answer == "memory":
        await secrets.use_memory()
        return True
    if answer != "vault":
        return False
    return await _open_vault(app, runtime, new=not vault)


async def _open_vault(app: CloudApp, runtime: Runtime, *, new: bool) -> bool:
    sentences = ["It cannot be recovered when it is forgotten."] if new else []
    while True:
        first = await app.push_screen_wait(
            Passphrase("Passphrase of the vault", sentences, yes="Go on", secret=True)
        )
        if first is None:
            return False
        if new:
            again = await app.push_screen_wait(
                Passphrase("The same passphrase once more", [], yes="Go on", secret=True)
            )
            if again is None:
                return False
            if again != first:
                sentences = ["The two were not the same. Nothing was made."]
                continue
        try:
            await runtime.secrets.use_vault(Secret(first))
        except CloudError as error:
            sentences = [str(error)]
            continue
        return True
