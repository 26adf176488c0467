"""What Set-, Get- and Restore-ClientAccessNamespace.ps1 do and answer, on a computer without PowerShell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.check.settings import is_same_setting
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.originals_without_powershell import (
    NAMESPACE,
    read_originals,
    refuse_originals,
    write_originals,
)
from rehearsal.stand_ins.pools_without_powershell import POOLS, DuePools
from rehearsal.stand_ins.script_results import DISAGREEMENT, FAILURE, NOTHING_KEPT, FailedError, format_failure

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


def new_namespace_report(script: str) -> dict[str, Any]:
    report: dict[str, Any] = {"settings": {}, "skipped": {}}
    return report if script == GET else {"agreement": False, "changed": 0, "recycledAppPools": [], **report}


@dataclass(kw_only=True)
class NamespaceRun:
    """One run for one server; fills `report` and `notes`, which are printed."""

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
            self._apply(self._read_originals(), present)
        else:
            self._save_originals(present)
            self._apply(self.request["settings"], present)

    def _settings(self) -> dict[str, dict[str, Any]]:
        held = self.organisation.settings(self.computer_name)
        return {
            service: {name: _normalise_value(value) for name, value in row.items()} for service, row in held.items()
        }

    def _save_originals(self, present: Settings) -> None:
        originals = self.root / ORIGINALS
        if originals.exists():
            self._read_originals()
            return
        values = {"exchangeVersion": self.request["exchangeVersion"], "settings": present}
        write_originals(originals, server=self._name, values=values)

    def _read_originals(self) -> Settings:
        originals = self.root / ORIGINALS
        about = {"what": NAMESPACE, "server": self._name}
        if not originals.exists():
            raise FailedError(
                NOTHING_KEPT,
                f"There is no file of original values ({originals}): Set-ClientAccessNamespace.ps1 has not run on "
                f"this server, {self._name}. Nothing was changed.",
            )
        settings: Settings = read_originals(originals, **about).get("settings", {})
        if not settings or not all(isinstance(row, dict) and row and name in POOLS for name, row in settings.items()):
            raise refuse_originals(originals, "is damaged", **about)
        return settings

    def _apply(self, expected: Settings, before: Settings) -> None:
        rows = {name: expected[name] for name in POOLS if name in expected and name in before}
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
        due = DuePools(self.organisation, self.computer_name, self.root)
        earlier = due.left_by_earlier_runs() if recycling else []
        if recycling:
            due.add(to_write)
        failures: list[str] = []
        not_written = []
        for name in to_write:
            if failures:
                not_written.append(name)
            else:
                failures += self._write(name, different[name])
        self._report_settings(rows, before)
        if not_written:
            failures.append(f"Not attempted after that: {', '.join(not_written)}.")
        if recycling:
            failures += due.recycle(earlier, self.report, self.notes)
        self._conclude(failures)

    def _write(self, service: str, values: Mapping[str, Any]) -> list[str]:
        """[] on success, else the failure's sentence."""
        setter = f"Set-{NOUNS[service]}"
        if service == "autodiscover" and self.request["exchangeVersion"] == "2013":
            setter = "Set-ClientAccessServer"
        message = self.organisation.fault(self.computer_name, setter)
        if message is not None:
            remedy = (
                f"{setter} failed: fix the cause, then run this again; "
                "settings that agree already are not written again."
            )
            return [format_failure(self._name, service, message, remedy)]
        if not self.organisation.ignores(self.computer_name, setter):
            for setting, value in values.items():
                self.organisation.change(self.computer_name, service, setting, value)
        return []

    def _report_settings(self, rows: Settings, before: Settings) -> None:
        after = self._settings()
        for service, row in rows.items():
            for setting, value in row.items():
                old, new = before[service].get(setting), after[service].get(setting)
                cell = {
                    "before": old,
                    "expected": _normalise_value(value),
                    "after": new,
                    "changed": not is_same_setting(old, new),
                }
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
            raise FailedError(FAILURE, "\n  ".join([f"Some steps failed on {self._name}:", *failures]))
        if cells:
            head = f"Exchange on {self._name} accepted every setting, but now reports other values:"
            disagreements = [
                format_failure(
                    self._name,
                    what,
                    f"Exchange reports {_format_value(cell['after'])} instead of {_format_value(cell['expected'])}",
                    f"Run this again; if that does not help, run Set-{noun} on that server and read its answer.",
                )
                for what, noun, cell in cells
            ]
            raise FailedError(DISAGREEMENT, "\n  ".join([head, *disagreements]))

    @property
    def _name(self) -> str:
        return self.computer_name.upper()


def _format_value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str("nothing" if value is None else value)


def _normalise_value(value: object) -> object:
    """As the scripts report it: lists are sorted, without duplicates."""
    return sorted(set(value)) if isinstance(value, list) else value
