"""Fixtures for the byte plane (an authority, a server, a network that trusts it, a pump) and for
the engine (a server without TLS, an engine on a home of its own).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme

from cloudtui.services.network import Network
from cloudtui.services.transfers.pump import Pump
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate as a file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[ByteServer]:
    with ByteServer(authority=authority) as server:
        yield server


@pytest.fixture
def network(trusted: Path) -> Network:
    return Network(ca_file=str(trusted), timeout=5.0, environ={})


@pytest.fixture
def pump(network: Network) -> Iterator[Pump]:
    pump = Pump(network)
    yield pump
    pump.close()


@pytest.fixture
def web() -> Iterator[ByteServer]:
    with ByteServer(tls=False) as server:
        yield server


@pytest.fixture
async def rig(tmp_path: Path, web: ByteServer) -> AsyncIterator[Rig]:
    async with Rig(tmp_path / "home", web) as rig:
        yield rig
