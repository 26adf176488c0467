"""Text as Go writes it: the published provider is a Go program, and its messages quote commands and errors."""

from __future__ import annotations

import os
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


def quote(text: str) -> str:
    """The verb %q."""
    return '"' + "".join(_ESCAPES.get(letter) or _escape(letter) for letter in text) + '"'


def _escape(letter: str) -> str:
    code = ord(letter)
    if letter.isprintable():
        return letter
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def describe_exit(code: int) -> str:
    """How a process on this computer ended, by Python's exit code: negative for a signal."""
    return f"exit status {code}" if code >= 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def format_error(error: Exception) -> str:
    """The operating system's text for one of its errors, the error's own text for others."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)
