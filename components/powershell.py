"""The scripts on the servers: where they are, how they are called, and how their reports are read. No Pulumi here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "scripts"
# Relative to the program's folder; the slash at the end copies the folder's content.
SCRIPTS_ARCHIVE = "components/scripts/"
ON_SERVERS = "C:/ProgramData/ExchangeCas"

# The lines that ClientAccess.ps1 and Enable-OpenSsh.ps1 print around a report.
REPORT_BEGINS = "=== exchange-cas report 1 begins ==="
REPORT_ENDS = "=== exchange-cas report 1 ends ==="
# White space, and a shell's byte order mark.
BLANK = " \t\r\n\ufeff"
NO_REPORT = (
    "The output contains no readable report of the script: the server's shell prints something else, or runs something "
    "else. Look at AutoRun below HKLM and HKCU \\Software\\Microsoft\\Command Processor, at the PowerShell profiles, "
    "and at ForceCommand and DefaultShell of its SSH server."
)

Credential = Mapping[str, str]


def read_script(name: str) -> str:
    return (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")


@cache
def scripts_version() -> str:
    """Eight hexadecimal digits of the hash of all scripts, and of the tables that they read."""
    files = sorted(file for file in SCRIPTS.iterdir() if file.suffix in (".ps1", ".json"))
    texts = (file.name.encode() + b"\0" + file.read_bytes() for file in files)
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:8]


def scripts_folder(machine_id: str) -> str:
    """The scripts' folder on a server. It changes when the scripts do, and with `machine_id`, which changes when the
    server is rebuilt: Pulumi then copies and runs the scripts again.

    It has forward slashes, because the provider joins remote paths by the rules of the computer that it runs on.
    """
    return f"{ON_SERVERS}/{machine_id}/{scripts_version()}/"


def command_line(folder: str, name: str) -> str:
    """The command line that runs a copied script, the same for cmd.exe and PowerShell as default shell."""
    return f"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {folder}{name}.ps1"


def write_document(document: Mapping[str, Any], credential: Credential | None) -> str:
    """A script's standard input: indented, so that a diff shows each setting on its line.

    `credential` (userName, password) is needed after a logon with an SSH key, to which Windows gives no network
    credential.
    """
    return json.dumps({**document, **({"credential": credential} if credential else {})}, indent=2)


class NoReportError(ValueError):
    """A script printed no readable report; the text says where to look."""


def read_report(output: str | None, key: str) -> dict[str, Any]:
    """A script's report: the JSON object between the marks; what a shell printed around them is ignored.

    Scripts of earlier versions print no marks, but the object alone or as the last line. The object must contain `key`,
    and its `settings`, if any, must be a table. Raises NoReportError.
    """
    printed = output or ""
    _, begins, after_begin = printed.rpartition(REPORT_BEGINS)
    inside, ends, _ = after_begin.partition(REPORT_ENDS)
    lines = printed.strip(BLANK).splitlines()
    for text in [inside] if begins and ends else [printed, *lines[-1:]]:
        try:
            report = json.loads(text.strip(BLANK))
        except (ValueError, RecursionError):
            continue
        if isinstance(report, dict) and key in report and is_settings_table(report.get("settings", {})):
            return report
    raise NoReportError(NO_REPORT)


def is_settings_table(settings: object) -> bool:
    return isinstance(settings, dict) and all(isinstance(values, dict) for values in settings.values())


def read_reported_host_key(server: str, output: str | None) -> str:
    """The host key that Enable-OpenSsh.ps1 reported. Raises ValueError, which names the server."""
    try:
        host_key, reason = read_report(output, "hostKey")["hostKey"], ""
    except NoReportError as error:
        host_key, reason = None, f" {error}" if output else ""
    if isinstance(host_key, str) and host_key.strip():
        return host_key
    raise ValueError(
        f"Azure holds no SSH host key of {server}: the run command EnableOpenSsh printed none, or the virtual "
        f"machine is not running. Start it, or write its key into the stack file as hostKey.{reason}"
    )


def render_setting(value: object) -> str:
    """A setting's value as text, `none` if it is cleared."""
    return "none" if value is None else str(value)


def read_changes(output: str | None) -> dict[str, dict[str, str]] | str:
    """The settings that a run of the namespace script changed: service.setting -> before and after.

    Without a readable report a sentence, not an error: this output only informs.
    """
    try:
        return {
            f"{service}.{setting}": {"before": render_setting(value["before"]), "after": render_setting(value["after"])}
            for service, settings in read_report(output, "settings")["settings"].items()
            for setting, value in settings.items()
            if value["changed"]
        }
    except NoReportError as error:
        return f"not known: {error}"
    except (KeyError, TypeError):
        return f"not known: {NO_REPORT}"
