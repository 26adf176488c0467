"""Reads the document of components.restoration on standard input, reports on standard error, exits with 0 or 1."""

from __future__ import annotations

import asyncio
import json
import sys

from restoration.restore import NotRestoredError, restore_urls


def main() -> int:
    try:
        report, code = asyncio.run(restore_urls(json.load(sys.stdin))), 0
    except NotRestoredError as error:
        report, code = f"{error}\nFix it and run this again, or leave the server as it is: pulumi state delete URN", 1
    sys.stderr.write(f"{report}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
