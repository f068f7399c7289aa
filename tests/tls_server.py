"""The server's side of TLS for servers of the tests."""

from __future__ import annotations

import socket
import ssl


class _Accepted(ssl.SSLSocket):
    """`wrap_socket` leaves its socket open when the client broke off before the handshake."""

    def __del__(self) -> None:
        self.close()


def accept_tls(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """An accepted connection with the handshake done; `sock` is used up. Raises OSError."""
    context.sslsocket_class = _Accepted
    return context.wrap_socket(sock, server_side=True)
