"""Stand-in of Exchange's Setup.exe: `python -m rehearsal.stand_ins.exchange.setup.program SETUP_EXE ARGUMENTS`.

Beside SETUP_EXE lies media.json: `version`; `seconds`, how long a run takes; and `faults`:
  killedAt    a phase at which the process dies, as when the machine restarts
  holdAt      a phase at which setup waits as long as there is a file `hold` beside SETUP_EXE
  error       {"at": phase, "text": what is written as [ERROR]}
  rules       rule -> message of prerequisites that the stand-in does not model
  exitCode    instead of the right one
  untold      true: the line of success is missing
  unfinished  true: a Watermark is left in spite of success
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.exchange.setup.arguments import ArgumentsError, SetupArguments, parse_setup_arguments
from rehearsal.stand_ins.exchange.setup.directory import DirectoryError, choose_controller, prepare_directory
from rehearsal.stand_ins.exchange.setup.log import SetupLog
from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY, SetupMachine
from rehearsal.stand_ins.exchange.setup.releases import ALL_ROLES, FRONT_END_ROLES, ExchangeRelease, find_release
from rehearsal.stand_ins.exchange.setup.rules import find_missing_prerequisites

KILLED = 137
POLL_SECONDS = 0.02
PREPARATION_PHASES = (
    "Copying files",
    "Prerequisite Analysis",
    "Extending Active Directory schema",
    "Organization Preparation",
)
COMMON_PHASES = ("Copying files", "Prerequisite Analysis", "Copy Exchange Files", "Language Files", "Management tools")
MAILBOX_PHASES = (
    "Mailbox role: Transport service",
    "Mailbox role: Client Access service",
    "Mailbox role: Mailbox service",
    "Mailbox role: Front End Transport service",
    "Mailbox role: Client Access Front End service",
)
FRONT_END_PHASES = (
    "Client Access role: Front End Transport service",
    "Client Access role: Client Access Front End service",
)


class SetupFailedError(Exception):
    """Setup writes the text as [ERROR] and ends with 1."""


@dataclass(frozen=True, kw_only=True)
class SetupRun:
    """One run of setup on a machine."""

    machine: SetupMachine
    release: ExchangeRelease
    arguments: SetupArguments
    media: Path
    parameters: dict[str, Any]
    log: SetupLog

    @property
    def faults(self) -> dict[str, Any]:
        faults: dict[str, Any] = self.parameters.get("faults", {})
        return faults

    def run(self) -> None:
        """Raises SetupFailedError."""
        phases = self._phases()
        controller = choose_controller(self.machine, self.release, self.arguments, self.log)
        for phase in phases:
            self._enter(phase, self.parameters.get("seconds", 0) / len(phases))
            if phase == "Prerequisite Analysis":
                self._check(controller)
            elif self.arguments.installs:
                self._install(phase, controller)
            else:
                prepare_directory(phase, self.machine, self.release, self.arguments, controller)
        if self.arguments.installs:
            self._finish(controller)

    def _phases(self) -> tuple[str, ...]:
        if not self.arguments.installs:
            return PREPARATION_PHASES
        chosen = FRONT_END_PHASES if self.arguments.roles == ("clientaccess",) else MAILBOX_PHASES
        return (*COMMON_PHASES, *chosen, "Finalizing Setup")

    def _enter(self, phase: str, seconds: float) -> None:
        self.log.process_component(phase)
        if self.arguments.installs and phase not in COMMON_PHASES[:2]:
            for role in self._roles():
                self.machine.set_registry(f"{EXCHANGE_KEY}\\{role}", Action="Install", Watermark=phase)
        while self.faults.get("holdAt") == phase and (self.media / "hold").exists():
            time.sleep(POLL_SECONDS)
        time.sleep(seconds)
        if self.faults.get("killedAt") == phase:
            self.machine.set_process(running=False)  # a process that died is not in the list
            os._exit(KILLED)
        error = self.faults.get("error", {})
        if error.get("at") == phase:
            raise SetupFailedError(error["text"])

    def _check(self, controller: str) -> None:
        self.log.write("Performing Microsoft Exchange Server Prerequisite Check")
        failed = find_missing_prerequisites(self.arguments, self.release, self.machine, controller)
        failed += list(self.faults.get("rules", {}).items())
        if failed:
            self.log.refuse_rules(failed)
            raise SetupFailedError("")

    def _install(self, phase: str, controller: str) -> None:
        directory = self.machine.directory
        if phase == "Copy Exchange Files":
            major, minor, build, revision = self.release.build
            product = {
                "MsiProductMajor": major,
                "MsiProductMinor": minor,
                "MsiBuildMajor": build,
                "MsiBuildMinor": revision,
            }
            target = self.arguments.values.get("targetdir", "C:\\Program Files\\Microsoft\\Exchange Server\\V15")
            self.machine.set_registry(f"{EXCHANGE_KEY}\\Setup", MsiInstallPath=f"{target.rstrip(chr(92))}\\", **product)
            for role in self._roles():
                self.machine.set_registry(f"{EXCHANGE_KEY}\\{role}", UnpackedVersion=self.release.version)
            self.machine.change_windows(
                lambda state: state.setdefault("services", {}).update(MSExchangeServiceHost="Stopped")
            )
        elif phase == "Management tools":
            directory.add_server_object(controller, self.machine.name, self.release.display_version)
        elif phase in (MAILBOX_PHASES[0], FRONT_END_PHASES[0]):
            directory.add_scp(controller, self.machine.name, str(directory.site(self.machine.name)))

    def _finish(self, controller: str) -> None:
        """The registry and the organisation, as the machine is after a good end."""
        for role in self._roles():
            key = f"{EXCHANGE_KEY}\\{role}"
            self.machine.set_registry(key, ConfiguredVersion=self.release.version, Action=None, Watermark=None)
        if self.faults.get("unfinished"):
            self.machine.set_registry(f"{EXCHANGE_KEY}\\{self._roles()[0]}", Action="Install", Watermark="left")
        organisation, directory = self.machine.organisation, self.machine.directory
        organisation.add_server(self.machine.name, version=self.release.name, domain=directory.domain)
        scp = directory.scp_dn(controller, self.machine.name)
        assert scp
        uri = directory.objects(controller)[scp]["serviceBindingInformation"][0]
        organisation.change(self.machine.name, "autodiscover", "AutoDiscoverServiceInternalUri", uri)
        self.machine.change_windows(lambda state: state["services"].pop("MSExchangeServiceHost", None))

    def _roles(self) -> tuple[str, ...]:
        return FRONT_END_ROLES if self.arguments.roles == ("clientaccess",) else ALL_ROLES


def main(setup: Path, words: Sequence[str]) -> int:
    """The exit code."""
    machine = SetupMachine.of_environment()
    parameters: dict[str, Any] = json.loads(setup.with_name("media.json").read_text(encoding="utf-8"))
    release = find_release(parameters["version"])
    log = SetupLog(machine.root / "C")
    log.start(release.product, release.version, machine.user, words)
    try:
        arguments = parse_setup_arguments(words, release)
        run = SetupRun(
            machine=machine, release=release, arguments=arguments, media=setup.parent, parameters=parameters, log=log
        )
        machine.set_process(running=True)
        run.run()
        machine.set_process(running=False)
    except (ArgumentsError, SetupFailedError, DirectoryError) as error:
        machine.set_process(running=False)
        if str(error):
            log.refuse(str(error), "SetupComponent___stand-in" if isinstance(error, SetupFailedError) else None)
        log.end(completed=False)
        return 1
    if not run.faults.get("untold"):
        log.end(completed=True)
    return int(run.faults.get("exitCode", 0))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
