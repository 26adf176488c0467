"""SFTP of OpenSSH on Windows: drive C: of a server, with the paths that clients write."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import asyncssh
from asyncssh.channel import SSHChannel

from rehearsal.stand_ins.windows_paths import Drive


class DriveSftp(asyncssh.SFTPServer):
    """Appends the path of each file that a client opens to `opened`."""

    def __init__(self, channel: SSHChannel[bytes], drive: Drive, opened: list[str]) -> None:
        super().__init__(cast("asyncssh.SSHServerChannel[bytes]", channel))
        self._drive = drive
        self._opened = opened
        user = cast(str, channel.get_extra_info("username"))
        self._home = "C:/Users/" + user.split("\\")[-1].split("@")[0]

    def map_path(self, path: bytes) -> bytes:
        try:
            return bytes(self._drive.local(path.decode(), home=self._home))
        except ValueError as error:
            raise asyncssh.SFTPNoSuchFile(str(error)) from error

    def reverse_map_path(self, path: bytes) -> bytes:
        return self._drive.remote(Path(path.decode())).encode()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._opened.append(path.decode())
        return super().open(path, pflags, attrs)
