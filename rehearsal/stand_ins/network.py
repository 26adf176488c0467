"""A server's ports: listening, refusing or silent; and connections that are reset."""

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
    """One port on each address of a server. A closed port refuses connections, unless it is silent."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = tuple(addresses)
        self._listening: list[socket.socket] = []
        self._accepting: list[socket.socket] = []

    def open(self, number: int) -> list[socket.socket]:
        """A listening socket for each address. Port 0 picks a free one (one address only). OSError if taken."""
        self.close()
        for address in self._addresses:
            self._listening.append(socket.create_server((address, number), backlog=BACKLOG))
        # The servers that accept close their copies; the port stays open until the kept sockets are closed, too.
        self._accepting = [kept.dup() for kept in self._listening]
        return self._accepting

    async def stop_accepting(self) -> None:
        """Call before closing an asyncio server: asyncio loses a connection that it has just accepted then."""
        for accepting in self._accepting:
            asyncio.get_running_loop().remove_reader(accepting)
        self._accepting = []
        await asyncio.sleep(0)

    def silence(self) -> None:
        """Answer nothing more, whether connections are still accepted or not."""
        for kept in self._listening:
            drop_packets(kept)

    def close(self) -> None:
        for kept in self._listening:
            kept.close()
        self._listening = []


def drop_packets(open_socket: Socket) -> None:
    """Drop each arriving packet before TCP sees it: no answer to a SYN, no acknowledgement of data."""
    if sys.platform != "linux":
        raise OSError("A silent server needs a packet filter of Linux: run this on Linux")
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(drop_all))
    open_socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def reset_when_closed(open_socket: Socket) -> None:
    """Closing sends an RST instead of a FIN, also after drop_packets."""
    with contextlib.suppress(OSError):  # no filter was attached, or the system has none
        open_socket.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
