"""A server on loopback that says to each request what a test tells it to, right or wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Respond = Callable[[socket.socket, bytes], None]


@contextmanager
def raw_server(respond: Respond) -> Iterator[str]:
    """Give the address of a server; `respond` gets each connection, and the head of its request."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            respond(connection, head)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # or what was sent may be lost
                pass

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.settimeout(5)
                connections.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/set.zip"
    finally:
        for one in (listening, *connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def says(*content: bytes) -> Respond:
    """Respond with these bytes, and close."""

    def respond(connection: socket.socket, _: bytes) -> None:
        for piece in content:
            connection.sendall(piece)

    return respond


def says_for_ever(start: bytes, again: bytes, pause: float = 0) -> Respond:
    """Respond with a start, and then with the same until the connection is closed."""

    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(again)
            threading.Event().wait(pause)

    return respond
