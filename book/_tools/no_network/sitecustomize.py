"""Python imports this at its start if its folder is on the path: then only this machine answers."""

from __future__ import annotations

import socket
from typing import Any

LOCAL = ("127.0.0.1", "::1", "localhost", "", None)


class NetworkBlockedError(OSError):
    """A program under test asked for the network."""


def _guard(method: Any) -> Any:
    def call(self: socket.socket, address: Any, *rest: Any) -> Any:
        if isinstance(address, tuple) and address[0] not in LOCAL:
            raise NetworkBlockedError(f"the network is blocked in this test: {address[0]}")
        return method(self, address, *rest)

    return call


def _look_up(host: Any, *rest: Any, **named: Any) -> Any:
    if (host.decode() if isinstance(host, bytes) else host) not in LOCAL:
        raise NetworkBlockedError(f"the network is blocked in this test: {host}")
    return _getaddrinfo(host, *rest, **named)


_getaddrinfo = socket.getaddrinfo
socket.getaddrinfo = _look_up
socket.socket.connect = _guard(socket.socket.connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _guard(socket.socket.connect_ex)  # type: ignore[method-assign]
