"""Files to a server by SFTP, as CopyToRemote places them."""

from __future__ import annotations

import posixpath
import stat
from pathlib import Path

import asyncssh

from rehearsal.stand_ins.command.go_text import format_error
from rehearsal.stand_ins.provider.servicer import ProviderError


async def copy_text(sftp: asyncssh.SFTPClient, text: str, target: str) -> None:
    """Writes a text asset; the folders above `target` are made as needed."""
    if await _is_folder(sftp, target):
        raise ProviderError(
            f"remote path {target} is a directory; when using a text asset, remotePath must be a file path"
        )
    await _make_parents(sftp, target)
    await _write_file(sftp, target, text.encode(), f"failed to write text content to remote path {target}")


async def copy_path(sftp: asyncssh.SFTPClient, source: str, target: str) -> None:
    """Copies a file or a folder; a folder lands inside `target`, its contents do where `source` ends in a slash."""
    if not Path(source).exists():
        raise ProviderError(f"open {source}: no such file or directory")
    kind = await _is_folder(sftp, target)
    if not Path(source).is_dir():
        if kind:
            target = _join_paths(target, Path(source).name)
        elif kind is None:
            await _make_parents(sftp, target)
        await _copy_file(sftp, Path(source), target)
        return
    if kind is None:
        await _make_folders(sftp, target)
    if not source.endswith("/"):
        target = _join_paths(target, Path(source).name)
    await _copy_folder(sftp, Path(source), _join_paths(target))


async def _copy_folder(sftp: asyncssh.SFTPClient, source: Path, target: str) -> None:
    kind = await _is_folder(sftp, target)
    if kind is False:
        raise ProviderError(f"remote path {target} exists but is not a directory")
    if kind is None:
        await _make_folder(sftp, target)
    for entry in sorted(source.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            await _copy_folder(sftp, entry, _join_paths(target, entry.name))
        else:
            await _copy_file(sftp, entry, _join_paths(target, entry.name))


async def _copy_file(sftp: asyncssh.SFTPClient, source: Path, target: str) -> None:
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ProviderError(f"open {source}: {format_error(error)}") from error
    await _write_file(sftp, target, content, f"failed to copy file {source} to remote path {target}")


async def _write_file(sftp: asyncssh.SFTPClient, target: str, content: bytes, failed: str) -> None:
    try:
        remote = await sftp.open(target, "wb")
    except asyncssh.SFTPError as error:
        raise ProviderError(f"failed to create remote file {target}: {_describe_sftp_error(error)}") from error
    try:
        async with remote:
            await remote.write(content)
    except asyncssh.SFTPError as error:
        raise ProviderError(f"{failed}: {_describe_sftp_error(error)}") from error


async def _is_folder(sftp: asyncssh.SFTPClient, path: str) -> bool | None:
    """None where nothing is there."""
    try:
        attributes = await sftp.stat(path)
    except asyncssh.SFTPNoSuchFile:
        return None
    except asyncssh.SFTPError as error:
        raise ProviderError(f"failed to stat remote path {path}: {_describe_sftp_error(error)}") from error
    return stat.S_ISDIR(attributes.permissions or 0)


async def _make_parents(sftp: asyncssh.SFTPClient, target: str) -> None:
    try:
        await _make_folders(sftp, posixpath.dirname(target))
    except ProviderError as error:
        raise ProviderError(f"failed to create parent directories for {target}: {error}") from error


async def _make_folders(sftp: asyncssh.SFTPClient, path: str) -> None:
    if not path or await _is_folder(sftp, path):
        return
    await _make_folders(sftp, posixpath.dirname(path.rstrip("/")))
    await _make_folder(sftp, path)


async def _make_folder(sftp: asyncssh.SFTPClient, path: str) -> None:
    try:
        await sftp.mkdir(path)
    except asyncssh.SFTPError as error:
        raise ProviderError(f"failed to create remote directory {path}: {_describe_sftp_error(error)}") from error


def _describe_sftp_error(error: asyncssh.SFTPError) -> str:
    return f"sftp: {error.reason}"


def _join_paths(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))
