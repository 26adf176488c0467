"""The recorded calls to the command provider, made again: the same requests in the same order."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
from collections.abc import Iterator

import asyncssh

from tests.unit.provider_client import (
    COMMAND,
    COPY,
    UNKNOWN,
    Line,
    Properties,
    ProviderClient,
    folder_archive,
    secret,
    text_asset,
)
from tests.unit.scripted_ssh_server import PASSWORD, ScriptedSshServer

# Where the provider never answers, the deadline is this many times shorter than in the record.
HASTE = 10


class Scenarios:
    """An SSH server and a client of the provider; each public method repeats a part of the record."""

    def __init__(self, port: int, server: ScriptedSshServer) -> None:
        self._server = server
        self._client = ProviderClient(port, server.log)
        self._other_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()

    def close(self) -> None:
        self._client.close()

    def _connection(self, **changes: object) -> Properties:
        base = {
            "host": "127.0.0.1",
            "port": self._server.port,
            "user": "lab",
            "password": PASSWORD,
            "hostKey": self._server.host_key,
            "dialErrorLimit": 1,
            "perDialTimeout": 2,
        }
        return secret({**base, **changes})

    def _masked_lines(self) -> list[Line]:
        """The lines so far; values that differ from run to run are masked."""
        text = "\n".join(json.dumps(line) for line in self._client.lines)
        text = text.replace(self._server.host_key, "<host key>").replace(self._other_key, "<another key>")
        text = text.replace(str(self._server.root), "<root>")
        text = re.sub(r'("port": )\d{4,5}\.0', r'\1"<port>"', text)
        text = re.sub(r"x{100,}", lambda letters: f"<{len(letters[0])} x>", text)
        text = re.sub(r"(dial tcp 127\.0\.0\.1):\d+", r"\1:<port>", text)
        text = re.sub(r'("id": ")(\w*?)[0-9a-f]{8}"', r'\1\2<hex8>"', text)
        return [json.loads(line) for line in text.splitlines()]

    def life(self) -> list[Line]:
        """Create, no change, a change of each input, refresh, delete without and with a text."""
        client = self._client
        client.scenario = "life"
        news = {"connection": self._connection(), "create": "cat", "stdin": '{"a": 1}', "addPreviousOutputInEnv": False}
        inputs = client.check(COMMAND, "c", news)
        client.create(COMMAND, "c", inputs, preview=True, step="create in preview")
        made = client.create(COMMAND, "c", inputs)
        state = made["properties"]
        client.diff(COMMAND, "c", state, inputs, inputs, "nothing changed")
        for step, change in self._changes().items():
            client.diff(COMMAND, "c", state, inputs, {**inputs, **change}, step)
        changed = {**inputs, "stdin": '{"a": 2}'}
        client.update(COMMAND, "c", state, inputs, changed, "update in preview", preview=True)
        state = client.update(COMMAND, "c", state, inputs, changed)
        client.read(COMMAND, "c", made["id"], state, changed, "refresh")
        client.delete(COMMAND, "c", state, "delete without text")
        client.delete(COMMAND, "c", {**state, "delete": "echo gone"}, "delete with text")
        return self._masked_lines()

    def _changes(self) -> dict[str, Properties]:
        return {
            "stdin changed": {"stdin": '{"a": 2}'},
            "create changed": {"create": "echo new"},
            "update added": {"update": "echo update"},
            "delete added": {"delete": "echo gone"},
            "triggers added": {"triggers": ["x"]},
            "logging changed": {"logging": "none"},
            "environment added": {"environment": {"A": "1"}},
            "password changed": {"connection": self._connection(password="other")},  # noqa: S106
            "host changed": {"connection": self._connection(host="127.0.0.2")},
            "dial limit changed": {"connection": self._connection(dialErrorLimit=5)},
            "stdin unknown": {"stdin": UNKNOWN},
        }

    def update_text(self) -> list[Line]:
        client = self._client
        client.scenario = "update text"
        news = {"connection": self._connection(), "create": "echo made", "update": "echo updated"}
        inputs = client.check(COMMAND, "u", news)
        state = client.create(COMMAND, "u", inputs)["properties"]
        step = "update runs the update text; previous output offered in the environment"
        client.update(COMMAND, "u", state, inputs, {**inputs, "stdin": "x"}, step)
        return self._masked_lines()

    def output(self) -> list[Line]:
        """Both streams with each value of `logging`, then lines too long for the provider's reader."""
        client = self._client
        client.scenario = "output"
        base = {"connection": self._connection(), "addPreviousOutputInEnv": False}
        for logging in ("stdoutAndStderr", "stdout", "stderr", "none"):
            inputs = client.check(COMMAND, "o", {**base, "create": "both out err", "logging": logging})
            client.create(COMMAND, "o", inputs, step=f"logging {logging}")
        inputs = client.check(COMMAND, "o", {**base, "create": "long 60000"})
        client.create(COMMAND, "o", inputs, step="a line of 60,000 letters")
        inputs = client.check(COMMAND, "o", {**base, "create": "long 70000", "logging": "none"})
        client.create(COMMAND, "o", inputs, step="a line of 70,000 letters, logging none")
        inputs = client.check(COMMAND, "o", {**base, "create": "long 300000"})
        step = "a line of 300,000 letters, default logging, 15 s allowed"
        client.create(COMMAND, "o", inputs, step=step, deadline=15 / HASTE, timed=True)
        return self._masked_lines()

    def failures(self) -> list[Line]:
        client = self._client
        client.scenario = "failures"
        base = {"create": "echo hi", "addPreviousOutputInEnv": False}
        with _refusing() as refused, _full() as full, _deaf() as deaf:
            connections: dict[str, Properties] = {
                "the command fails": {},
                "the session drops": {},
                "environment refused": {},
                "wrong password": {"password": "wrong"},
                "another host key": {"hostKey": self._other_key},
                "malformed host key": {"hostKey": "nonsense"},
                "malformed private key": {"privateKey": "nonsense"},
                "refused port, limit 0": {"port": refused, "dialErrorLimit": 0},
                "refused port, limit 3": {"port": refused, "dialErrorLimit": 3},
                "silent host, limit 1, 2 s a dial": {"port": full},
            }
            others: dict[str, Properties] = {
                "the command fails": {"create": "fail 3 no such object"},
                "the session drops": {"create": "drop"},
                "environment refused": {"environment": {"A": "1"}},
            }
            for step, connection in connections.items():
                news = {**base, "connection": self._connection(**connection), **others.get(step, {})}
                client.create(COMMAND, "f", client.check(COMMAND, "f", news), step=step, timed=True)
            inputs = client.check(COMMAND, "f", {**base, "connection": self._connection(port=deaf)})
            step = "a host that accepts and never speaks, 10 s allowed"
            client.create(COMMAND, "f", inputs, step=step, deadline=10 / HASTE, timed=True)
            inputs = client.check(COMMAND, "f", {**base, "connection": self._connection(), "delete": "echo gone"})
            state = client.create(COMMAND, "f", inputs)["properties"]
            gone = {**state, "connection": self._connection(port=refused)}
            client.delete(COMMAND, "f", gone, "delete with text on a refused port", timed=True)
        return self._masked_lines()

    def bad_inputs(self) -> list[Line]:
        refused: dict[str, Properties] = {
            "no connection": {"create": "echo"},
            "no host": {"connection": secret({"user": "lab"}), "create": "echo"},
            "unknown key": {"connection": self._connection(), "create": "echo", "colour": "red"},
            "port as text": {"connection": self._connection(port="22x"), "create": "echo"},
            "bad logging": {"connection": self._connection(), "create": "echo", "logging": "loud"},
            "limit below -1": {"connection": self._connection(dialErrorLimit=-2), "create": "echo"},
            "nothing to do": {"connection": self._connection()},
            "everything unknown": {"connection": secret(UNKNOWN), "create": UNKNOWN, "stdin": UNKNOWN},
        }
        for step, news in refused.items():
            self._client.scenario = f"bad inputs: {step}"
            self._client.check(COMMAND, "b", news)
        return self._masked_lines()

    def copy(self) -> list[Line]:
        """A text, then a folder, then an unknown source; the last line lists the files on the server."""
        client = self._client
        client.scenario = "copy"
        news = {"connection": self._connection(), "source": _text("one\n"), "remotePath": "C:/ProgramData/X/one.ps1"}
        inputs = client.check(COPY, "k", news)
        client.create(COPY, "k", inputs, preview=True, step="create in preview")
        state = client.create(COPY, "k", inputs)["properties"]
        client.diff(COPY, "k", state, inputs, inputs, "nothing changed")
        changes: dict[str, Properties] = {
            "text changed": {"source": _text("two\n")},
            "connection changed": {"connection": self._connection(dialErrorLimit=4)},
            "path changed": {"remotePath": "C:/ProgramData/Y/one.ps1"},
        }
        for step, change in changes.items():
            changed = {**inputs, **change}
            client.diff(COPY, "k", state, inputs, changed, step)
            state = client.update(COPY, "k", state, inputs, changed, f"{step}: update")
            inputs = changed
        client.delete(COPY, "k", state, "delete")
        self._copy_folder()
        client.scenario = "copy: unknown source"
        client.check(COPY, "k", {**news, "source": UNKNOWN})
        return [*self._masked_lines(), self._files()]

    def _copy_folder(self) -> None:
        client = self._client
        client.scenario = "copy a folder"
        folder = self._server.root / "local" / "scripts"
        (folder / "sub").mkdir(parents=True)
        (folder / "a.ps1").write_text("a\n")
        (folder / "sub" / "b.ps1").write_text("b\n")
        for step, path in {"without a slash at the end": str(folder), "with a slash": f"{folder}/"}.items():
            target = "C:/ProgramData/" + step.split()[0]
            news = {"connection": self._connection(), "source": folder_archive(path), "remotePath": target}
            client.create(COPY, "d", client.check(COPY, "d", news), step=step)

    def _files(self) -> Line:
        root = self._server.root
        files = sorted(str(path.relative_to(root)) for path in (root / "C:").rglob("*") if path.is_file())
        return {"scenario": "copy", "step": "files on the server", "files": files}


def _text(text: str) -> Properties:
    return text_asset(text, digest=hashlib.sha256(text.encode()).hexdigest())


@contextlib.contextmanager
def _refusing() -> Iterator[int]:
    """A port that is taken and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def _full() -> Iterator[int]:
    """A port that answers nothing, like a dead host: its queue is full."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(0)
        with socket.create_connection(taken.getsockname()):
            yield taken.getsockname()[1]


@contextlib.contextmanager
def _deaf() -> Iterator[int]:
    """A port that accepts connections and then sends nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(16)
        yield taken.getsockname()[1]
