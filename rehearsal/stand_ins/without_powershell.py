"""Answers of the project's scripts on a computer without PowerShell, by their JSON contract.

The scripts do not run then: every caller must state that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components import powershell
from rehearsal.stand_ins import sshd, windows_state
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.installation_without_powershell import (
    InstallationRun,
    check_installation_document,
    new_installation_report,
)
from rehearsal.stand_ins.namespace_without_powershell import NamespaceRun, new_namespace_report
from rehearsal.stand_ins.rotation_without_powershell import RotationRun, new_rotation_report
from rehearsal.stand_ins.script_results import (
    EXCHANGE_MISSING,
    FAILURE,
    SETUP_RUNNING,
    WRONG_DOCUMENT,
    CommandResult,
    FailedError,
    refuse_document,
)
from rehearsal.stand_ins.windows_disks import prepare_drives_without_powershell

ROTATION = "Set-ClientAccessRotation.ps1"
INSTALLATION = "Install-ExchangeServer.ps1"
CERTIFICATE = "Set-ClientAccessCertificate.ps1"
# Beginning of Exchange's version text -> the exchangeVersions that a document may give.
VERSIONS = {"Version 15.0 ": ("2013",), "Version 15.1 ": ("2016",), "Version 15.2 ": ("2019", "SE")}


def run_script(
    script: Path, arguments: Sequence[str], stdin: bytes, organisation: Organisation, computer_name: str, root: Path
) -> CommandResult:
    """What the script would answer. The script is recognised by its name or its text.

    Like the scripts, prints the report after a failure, too.
    """
    if "OpenSSH" in script.read_text(encoding="utf-8-sig"):
        return _enable_open_ssh(arguments, root)
    if "Initialize-Disk" in script.read_text(encoding="utf-8-sig"):
        return prepare_drives_without_powershell(arguments[1], root)
    if script.name == CERTIFICATE:
        needs = "This stand-in answers for a certificate with PowerShell only: run make setup, which installs it.\n"
        return CommandResult(exit_code=FAILURE, output="", error=needs)
    report: dict[str, Any] = {"server": computer_name.upper(), "exchangeVersion": None, **_new_report(script.name)}
    notes: list[str] = []
    code = 0
    try:
        request = _read_request(stdin, computer_name)
        if script.name == INSTALLATION:
            check_installation_document(request)
        report |= {key: request[key] for key in ("exchangeVersion", "inRotation") if key in report}
        server: dict[str, Any] = {"organisation": organisation, "computer_name": computer_name, "root": root}
        if script.name == INSTALLATION:
            InstallationRun(request=request, report=report, notes=notes, **server).run()
        else:
            _check_exchange(request["exchangeVersion"], **server)
            if script.name == ROTATION:
                RotationRun(request=request, report=report, notes=notes, **server).run()
            else:
                NamespaceRun(request=request, report=report, notes=notes, **server).run(script.name)
    except FailedError as failure:
        notes.append(str(failure))
        code = failure.exit_code
    error = "".join(f"{note}\n" for note in notes)
    return CommandResult(exit_code=code, output=_frame_report(json.dumps(report, indent=2)), error=error)


def _new_report(script: str) -> dict[str, Any]:
    if script == INSTALLATION:
        return new_installation_report()
    return new_rotation_report() if script == ROTATION else new_namespace_report(script)


def _read_request(stdin: bytes, computer_name: str) -> dict[str, Any]:
    try:
        request = json.loads(stdin)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise FailedError(WRONG_DOCUMENT, "Nothing was changed: standard input is not one JSON object.")
    server = str(request.get("server"))
    if server.lower() != computer_name.lower():
        problem = f"server: the document is for {server}, this server is {computer_name.upper()}"
        raise refuse_document([problem])
    return request


def _check_exchange(requested: str, organisation: Organisation, computer_name: str, root: Path) -> None:
    """Raises FailedError. `requested`: the document's exchangeVersion."""
    name = computer_name.upper()
    if any(process.lower().startswith("exsetup") for process in windows_state.read_state(root).get("processes", [])):
        raise FailedError(
            SETUP_RUNNING,
            f"Exchange setup is running on {name}, and an open session can make it fail: nothing was changed. Run this "
            "again when setup has ended.",
        )
    try:
        text = organisation.version(computer_name)
    except KeyError:
        raise FailedError(
            EXCHANGE_MISSING,
            f"Exchange is not installed on {computer_name}: nothing was changed. Install it, or set "
            "configureNamespace: false in the stack file until it is installed.",
        ) from None
    installed = next(names for beginning, names in VERSIONS.items() if text.startswith(beginning))
    if requested not in installed:
        raise FailedError(
            FAILURE,
            f"The document says exchangeVersion {requested}, but {name} runs Exchange {' or '.join(installed)} "
            f"({text}); set exchangeVersion in the stack file.",
        )


def _enable_open_ssh(arguments: Sequence[str], root: Path) -> CommandResult:
    parameters = {name.lstrip("-").lower(): value for name, value in zip(arguments[::2], arguments[1::2], strict=True)}
    sshd.enable_ssh(root, int(parameters.get("port", "22")))
    output = _frame_report(json.dumps({"hostKey": sshd.read_host_key(root)}))
    return CommandResult(exit_code=0, output=output, error="")


def _frame_report(report: str) -> str:
    return f"{powershell.REPORT_BEGINS}\n{report}\n{powershell.REPORT_ENDS}\n"
