"""What Set-, Get- and Restore-ClientAccessNamespace.ps1 would do and answer, on a computer without PowerShell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.comparison import same
from rehearsal.stand_ins import autodiscover, windows_state
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.exit_codes import DISAGREEMENT, FAILURE, NOTHING_KEPT, FailedError

GET, RESTORE = "Get-ClientAccessNamespace.ps1", "Restore-ClientAccessNamespace.ps1"
ORIGINALS = "C/ProgramData/ExchangeCas/original-namespace.json"
# In the scripts' order of work; Autodiscover's own pool goes with each of them.
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


def new_report(script: str) -> dict[str, Any]:
    found: dict[str, Any] = {"settings": {}, "skipped": {}}
    return found if script == GET else {"agreement": False, "changed": 0, "recycledAppPools": [], **found}


@dataclass(kw_only=True)
class Namespace:
    """One run for one server; `report` and `notes` are filled with what it prints."""

    request: Mapping[str, Any]
    organisation: Organisation
    computer_name: str
    root: Path
    report: dict[str, Any]
    notes: list[str]

    def run(self, script: str) -> None:
        """Raises FailedError."""
        present = self._settings()
        self.report["skipped"] = {name: "This server does not have it." for name in POOLS if name not in present}
        if script == GET:
            named = self.request.get("settings") or present
            self.report["settings"] = {service: row for service, row in present.items() if service in named}
        elif script == RESTORE:
            self._bring_to(self._originals(), present)
        else:
            self._keep(present)
            self._bring_to(self.request["settings"], present)

    def _settings(self) -> dict[str, dict[str, Any]]:
        held = self.organisation.settings(self.computer_name)
        return {service: {name: plain(value) for name, value in row.items()} for service, row in held.items()}

    def _keep(self, present: Settings) -> None:
        originals = self.root / ORIGINALS
        if not originals.exists():
            originals.parent.mkdir(parents=True, exist_ok=True)
            version = self.request["exchangeVersion"]
            kept = {"server": self.computer_name.upper(), "exchangeVersion": version, "settings": present}
            originals.write_text(json.dumps(kept, indent=2), encoding="utf-8")

    def _originals(self) -> Settings:
        originals = self.root / ORIGINALS
        if not originals.exists():
            raise FailedError(
                NOTHING_KEPT,
                f"There is no file of original values ({originals}): Set-ClientAccessNamespace.ps1 has not run on "
                "this server. Nothing was changed.",
            )
        settings: Settings = json.loads(originals.read_text(encoding="utf-8"))["settings"]
        return settings

    def _bring_to(self, wanted: Settings, before: Settings) -> None:
        rows = [(name, key, value) for name in wanted if name in before for key, value in wanted[name].items()]
        for service, setting, value in rows:
            if not same(before[service].get(setting), value):
                self.organisation.change(self.computer_name, service, setting, value)
        after = self._settings()
        for service, setting, value in rows:
            old, new = before[service].get(setting), after[service].get(setting)
            cell = {"before": old, "expected": plain(value), "after": new, "changed": not same(old, new)}
            self.report["settings"].setdefault(service, {})[setting] = cell
        self._conclude()

    def _conclude(self) -> None:
        services: dict[str, dict[str, dict[str, Any]]] = self.report["settings"]
        changed = {name: sum(cell["changed"] for cell in row.values()) for name, row in services.items()}
        self.report["changed"] = sum(changed.values())
        failures = []
        if self.request.get("recycleAppPools") is not False:
            failures = self._recycle([name for name in POOLS if changed.get(name)])
        cells = [cell for row in services.values() for cell in row.values()]
        self.report["agreement"] = all(same(cell["after"], cell["expected"]) for cell in cells)
        if failures:
            head = (
                "Not everything could be done; after a setting that could not be written, the services behind it were "
                "left alone."
            )
            raise FailedError(FAILURE, "\n  ".join([head, *failures]))
        if not self.report["agreement"]:
            raise FailedError(DISAGREEMENT, "Exchange took the settings, but reads back other values.")

    def _recycle(self, services: list[str]) -> list[str]:
        """A sentence for each pool that could not be recycled."""
        states = self.organisation.app_pools(self.computer_name)
        refusal = self.organisation.fault(self.computer_name, "Restart-WebAppPool")
        failures = []
        for pool in dict.fromkeys(pool for name in services for pool in (POOLS[name], autodiscover.POOL)):
            if states.get(pool) != "Started":
                self.notes.append(f"Application pool {pool}: not running here, not recycled.")
            elif refusal is not None:
                again = f"The settings are written; run Restart-WebAppPool -Name {pool}."
                failures.append(f"application pool {pool}: {refusal} {again}")
            else:
                windows_state.recycle(self.root, pool)
                self.report["recycledAppPools"].append(pool)
        return failures


def plain(value: object) -> object:
    """As the scripts report it: the values of a list in order, each once."""
    return sorted(set(value)) if isinstance(value, list) else value
