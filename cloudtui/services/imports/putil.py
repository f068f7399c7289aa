"""The pCloud sign-in of the putil scripts. Never writes to their file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cloudtui.services.errors import NotFound, Refused, UsageError
from cloudtui.services.imports.remote import Remote
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name

_EU: Final = "eapi.pcloud.com"


def find(environ: Mapping[str, str]) -> Path | None:
    """Their file where they keep it, None when there is none."""
    home = Path(environ.get("HOME") or Path.home())
    path = home / ".config" / "pcloud.json"
    return path if path.is_file() else None


def read(path: Path) -> list[Remote]:
    """The one account in the file, called `pcloud`; none without a token. Blocks.

    Their code writes names with hyphens, their page prints them with underscores: both are read.
    Raises NotFound, Refused, UsageError.
    """
    shown = display_name(str(path))
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise NotFound(f"There is no {shown}.") from exc
    except OSError as exc:
        raise Refused(f"{shown} cannot be read.") from exc
    except ValueError as exc:
        raise UsageError(f"{shown} is no settings file of putil.") from exc
    if not isinstance(told, dict):
        raise UsageError(f"{shown} is no settings file of putil.")
    values = {str(key).replace("_", "-"): value for key, value in told.items()}
    token = values.get("access-token")
    if not isinstance(token, str) or not token:
        return []
    options: dict[str, str] = {}
    endpoint = values.get("endpoint")
    if isinstance(endpoint, str) and urlsplit(endpoint).hostname == _EU:
        options["region"] = "eu"
    if isinstance(values.get("client-id"), str) and values["client-id"]:
        options["client_id"] = values["client-id"]
    return [Remote("pcloud", "pcloud", options, token=Secret(token))]
