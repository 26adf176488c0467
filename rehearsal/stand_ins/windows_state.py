"""What `<root>/windows.json` says of a server's Windows; the scripts' stand-in writes it, too."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FILE = "windows.json"
POLL_SECONDS = 0.02  # shorter than anything a script does after a restart
# The last restart of W3SVC that the web site has followed; only there while somebody follows.
FOLLOWED = "w3svc-followed"
FOLLOW_SECONDS = 60
FIREWALL = r"HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy"
FIREWALL_BY_POLICY = r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall"
PROFILES = ("DomainProfile", "PublicProfile", "StandardProfile")


def read(root: Path) -> dict[str, Any]:
    file = root / FILE
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return state


def change(root: Path, **values: Any) -> None:
    _replace(root / FILE, json.dumps({**read(root), **values}, indent=2))


def recycle(root: Path, pool: str) -> None:
    """As Restart-WebAppPool: the application pool starts anew."""
    counts = read(root).get("recycledAppPools", {})
    change(root, recycledAppPools={**counts, pool: counts.get(pool, 0) + 1})


def recycled(root: Path, pool: str) -> int:
    """How often an application pool has started anew."""
    return int(read(root).get("recycledAppPools", {}).get(pool, 0))


def rejects_closed_ports(root: Path) -> bool:
    """Whether stealth mode is off in every profile of the firewall; group policy wins."""
    registry = {key.lower(): values for key, values in read(root).get("registry", {}).items()}

    def off(profile: str) -> bool:
        places = (registry.get(rf"{base}\{profile}".lower(), {}) for base in (FIREWALL_BY_POLICY, FIREWALL))
        return next((values["DisableStealthMode"] for values in places if "DisableStealthMode" in values), 0) == 1

    return all(map(off, PROFILES))


@asynccontextmanager
async def following_web_site(root: Path, restarted: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Awaits `restarted` after each restart of W3SVC that happens meanwhile; the restart ends after that."""
    seen, one_at_a_time = _restarts(root), asyncio.Lock()

    async def look() -> None:
        nonlocal seen
        async with one_at_a_time:
            now = _restarts(root)
            if now is not None and now != seen:
                seen = now
                await restarted()
                _follow(root, now)

    async def follow() -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await asyncio.shield(look())

    _follow(root, seen or 0)
    following = asyncio.create_task(follow())
    try:
        yield
        await look()
    finally:
        following.cancel()
        (root / FOLLOWED).unlink(missing_ok=True)


def restart_web_site(root: Path) -> None:
    """As Restart-Service does: ends when the web site has restarted. Not for the loop's own thread."""
    count = int(read(root).get("w3svcRestarts", 0)) + 1
    change(root, w3svcRestarts=count)
    until = time.monotonic() + FOLLOW_SECONDS
    while (root / FOLLOWED).exists() and int((root / FOLLOWED).read_text(encoding="ascii")) < count:
        if time.monotonic() > until:
            raise TimeoutError("The web site did not restart")
        time.sleep(POLL_SECONDS)


def _follow(root: Path, restarts: int) -> None:
    _replace(root / FOLLOWED, str(restarts))


def _replace(file: Path, text: str) -> None:
    """In one step: others read it meanwhile."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def _restarts(root: Path) -> int | None:
    """None while somebody is writing the file."""
    try:
        return int(read(root).get("w3svcRestarts", 0))
    except ValueError:
        return None
