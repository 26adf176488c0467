"""A server stand-in's files over SFTP."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from tests.unit.servers import Farm
from tests.unit.ssh_client import with_sftp

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "written",
    ["C:/ProgramData/ExchangeCas/a.ps1", "/C:/ProgramData/ExchangeCas/a.ps1", "c:\\programdata\\ExchangeCas\\a.ps1"],
)
def test_a_file_is_found_by_every_spelling_of_its_path(farm: Farm, written: str) -> None:
    server = farm.server()

    async def steps(sftp: asyncssh.SFTPClient) -> str:
        await sftp.makedirs("C:/ProgramData/ExchangeCas")
        async with sftp.open(written, "w") as file:
            await file.write("text")
        async with sftp.open("c:/PROGRAMDATA/exchangecas/A.PS1") as file:
            return str(await file.read())

    assert with_sftp(server, steps) == "text"
    assert (server.drive.root / "C/ProgramData/ExchangeCas/a.ps1").read_text() == "text"
    assert server.ssh.connections[0].files[0] == written


def test_drive_c_is_a_folder_and_drive_d_does_not_exist(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> list[bool]:
        return [await sftp.isdir(path) for path in ("C:", "C:/ProgramData/none", "D:", "C:/")]

    assert with_sftp(farm.server(), steps) == [True, False, False, True]


def test_reported_paths_begin_with_the_drive(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> list[str]:
        return [str(await sftp.realpath(path)) for path in ("C:/ProgramData", ".", "C:/ProgramData/../x")]

    assert with_sftp(farm.server(), steps) == ["/C:/ProgramData", "/C:/Users/exchange-operator", "/C:/x"]


@pytest.mark.parametrize("path", ["C:/../../../etc/passwd", "../../../../../../etc/passwd", "/etc/passwd"])
def test_no_path_leads_out_of_the_drive(farm: Farm, path: str) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> bool:
        return bool(await sftp.exists(path))

    assert Path("/etc/passwd").exists()
    assert not with_sftp(farm.server(), steps)


def test_names_that_windows_forbids_are_refused(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> None:
        await sftp.makedirs('C:/what?"')

    with pytest.raises(asyncssh.SFTPNoSuchFile):
        with_sftp(farm.server(), steps)
