"""What the network shows of a server: ports that listen, refuse or stay silent, and connections that are cut."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Iterable

# linux/socket.h and linux/filter.h; Python's socket module does not name them.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
BPF_RETURN = 0x06
BACKLOG = 128

Socket = socket.socket | TransportSocket


class Port:
    """One port on every address of a server. Closed and not silent, it refuses."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = tuple(addresses)
        self._listening: list[socket.socket] = []
        self._accepting: list[socket.socket] = []

    def open(self, number: int) -> list[socket.socket]:
        """A socket per address, to accept on. Port 0 is a free one (with one address only). OSError when taken."""
        self.close()
        for address in self._addresses:
            self._listening.append(socket.create_server((address, number), backlog=BACKLOG))
        # Whoever accepts closes its own; what is kept here decides when the network forgets the port.
        self._accepting = [kept.dup() for kept in self._listening]
        return self._accepting

    async def stop_accepting(self) -> None:
        """asyncio loses a connection whose server it closes in the very moment after it was accepted."""
        for accepting in self._accepting:
            asyncio.get_running_loop().remove_reader(accepting)
        self._accepting = []
        await asyncio.sleep(0)

    def silence(self) -> None:
        """Nobody gets an answer any more, whoever accepts here or no longer does."""
        for kept in self._listening:
            silence(kept)

    def close(self) -> None:
        for kept in self._listening:
            kept.close()
        self._listening = []


def silence(open_socket: Socket) -> None:
    """Drop every packet that arrives, before TCP sees it: no answer to a SYN, no acknowledgement of data."""
    if sys.platform != "linux":
        raise OSError("A server falls silent by a packet filter of Linux: run this on Linux")
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(drop_all))
    open_socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def reset_when_closed(open_socket: Socket) -> None:
    """The peer gets an RST instead of a FIN, also after a silence."""
    with contextlib.suppress(OSError):  # there is no filter, or no way to have one
        open_socket.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
