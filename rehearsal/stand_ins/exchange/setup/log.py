"""ExchangeSetup.log, in the form of the logs that CSS-Exchange keeps for its tests."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

STARS = "*" * 46
COMPLETED = "The Exchange Server setup operation completed successfully."
NOT_COMPLETED = (
    "The Exchange Server setup operation didn't complete.  More details can be found in ExchangeSetup.log located in "
    "the <SystemDrive>:\\ExchangeSetupLogs folder."
)
HELP = "https://docs.microsoft.com/Exchange/plan-and-deploy/deployment-ref/"


class SetupLog:
    """Appends to the log below the system drive."""

    def __init__(self, drive: Path) -> None:
        self.file = drive / "ExchangeSetupLogs/ExchangeSetup.log"
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def write(self, text: str, level: int = 0) -> None:
        now = datetime.datetime.now(datetime.UTC)
        stamp = f"{now:%m/%d/%Y %H:%M:%S}.{now.microsecond // 1000:04d}"
        with self.file.open("a", encoding="utf-8", newline="") as log:
            log.write(f"[{stamp}] [{level}] {text}\r\n")

    def start(self, product: str, version: str, user: str, words: Sequence[str]) -> None:
        for line in (STARS, f"Starting Microsoft Exchange Server {product} Setup", STARS):
            self.write(line)
        self.write("Operating system version: Microsoft Windows NT 6.2.9200.0.")
        self.write(f"Setup version: {version}.")
        self.write(f"Logged on user: {user}.")
        for word in words:
            name, _, value = word.lstrip("/").partition(":")
            self.write(f"Command Line Parameter Name='{name.lower()}', Value='{value}'.")
        self.write(f"RuntimeAssembly was started with the following command: '{' '.join(words)}'.")

    def process_component(self, name: str) -> None:
        self.write(f"Processing component '{name}' (Configuring the server.).", 1)
        # A failure of a non-critical task is common, and means nothing.
        self.write("[WARNING] The performance counter definition file is invalid.", 2)

    def refuse_rules(self, failed: Sequence[tuple[str, str]]) -> None:
        """(rule, message) of each prerequisite that is missing."""
        for rule, message in failed:
            parts = '[HasException:False] [Value:"True"] [ParentValue:"<NULL>"] [Thread:18]'
            self.write(f"Evaluated [Rule:{rule}] {parts} [Duration:00:00:00.0312494]", 1)
            self.write(f"Failed [Rule:{rule}] [Message:{message}]", 1)
        for rule, message in failed:
            self.write(f"[REQUIRED] {message}", 1)
            self.write(f"Help URL: {HELP}{rule}", 1)

    def refuse(self, error: str, reference: str | None = None) -> None:
        self.write(f"[ERROR] {error}", 1 if reference else 0)
        if reference:
            self.write(f"[ERROR-REFERENCE] Id={reference} Component=EXCHANGE14:\\Current\\Release\\Shared", 1)
            self.write("Setup is stopping now because of one or more critical errors.", 1)

    def end(self, *, completed: bool) -> None:
        self.write(f"CurrentResult launcherbase.maincore:90: {0 if completed else 1}")
        self.write(COMPLETED if completed else NOT_COMPLETED)
        self.write("End of Setup")
        self.write(STARS)
