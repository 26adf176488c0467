"""sshd in a server's Windows: its host key, and whether it runs, as `<root>/windows.json` says."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncssh

from rehearsal.stand_ins import windows_state

NAME = "ssh_host_ed25519_key"


def host_key(root: Path) -> Path:
    """The host key that this server has, or will have once SSH is switched on; made at the first call."""
    path = root / "host-keys" / NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519", comment="nt authority\\system@server")
        key.write_private_key(str(path))
        key.write_public_key(str(path.with_suffix(".pub")))
    return path


def public_host_key(root: Path) -> str:
    """The line that a connection pins: `ssh-ed25519 AAAA…`, without a comment."""
    return " ".join(host_key(root).with_suffix(".pub").read_text(encoding="ascii").split()[:2])


def switch_on(root: Path, port: int) -> None:
    """What installing and starting sshd leaves behind: the host key on the drive, the service running."""
    folder = root / "C/ProgramData/ssh"
    folder.mkdir(parents=True, exist_ok=True)
    for key in (host_key(root), host_key(root).with_suffix(".pub")):
        shutil.copy2(key, folder)
    windows_state.change(root, sshd={"status": "Running", "port": port})


def running_port(root: Path) -> int | None:
    sshd = windows_state.read(root).get("sshd", {})
    return int(str(sshd["port"])) if sshd.get("status") == "Running" else None
