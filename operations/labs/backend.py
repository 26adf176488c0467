"""A backend of files after a run that was killed: what was half written, and stops whoever reads it, is taken away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

# Beside each file of a backend lies one with its kind and checksum, which is not written in one step as the file
# is. Half of one stops every `pulumi` command with "error: EOF"; without one all goes well.
BESIDE = "*.attrs"


def heal(url: str, say: Callable[[str], None]) -> None:
    """Does nothing for backends in a cloud, which know no half objects. A file that a run is writing is no loss."""
    for path in broken(url):
        say(f"{path.name} was half written by a run that was killed: removed")
        path.unlink(missing_ok=True)


def broken(url: str) -> Iterator[Path]:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return
    place = url2pathname(unquote(parts.path)) if not parts.netloc.startswith("~") else f"{parts.netloc}{parts.path}"
    for path in (Path(place).expanduser() / ".pulumi").rglob(BESIDE):
        try:
            json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError:
            yield path
