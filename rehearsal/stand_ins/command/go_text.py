"""Text as Go writes it: the published provider is a Go program, and its messages quote commands."""

from __future__ import annotations

import signal

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quoted(text: str) -> str:
    """The verb %q."""
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    code = ord(letter)
    if letter.isprintable():
        return letter
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def ended(code: int) -> str:
    """How a process on this computer ended, by the exit code that Python gives it: negative for a signal."""
    return f"exit status {code}" if code >= 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
