"""The state of a server's Windows in `<root>/windows.json`, which the scripts' stand-in writes, too."""

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
# Holds the number of the last W3SVC restart that the web site has made; exists only within following_web_site.
FOLLOWED = "w3svc-followed"
FOLLOW_SECONDS = 60
FIREWALL = r"HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy"
FIREWALL_BY_POLICY = r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall"
PROFILES = ("DomainProfile", "PublicProfile", "StandardProfile")
NET_KEY = r"HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
VERSION_KEY = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
# Build -> the value Release of the .NET Framework that Windows brings along.
NET_RELEASES = {9200: 378389, 9600: 378675, 14393: 394802, 17763: 461814, 20348: 528449, 26100: 533509}

# Exchange -> the Windows that Microsoft supports for it, and that the stack's default image has where there is one.
BUILDS = {"2013": 9600, "2016": 14393, "2019": 17763, "SE": 26100}


def new_windows(build: int, *, domain: str | None, core: bool = False) -> dict[str, Any]:
    """The state of a new Windows Server, joined to `domain` if there is one. KeyError for an unknown build."""
    version = {"InstallationType": "Server Core" if core else "Server", "UBR": 4000}
    return {
        "build": build,
        "core": core,
        "domain": domain,
        "registry": {NET_KEY: {"Release": NET_RELEASES[build]}, VERSION_KEY: version},
    }


def read_state(root: Path) -> dict[str, Any]:
    file = root / FILE
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return state


def change_state(root: Path, **values: Any) -> None:
    _replace_file(root / FILE, json.dumps({**read_state(root), **values}, indent=2))


def recycle_pool(root: Path, pool: str) -> None:
    """As Restart-WebAppPool."""
    counts = read_state(root).get("recycledAppPools", {})
    change_state(root, recycledAppPools={**counts, pool: counts.get(pool, 0) + 1})


def count_recycles(root: Path, pool: str) -> int:
    """How often an application pool was recycled."""
    return int(read_state(root).get("recycledAppPools", {}).get(pool, 0))


def trusts_domain_accounts(root: Path) -> bool:
    """Whether domain accounts can log on. Without an entry the server was joined by an administrator."""
    return read_state(root).get("domain", "") is not None


def rejects_closed_ports(root: Path) -> bool:
    """Whether stealth mode is off in all profiles of the firewall; group policy overrides local values."""
    registry = {key.lower(): values for key, values in read_state(root).get("registry", {}).items()}

    def off(profile: str) -> bool:
        places = (registry.get(rf"{base}\{profile}".lower(), {}) for base in (FIREWALL_BY_POLICY, FIREWALL))
        return next((values["DisableStealthMode"] for values in places if "DisableStealthMode" in values), 0) == 1

    return all(map(off, PROFILES))


@asynccontextmanager
async def following_web_site(root: Path, restarted: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Awaits `restarted` for each restart of W3SVC inside the block; the restart waits for it."""
    seen, lock = _count_restarts(root), asyncio.Lock()

    async def look() -> None:
        nonlocal seen
        async with lock:
            now = _count_restarts(root)
            if now is not None and now != seen:
                seen = now
                await restarted()
                _confirm_restarts(root, now)

    async def follow() -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await asyncio.shield(look())

    _confirm_restarts(root, seen or 0)
    following = asyncio.create_task(follow())
    try:
        yield
        await look()
    finally:
        following.cancel()
        (root / FOLLOWED).unlink(missing_ok=True)


def restart_web_site(root: Path) -> None:
    """As Restart-Service: returns when the web site has restarted. Do not call it in the loop's thread."""
    count = int(read_state(root).get("w3svcRestarts", 0)) + 1
    change_state(root, w3svcRestarts=count)
    until = time.monotonic() + FOLLOW_SECONDS
    while (root / FOLLOWED).exists() and int((root / FOLLOWED).read_text(encoding="ascii")) < count:
        if time.monotonic() > until:
            raise TimeoutError("The web site did not restart")
        time.sleep(POLL_SECONDS)


def _confirm_restarts(root: Path, restarts: int) -> None:
    _replace_file(root / FOLLOWED, str(restarts))


def _replace_file(file: Path, text: str) -> None:
    """Replace in one step: other processes read the file."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def _count_restarts(root: Path) -> int | None:
    """None while another process writes the file."""
    try:
        return int(read_state(root).get("w3svcRestarts", 0))
    except ValueError:
        return None
