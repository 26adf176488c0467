"""The document of components.restoration on standard input; what came of it on standard error; exit code 0 or 1."""

from __future__ import annotations

import asyncio
import json
import sys

from restoration.restore import NotRestoredError, restore


def main() -> int:
    try:
        said, code = asyncio.run(restore(json.load(sys.stdin))), 0
    except NotRestoredError as error:
        said, code = f"{error}\nMend it and run this again, or give it up: pulumi state delete URN", 1
    sys.stderr.write(f"{said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
