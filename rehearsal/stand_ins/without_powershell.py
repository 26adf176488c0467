"""Answers for the project's scripts on a computer without PowerShell: their JSON contract, kept in Python.

The scripts themselves do not run then, so whoever uses this has to say so loudly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operations.comparison import same
from rehearsal.stand_ins import sshd
from rehearsal.stand_ins.command_result import CommandResult
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.rotation_without_powershell import Rotation

# The exit codes of Set-ClientAccessNamespace.ps1.
WRONG_DOCUMENT, EXCHANGE_MISSING, DISAGREEMENT = 2, 3, 4
ORIGINALS = "C/ProgramData/ExchangeCas/original-namespace.json"

Settings = Mapping[str, Mapping[str, object]]


def run(
    script: Path, arguments: Sequence[str], stdin: bytes, organisation: Organisation, computer_name: str, root: Path
) -> CommandResult:
    """What the script would answer; scripts are told apart by their file name, or by their text."""
    if "OpenSSH" in script.read_text(encoding="utf-8-sig"):
        return _enable_open_ssh(arguments, root)
    request = json.loads(stdin)
    if request["server"].lower() != computer_name.lower():
        return _failed(WRONG_DOCUMENT, f"This is {computer_name}, not {request['server']}.")
    try:
        current = organisation.settings(computer_name)
    except KeyError:
        return _failed(
            EXCHANGE_MISSING,
            f"Exchange is not installed on {computer_name}: install it, or set configureNamespace: false until it is.",
        )
    if script.name == "Set-ClientAccessRotation.ps1":
        return Rotation(request=request, organisation=organisation, computer_name=computer_name, root=root).run()
    if script.name == "Get-ClientAccessNamespace.ps1":
        skipped: dict[str, str] = {}
        return _document(computer_name, request, settings=current, skipped=skipped)
    originals = root / ORIGINALS
    if script.name == "Restore-ClientAccessNamespace.ps1":
        return _set(organisation, computer_name, request, json.loads(originals.read_text(encoding="utf-8"))["settings"])
    if not originals.exists():
        originals.parent.mkdir(parents=True, exist_ok=True)
        kept = {"server": computer_name, "exchangeVersion": request["exchangeVersion"], "settings": current}
        originals.write_text(json.dumps(kept, indent=2), encoding="utf-8")
    return _set(organisation, computer_name, request, request["settings"])


def _set(organisation: Organisation, computer_name: str, request: Mapping[str, Any], wanted: Settings) -> CommandResult:
    before = organisation.settings(computer_name)
    skipped = {name: "This server does not have the service." for name in wanted if name not in before}
    rows = [(name, key, value) for name in wanted if name in before for key, value in wanted[name].items()]
    for service, setting, value in rows:
        if not same(before[service].get(setting), value):
            organisation.change(computer_name, service, setting, value)
    after = organisation.settings(computer_name)
    report: dict[str, dict[str, dict[str, object]]] = {}
    for service, setting, value in rows:
        old, new = before[service].get(setting), after[service].get(setting)
        report.setdefault(service, {})[setting] = {
            "before": old,
            "expected": value,
            "after": new,
            "changed": not same(old, new),
        }
    cells = [cell for settings in report.values() for cell in settings.values()]
    return _document(
        computer_name,
        request,
        agreement=all(same(cell["after"], cell["expected"]) for cell in cells),
        changed=sum(bool(cell["changed"]) for cell in cells),
        settings=report,
        recycledAppPools=[],
        skipped=skipped,
    )


def _enable_open_ssh(arguments: Sequence[str], root: Path) -> CommandResult:
    given = {name.lstrip("-").lower(): value for name, value in zip(arguments[::2], arguments[1::2], strict=True)}
    sshd.switch_on(root, int(given.get("port", "22")))
    output = json.dumps({"hostKey": sshd.public_host_key(root)}) + "\n"
    return CommandResult(exit_code=0, output=output, error="")


def _document(computer_name: str, request: Mapping[str, Any], **rest: object) -> CommandResult:
    document = {"server": computer_name.upper(), "exchangeVersion": request["exchangeVersion"], **rest}
    text = json.dumps(document, indent=2) + "\n"
    return CommandResult(exit_code=0 if rest.get("agreement", True) else DISAGREEMENT, output=text, error="")


def _failed(exit_code: int, reason: str) -> CommandResult:
    return CommandResult(exit_code=exit_code, output="", error=reason + "\n")
