"""What people see of an installation in `pulumi up`: each new line once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TextIO

# What Install-ExchangeServer.ps1 reports about a server, for people.
STATES = {
    "restarting": "restarts",
    "waiting": "waits until Active Directory is prepared",
    "complete": "Exchange is installed",
}


class Progress:
    """Prints lines about one server. A password that a server repeats is not printed."""

    def __init__(self, server: str, stream: TextIO, secrets: Collection[str] = ()) -> None:
        self._server, self._stream = server, stream
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._headline = ""
        self._shown: list[str] = []

    def show(self, state: str, phase: str, lines: Sequence[str]) -> None:
        """`lines`: the last ones of the server's log. Those that were shown already are left out."""
        new = find_new_lines(self._shown, lines)
        self._shown = list(lines)
        for line in new:
            self.say(line)
        headline = STATES.get(state, phase)
        if headline != self._headline and (state in STATES or not new):
            self.say(headline)
        self._headline = headline

    def say(self, text: str) -> None:
        self.conclude(f"{self._server}: {text}")

    def conclude(self, text: str) -> None:
        """Prints a text that names the server itself."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        self._stream.write(f"{text}\n")
        self._stream.flush()


def find_new_lines(shown: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """The lines after those that were shown: the beginning of `lines` that is an end of `shown`."""
    for count in range(min(len(shown), len(lines)), 0, -1):
        if list(shown[-count:]) == list(lines[:count]):
            return lines[count:]
    return lines
