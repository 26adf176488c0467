"""Windows on a server: cmd.exe command lines and PowerShell scripts."""

from __future__ import annotations

import asyncio
import re
import shlex
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.stand_ins import windows_state, without_powershell
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.script_results import CommandResult
from rehearsal.stand_ins.windows_paths import Drive
from rehearsal.stand_ins.windows_process import StandardInput, Write, end_lines_as_windows, run_process

FILE_DOES_NOT_EXIST = 0xFFFD0000  # -196608, the exit code of Windows PowerShell if the file of -File is missing
CMD_SPECIAL = re.compile(r"[&|<>^]")
SWITCHES = ("-noprofile", "-noninteractive", "-nologo")
OPTIONS_WITH_VALUE = ("-executionpolicy", "-inputformat", "-outputformat")


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Runs commands and scripts of one server. `names` returns the DNS names that it can resolve.

    `authority`: a PEM file, the server's certificate store. `web_site_restarted` is awaited after a script
    has restarted W3SVC. Without `pwsh`, `without_powershell` answers for the scripts.
    """

    computer_name: str
    drive: Drive
    organisation: Organisation
    pwsh: str | None
    names: Callable[[], Iterable[str]]
    authority: Path
    web_site_restarted: Callable[[], Awaitable[None]]

    async def cmd(self, line: str, *, logon: str, stdin: StandardInput, stdout: Write, stderr: Write) -> int:
        """`cmd.exe /c line`; returns the exit status. `logon` is "password" or "key".

        As cmd.exe runs AutoRun of the registry first, this prints autoRun of windows.json first.
        """
        if printed := windows_state.read_state(self.drive.root).get("autoRun"):
            stdout(f"{printed}\r\n".encode())
        if "%" in line or CMD_SPECIAL.search(re.sub(r'"[^"]*"', "", line)):
            stderr(b"This stand-in of cmd.exe runs one plain command, without % & | < > ^\r\n")
            return 1
        try:
            words = _split_words(line)
        except ValueError:
            stderr(b"This stand-in of cmd.exe refuses an unclosed quotation mark\r\n")
            return 1
        program = words[0] if words else ""
        if re.split(r"[\\/]", program.lower())[-1] not in ("powershell", "powershell.exe"):
            stderr(
                f"'{program}' is not recognized as an internal or external command,\r\n"
                "operable program or batch file.\r\n".encode()
            )
            return 1
        script, arguments = _parse_file_option(words[1:])
        if script is None:
            stderr(b"This stand-in of powershell.exe runs scripts: powershell ... -File SCRIPT [ARGUMENTS]\r\n")
            return 1
        local = self._find_script(script)
        if local is None:
            stderr(
                f"The argument '{script}' to the -File parameter does not exist. Provide the path to an "
                "existing '.ps1' file as an argument to the -File parameter.\r\n".encode()
            )
            return FILE_DOES_NOT_EXIST
        return await self._powershell(local, arguments, logon, stdin, stdout, stderr)

    def _find_script(self, path: str) -> Path | None:
        try:
            local = self.drive.local(path)
        except ValueError:
            return None
        return local if local.suffix.lower() == ".ps1" and local.is_file() else None

    async def run_script(self, text: str, parameters: Mapping[str, str]) -> CommandResult:
        """Run the text as a managed run command does: as SYSTEM, with parameters by name."""
        packages = self.drive.root / "C/Packages/Plugins/Microsoft.CPlat.Core.RunCommandHandlerWindows"
        packages.mkdir(parents=True, exist_ok=True)
        arguments = [word for name, value in parameters.items() for word in (f"-{name}", value)]
        output, error = bytearray(), bytearray()
        with tempfile.TemporaryDirectory(dir=packages) as folder:
            script = Path(folder, "script.ps1")
            script.write_text(text, encoding="utf-8-sig")
            empty_input = asyncio.StreamReader()
            empty_input.feed_eof()
            code = await self._powershell(script, arguments, "password", empty_input, output.extend, error.extend)
        return CommandResult(exit_code=code, output=output.decode(), error=error.decode())

    async def _powershell(
        self, script: Path, arguments: Sequence[str], logon: str, stdin: StandardInput, stdout: Write, stderr: Write
    ) -> int:
        async with windows_state.following_web_site(self.drive.root, self.web_site_restarted):
            return await self._run_script(script, arguments, logon, stdin, stdout, stderr)

    async def _run_script(
        self, script: Path, arguments: Sequence[str], logon: str, stdin: StandardInput, stdout: Write, stderr: Write
    ) -> int:
        if self.pwsh is None:
            request = await stdin.read()
            result = await asyncio.to_thread(
                without_powershell.run_script,
                script,
                arguments,
                request,
                self.organisation,
                self.computer_name,
                self.drive.root,
            )
            stdout(end_lines_as_windows(result.output.encode()))
            stderr(end_lines_as_windows(result.error.encode()))
            return result.exit_code
        with tempfile.TemporaryDirectory() as folder:
            names = Path(folder, "names.txt")
            names.write_text("".join(f"{name}\n" for name in self.names()), encoding="utf-8")
            argv, environment = self.organisation.prepare(
                script,
                arguments,
                pwsh=self.pwsh,
                root=self.drive.root,
                computer_name=self.computer_name.upper(),
                logon=logon,
                names=names,
                authority=self.authority,
            )
            return await run_process(argv, environment, stdin, stdout, stderr)


def _split_words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.quotes, lexer.escape, lexer.commenters = True, '"', "", ""
    return list(lexer)


def _parse_file_option(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """(script, its arguments) from powershell.exe's command line; (None, []) without -File or with other options."""
    remaining = list(words)
    while remaining:
        option = remaining.pop(0).lower()
        if option == "-file" and remaining:
            return remaining[0], remaining[1:]
        if option in OPTIONS_WITH_VALUE and remaining:
            remaining.pop(0)
        elif option not in SWITCHES:
            break
    return None, []
