"""The tests' own TLS servers: a client that breaks off leaves nothing open."""

from __future__ import annotations

import gc
import socket
import ssl
import struct

import pytest

from tests.tls_server import accept_tls


def test_a_client_that_breaks_off_before_the_handshake_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # with a reset
        with accepted, pytest.raises(OSError, match="reset"):
            accept_tls(accepted, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    gc.collect()  # a socket left open would be complained about here
