"""Drive C: of a server, and the spellings of its paths."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

FORBIDDEN_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f]')


class Drive:
    """Drive C: of a server, kept in `<root>/C`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        (self.root / "C").mkdir(parents=True, exist_ok=True)

    def local(self, path: str, *, home: str = "C:/") -> Path:
        """The file of a Windows path, in any letter case, with either slash, also `/C:/x` as SFTP clients write it.

        A relative path begins at `home`. ValueError for a path that Windows does not allow.
        """
        path = path.replace("\\", "/")
        if path == "/":
            return self.root
        if not re.match(r"/?[A-Za-z]:(/|$)", path):
            path = f"{home}/{path}"
        drive, *names = [part for part in path.split("/") if part not in ("", ".")]
        if drive.upper() != "C:":
            raise ValueError(f"There is no drive {drive}")
        folders = [self.root / "C"]
        for name in names:
            if name == "..":
                folders = folders[:-1] or folders
            elif FORBIDDEN_IN_NAMES.search(name):
                raise ValueError(f"Windows does not allow the name {name}")
            else:
                folders.append(_find_in_any_case(folders[-1], name))
        return folders[-1]

    def remote(self, local: Path) -> str:
        """The path as OpenSSH on Windows reports it: /C:/…"""
        parts = local.relative_to(self.root).parts
        return str(PurePosixPath("/", f"{parts[0]}:", *parts[1:])) if parts else "/"


def _find_in_any_case(folder: Path, name: str) -> Path:
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    return next((entry for entry in folder.iterdir() if entry.name.lower() == name.lower()), exact)
