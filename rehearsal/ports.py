"""Ports for the servers of a rehearsal."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Sequence
from itertools import islice

from rehearsal.tools import ToolMissingError

# Below the ports that systems assign by themselves: a connection or a server with port 0 takes none of these before
# the servers of a rehearsal listen.
PORTS = range(20000, 32768)


def find_free_ports(addresses: Sequence[str], count: int) -> list[int]:
    """Ports that are free on every address. Raises ToolMissingError for an address that this computer does not have."""
    candidates = random.sample(PORTS, len(PORTS))
    return list(islice((port for port in candidates if all(is_free(address, port) for address in addresses)), count))


def is_free(address: str, port: int) -> bool:
    with socket.socket() as tried:
        try:
            bind_address(tried, address, port)
        except OSError:
            return False
        return True


def bind_address(tried: socket.socket, address: str, port: int) -> None:
    try:
        tried.bind((address, port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        raise ToolMissingError(
            f"{address} is not an address of this computer. On Linux all of 127.0.0.0/8 is; "
            f"on macOS add each server's: sudo ifconfig lo0 alias {address}"
        ) from None
