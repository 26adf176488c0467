"""sshd on a server: its host key, and its state in `<root>/windows.json`."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncssh

from rehearsal.stand_ins import windows_state

NAME = "ssh_host_ed25519_key"


def host_key_file(root: Path) -> Path:
    """The private host key, created at the first call, also before SSH is enabled."""
    path = root / "host-keys" / NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519", comment="nt authority\\system@server")
        key.write_private_key(str(path))
        key.write_public_key(str(path.with_suffix(".pub")))
    return path


def read_host_key(root: Path) -> str:
    """The line that a connection pins: `ssh-ed25519 AAAA…`, without a comment."""
    return " ".join(host_key_file(root).with_suffix(".pub").read_text(encoding="ascii").split()[:2])


def enable_ssh(root: Path, port: int) -> None:
    """Do what installing and starting sshd does: put the host key on the drive, mark the service as running."""
    folder = root / "C/ProgramData/ssh"
    folder.mkdir(parents=True, exist_ok=True)
    for key in (host_key_file(root), host_key_file(root).with_suffix(".pub")):
        shutil.copy2(key, folder)
    windows_state.change_state(root, sshd={"status": "Running", "port": port})


def find_ssh_port(root: Path) -> int | None:
    sshd = windows_state.read_state(root).get("sshd", {})
    return int(str(sshd["port"])) if sshd.get("status") == "Running" else None
