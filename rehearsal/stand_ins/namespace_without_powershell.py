"""What Set-, Get- and Restore-ClientAccessNamespace.ps1 would do and answer, on a computer without PowerShell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.check.settings import is_same_setting
from rehearsal.stand_ins import kept_without_powershell
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.exit_codes import DISAGREEMENT, FAILURE, NOTHING_KEPT, FailedError, failure_text
from rehearsal.stand_ins.pools_without_powershell import POOLS, Pools

GET, RESTORE = "Get-ClientAccessNamespace.ps1", "Restore-ClientAccessNamespace.ps1"
ORIGINALS = "C/ProgramData/ExchangeCas/original-namespace.json"
NOUNS = {
    "owa": "OwaVirtualDirectory",
    "ecp": "EcpVirtualDirectory",
    "ews": "WebServicesVirtualDirectory",
    "oab": "OabVirtualDirectory",
    "activesync": "ActiveSyncVirtualDirectory",
    "mapi": "MapiVirtualDirectory",
    "outlookAnywhere": "OutlookAnywhere",
    "autodiscover": "ClientAccessService",
}


def new_report(script: str) -> dict[str, Any]:
    found: dict[str, Any] = {"settings": {}, "skipped": {}}
    return found if script == GET else {"agreement": False, "changed": 0, "recycledAppPools": [], **found}


@dataclass(kw_only=True)
class NamespaceRun:
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
        if originals.exists():
            self._originals()
            return
        values = {"exchangeVersion": self.request["exchangeVersion"], "settings": present}
        kept_without_powershell.write(originals, server=self._name, values=values)

    def _originals(self) -> Settings:
        originals = self.root / ORIGINALS
        about = {"what": kept_without_powershell.NAMESPACE, "server": self._name}
        if not originals.exists():
            raise FailedError(
                NOTHING_KEPT,
                f"There is no file of original values ({originals}): Set-ClientAccessNamespace.ps1 has not run on "
                f"this server, {self._name}. Nothing was changed.",
            )
        settings: Settings = kept_without_powershell.read(originals, **about).get("settings", {})
        if not settings or not all(isinstance(row, dict) and row and name in POOLS for name, row in settings.items()):
            raise kept_without_powershell.refused(originals, "cannot be understood", **about)
        return settings

    def _bring_to(self, wanted: Settings, before: Settings) -> None:
        rows = {name: wanted[name] for name in POOLS if name in wanted and name in before}
        different = {
            name: {
                setting: value
                for setting, value in row.items()
                if not is_same_setting(before[name].get(setting), value)
            }
            for name, row in rows.items()
        }
        to_write = [name for name, values in different.items() if values]
        recycling = self.request.get("recycleAppPools") is not False
        due = Pools(self.organisation, self.computer_name, self.root)
        earlier = due.earlier() if recycling else []
        if recycling:
            due.add(to_write)
        failures: list[str] = []
        left_alone = []
        for name in to_write:
            if failures:
                left_alone.append(name)
            else:
                failures += self._write(name, different[name])
        self._report(rows, before)
        if left_alone:
            failures.append(f"Left alone after that: {', '.join(left_alone)}.")
        if recycling:
            failures += due.recycle(earlier, self.report, self.notes)
        self._conclude(failures)

    def _write(self, service: str, values: Mapping[str, Any]) -> list[str]:
        """A sentence where it fails."""
        setter = f"Set-{NOUNS[service]}"
        if service == "autodiscover" and self.request["exchangeVersion"] == "2013":
            setter = "Set-ClientAccessServer"
        said = self.organisation.fault(self.computer_name, setter)
        if said is not None:
            remedy = f"{setter} failed: mend the cause, then run this again; what agrees already is not written again."
            return [failure_text(self._name, service, said, remedy)]
        if not self.organisation.ignores(self.computer_name, setter):
            for setting, value in values.items():
                self.organisation.change(self.computer_name, service, setting, value)
        return []

    def _report(self, rows: Settings, before: Settings) -> None:
        after = self._settings()
        for service, row in rows.items():
            for setting, value in row.items():
                old, new = before[service].get(setting), after[service].get(setting)
                cell = {"before": old, "expected": plain(value), "after": new, "changed": not is_same_setting(old, new)}
                self.report["settings"].setdefault(service, {})[setting] = cell
                self.report["changed"] += cell["changed"]

    def _conclude(self, failures: Sequence[str]) -> None:
        cells = [
            (f"{service}.{setting}", NOUNS[service], cell)
            for service, row in self.report["settings"].items()
            for setting, cell in row.items()
            if not is_same_setting(cell["after"], cell["expected"])
        ]
        self.report["agreement"] = not cells
        if failures:
            raise FailedError(FAILURE, "\n  ".join([f"On {self._name} not everything could be done:", *failures]))
        if cells:
            head = f"Exchange on {self._name} reported no error, but reads back other values:"
            told = [
                failure_text(
                    self._name,
                    what,
                    f"reads back {shown(cell['after'])} instead of {shown(cell['expected'])}",
                    f"Run this again; if it stays so, look at what Set-{noun} says there by hand.",
                )
                for what, noun, cell in cells
            ]
            raise FailedError(DISAGREEMENT, "\n  ".join([head, *told]))

    @property
    def _name(self) -> str:
        return self.computer_name.upper()


def shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str("nothing" if value is None else value)


def plain(value: object) -> object:
    """As the scripts report it: the values of a list in order, each once."""
    return sorted(set(value)) if isinstance(value, list) else value
