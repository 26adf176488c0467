"""The application pools that a namespace script recycles, on a computer without PowerShell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rehearsal.stand_ins import autodiscover, windows_state
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.script_results import format_failure

DUE = "C/ProgramData/ExchangeCas/due-app-pools"
# In the order of the scripts, which recycle Autodiscover's pool with each of the others.
POOLS = {
    "owa": "MSExchangeOWAAppPool",
    "ecp": "MSExchangeECPAppPool",
    "ews": "MSExchangeServicesAppPool",
    "oab": "MSExchangeOABAppPool",
    "activesync": "MSExchangeSyncAppPool",
    "mapi": "MSExchangeMapiFrontEndAppPool",
    "outlookAnywhere": "MSExchangeRpcProxyFrontEndAppPool",
    "autodiscover": autodiscover.POOL,
}


class DuePools:
    """The pools of one server that must be recycled; each has an empty file with its name."""

    def __init__(self, organisation: Organisation, computer_name: str, root: Path) -> None:
        self._organisation, self._computer_name, self._root = organisation, computer_name, root
        self._folder = root / DUE

    def left_by_earlier_runs(self) -> list[str]:
        """The pools that earlier runs did not recycle."""
        return [pool for pool in POOLS.values() if (self._folder / pool).exists()]

    def add(self, services: Iterable[str]) -> None:
        for pool in find_pools(services):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / pool).touch()

    def recycle(self, earlier: Iterable[str], report: Mapping[str, Any], notes: list[str]) -> list[str]:
        """Returns a sentence for each pool that could not be recycled; it stays due."""
        changed = [name for name, row in report["settings"].items() if any(cell["changed"] for cell in row.values())]
        pools = list(dict.fromkeys([*find_pools(changed), *earlier]))
        missing = self._organisation.fault(self._computer_name, "WebAdministration")
        if pools and missing is not None:
            return [self._refuse_without_module(pools, missing)]
        failures = {pool: self._restart(pool, report, notes) for pool in pools}
        for pool in POOLS.values():
            if failures.get(pool) is None:
                (self._folder / pool).unlink(missing_ok=True)
        return [failure for failure in failures.values() if failure is not None]

    def _restart(self, pool: str, report: Mapping[str, Any], notes: list[str]) -> str | None:
        refusal = self._organisation.fault(self._computer_name, "Restart-WebAppPool")
        if self._organisation.app_pools(self._computer_name).get(pool) != "Started":
            notes.append(f"Application pool {pool}: not running here, not recycled.")
        elif refusal is not None:
            remedy = (
                "Clients may still get the old values: run this again, which recycles the pool, or run "
                f"Restart-WebAppPool -Name {pool} there."
            )
            subject = f"{find_service(pool)}, application pool {pool}"
            return format_failure(self._computer_name.upper(), subject, refusal, remedy)
        else:
            windows_state.recycle_pool(self._root, pool)
            report["recycledAppPools"].append(pool)
        return None

    def _refuse_without_module(self, pools: list[str], message: str) -> str:
        subject = f"{', '.join(map(find_service, pools))}, application pools {', '.join(pools)}"
        remedy = (
            "Install IIS Management Scripts and Tools there (Install-WindowsFeature Web-Scripting-Tools), then run "
            "this again, which recycles them; or set recycleAppPools: false in the stack file."
        )
        return format_failure(self._computer_name.upper(), subject, message, remedy)


def find_pools(services: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(pool for name in services for pool in (POOLS[name], autodiscover.POOL)))


def find_service(pool: str) -> str:
    return next(name for name, of_service in POOLS.items() if of_service == pool)
