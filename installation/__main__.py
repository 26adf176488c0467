"""Reads the document of components.installation on standard input, reports on standard error, exits with 0 or 1."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from installation.answer import NotInstalledError
from installation.install import install_exchange
from installation.progress import Progress
from installation.reader import leave_with_reader


def main() -> int:
    document: dict[str, Any] = json.load(sys.stdin)
    progress = Progress(document["request"]["server"], sys.stderr, secrets=list_secrets(document))
    try:
        asyncio.run(leave_with_reader(install_exchange(document, progress), sys.stderr))
    except NotInstalledError as error:
        progress.conclude(f"{error}\nRemove the cause; the next `pulumi up` goes on from there.")
        return 1
    except KeyboardInterrupt:
        progress.say("goes on by itself; the next `pulumi up` joins it.")
        return 1
    except (asyncio.CancelledError, BrokenPipeError):  # nothing reads the progress any longer; the server goes on
        return 1
    return 0


def list_secrets(document: Mapping[str, Any]) -> list[str]:
    rows = (document, document["jumpHost"] or {})
    return [row[key] for row in rows for key in ("password", "privateKey") if row.get(key)]


if __name__ == "__main__":
    sys.exit(main())
