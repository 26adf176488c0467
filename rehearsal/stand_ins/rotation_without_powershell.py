"""What Set-ClientAccessRotation.ps1 does and answers, on a computer without PowerShell."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.exchange.components import PROXIES
from rehearsal.stand_ins.https import SERVICES
from rehearsal.stand_ins.originals_without_powershell import FIREWALL, read_originals, refuse_originals, write_originals
from rehearsal.stand_ins.script_results import FAILURE, UNHEALTHY, FailedError
from rehearsal.stand_ins.windows_state import PROFILES

DRAINED = ("HubTransport", "UMCallRouter")
ORIGINAL_CLOSED_PORTS = "C/ProgramData/ExchangeCas/original-closed-ports.json"
STEALTH = "DisableStealthMode"
WEB_SITE = "W3SVC"
PATHS = {service: path for path, service in SERVICES.items()}
PROBE_SECONDS = 10
ROUND_SECONDS = 0.5


def new_rotation_report() -> dict[str, Any]:
    return {
        "inRotation": None,
        "done": False,
        "drainedSeconds": 0,
        "components": {},
        "restarted": [],
        "health": {},
        "closedPorts": {"rejected": None, "changed": [], "note": None},
        "skipped": {},
    }


@dataclass(kw_only=True)
class RotationRun:
    """One run for one server; fills `report` and `notes`, which are printed."""

    request: Mapping[str, Any]
    organisation: Organisation
    computer_name: str
    root: Path
    report: dict[str, Any]
    notes: list[str]

    def run(self) -> None:
        """Raises FailedError."""
        before = self._states()
        try:
            if not self.request["inRotation"]:
                self._leave()
            self._set_closed_ports()
            if self.request["inRotation"]:
                self._enter()
            self.report["done"] = True
        finally:
            after = self._states()
            self.report["components"] = {
                name: {"before": before[name], "after": after[name], "changed": before[name] != after[name]}
                for name in ("ServerWideOffline", *DRAINED)
                if name in before
            }

    def _states(self) -> dict[str, str]:
        return self.organisation.component_states(self.computer_name)

    def _set_component(self, component: str, state: str) -> None:
        self.organisation.set_component(self.computer_name, component, state, "Maintenance")
        self.notes.append(f"{component}: set to {state} by the requester Maintenance.")
        if component == "HubTransport":
            self._restart("MSExchangeTransport")

    def _restart(self, service: str) -> None:
        if windows_state.read_state(self.root).get("services", {}).get(service, "Running") != "Running":
            self.notes.append(f"{service}: not running here, not restarted.")
            return
        if service == WEB_SITE:
            windows_state.restart_web_site(self.root)
        self.report["restarted"].append(service)
        self.notes.append(f"{service}: restarted.")

    def _enter(self) -> None:
        for component in ("ServerWideOffline", *reversed(DRAINED)):
            if self.organisation.marks(self.computer_name).get(component, {}).get("Maintenance", "Active") != "Active":
                self._set_component(component, "Active")
        health, names = self.request["health"], self.request["health"]["names"]
        services = [name for name in names if PROXIES[name] in self._states()]
        self.report["skipped"] = {name: "This server does not have it." for name in names if name not in services}
        until = time.monotonic() + health["seconds"]
        while unhealthy := [name for name in services if not self._is_healthy(name)]:
            if time.monotonic() >= until:
                raise FailedError(UNHEALTHY, self._explain(unhealthy))
            time.sleep(ROUND_SECONDS)

    def _explain(self, unhealthy: Iterable[str]) -> str:
        states, marks = self._states(), self.organisation.marks(self.computer_name)
        answers = [f"{name}: {'; '.join(self.report['health'][name])}" for name in unhealthy]
        held = [
            f"{name} is {states[name]}{_describe_holders(marks[name])}"
            for name in ("ServerWideOffline", *(PROXIES[service] for service in unhealthy))
            if states[name] != "Active"
        ]
        seconds = self.request["health"]["seconds"]
        head = (
            f"{self.computer_name} did not become healthy within {seconds} s. Its address is not added to DNS. "
            "An address that DNS has already stays there; inRotation: false removes it:"
        )
        return "\n  ".join([head, *answers, *held])

    def _is_healthy(self, service: str) -> bool:
        answers = [self._probe(service, name) for name in self.request["health"]["names"][service]]
        self.report["health"][service] = [text for _, text in answers]
        return all(healthy for healthy, _ in answers)

    def _probe(self, service: str, name: str) -> tuple[bool, str]:
        try:
            status, body = self._get_page(name, f"/{PATHS[service]}/healthcheck.htm")
        except (OSError, http.client.HTTPException) as error:
            return False, f"{name}: {error}"
        healthy = status == 200 and self.organisation.fqdn(self.computer_name).lower() in body.lower()
        return healthy, f"{name}: {status}"

    def _get_page(self, name: str, path: str) -> tuple[int, str]:
        address, port = self.request["health"]["address"], self.request["health"]["port"]
        trusted = ssl.create_default_context(cafile=str(self.root / "authority.pem"))
        connection = http.client.HTTPConnection(name, port)
        with (
            socket.create_connection((address, port), timeout=PROBE_SECONDS) as plain,
            trusted.wrap_socket(plain, server_hostname=name) as connection.sock,
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _leave(self) -> None:
        if self.organisation.marks(self.computer_name)["ServerWideOffline"].get("Maintenance") == "Inactive":
            self.notes.append("ServerWideOffline is Inactive already.")
            return
        seconds = self.request["drainSeconds"]
        if seconds:
            self.notes.append(f"Clients may hold the address of {self.computer_name.upper()} for {seconds} s more.")
        time.sleep(seconds)
        self.report["drainedSeconds"] = seconds
        for component in DRAINED:
            if self._states().get(component) == "Active":
                self._set_component(component, "Draining")
        self._restart(WEB_SITE)
        self._set_component("ServerWideOffline", "Inactive")

    def _set_closed_ports(self) -> None:
        self.report["closedPorts"]["rejected"] = windows_state.rejects_closed_ports(self.root)
        originals = self.root / ORIGINAL_CLOSED_PORTS
        registry = windows_state.read_state(self.root).get("registry", {})
        present = {profile: registry.get(_registry_key(profile), {}).get(STEALTH) for profile in PROFILES}
        expected = present
        if self.request["rejectClosedPorts"]:
            by_policy = [
                values.get(STEALTH) for key, values in registry.items() if windows_state.FIREWALL_BY_POLICY in key
            ]
            if 0 in by_policy:
                raise FailedError(
                    FAILURE,
                    f"{self.computer_name.upper()} rejectClosedPorts: group policy keeps stealth mode on. "
                    "The firewall was not changed.",
                )
            if originals.exists():
                self._read_original_closed_ports(originals)
            else:
                values = {"disableStealthMode": present}
                write_originals(originals, server=self.computer_name.upper(), values=values)
            expected = dict.fromkeys(present, 1)
        elif originals.exists():
            expected = self._read_original_closed_ports(originals)
            originals.unlink()
        changed = [profile for profile in present if expected[profile] != present[profile]]
        for profile in changed:
            registry.setdefault(_registry_key(profile), {}).pop(STEALTH, None)
            if expected[profile] is not None:
                registry[_registry_key(profile)][STEALTH] = expected[profile]
        if changed:
            windows_state.change_state(self.root, registry=registry)
        rejected = windows_state.rejects_closed_ports(self.root)
        self.report["closedPorts"] = {"rejected": rejected, "changed": changed, "note": None}

    def _read_original_closed_ports(self, originals: Path) -> dict[str, int | None]:
        about = {"what": FIREWALL, "server": self.computer_name.upper()}
        kept = read_originals(originals, **about).get("disableStealthMode")
        complete = isinstance(kept, dict) and all(type(kept.get(name, "")) in (int, type(None)) for name in PROFILES)
        if not isinstance(kept, dict) or not complete:
            raise refuse_originals(originals, "is damaged", **about)
        return {name: kept[name] for name in PROFILES}


def _registry_key(profile: str) -> str:
    return rf"{windows_state.FIREWALL}\{profile}"


def _describe_holders(marks: Mapping[str, str]) -> str:
    holders = [f"{requester} ({state})" for requester, state in sorted(marks.items()) if state != "Active"]
    return f": held by {', '.join(holders)}, and only that requester can make it Active" if holders else ""
