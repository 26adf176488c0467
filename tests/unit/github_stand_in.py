"""GitHub's REST API for comments and issues; it refuses what the workflows do not use.

From GitHub's documentation of "REST API endpoints for issue comments" and "for issues": lists come in pages with a Link
header, issues include pull requests, a body has 65,536 characters at most (422), no good token is a 401.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_0123456789"  # noqa: S105
BOT = "github-actions[bot]"
PATHS = r"/repos/corp/mail/issues(/comments/(?P<id>\d+)|/(?P<number>\d+)(?P<on>/comments)?)?"


class GitHubStandIn:
    """The repository corp/mail. `refuses` is the status of every write, where it is set."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.refuses: int | None = None
        self.url = ""

    def issue(self, body: str, *, author: str = BOT, state: str = "open", **more: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        address = {"html_url": f"https://github.example/corp/mail/issues/{number}"}
        self.issues.append(
            {"number": number, "state": state, "body": body, "user": {"login": author}, **address, **more}
        )
        return self.issues[-1]

    def comment(self, issue: int, body: str | None, *, author: str = BOT) -> dict[str, Any]:
        id = 1000 + len(self.comments)
        address = {"html_url": f"https://github.example/corp/mail/issues/{issue}#issuecomment-{id}"}
        self.comments.append({"id": id, "issue": issue, "body": body, "user": {"login": author}, **address})
        return self.comments[-1]

    def on(self, issue: int) -> list[str]:
        return [comment["body"] for comment in self.comments if comment["issue"] == issue]

    def answer(self, method: str, path: str, content: dict[str, Any]) -> tuple[int, Any]:
        self.requests.append((method, path))
        if method != "GET" and self.refuses:
            return self.refuses, {"message": "Resource not accessible by integration"}
        if len(content.get("body") or "") > 65_536:
            return 422, {"message": "Validation Failed"}
        parts = re.fullmatch(
            r"/repos/corp/mail/issues(/comments/(?P<id>\d+)|/(?P<number>\d+)(?P<on>/comments)?)?", path
        )
        if not parts:
            return 404, {"message": "Not Found"}
        return self._routed(method, parts["id"], parts["number"], bool(parts["on"]), content)

    def _routed(
        self, method: str, id: str | None, number: str | None, on: bool, content: dict[str, Any]
    ) -> tuple[int, Any]:
        match method, bool(id), bool(number), on:
            case "GET", False, False, False:
                return 200, self.issues
            case "POST", False, False, False:
                return 201, self.issue(content["body"], title=content["title"])
            case "GET", False, True, True:
                return 200, [comment for comment in self.comments if comment["issue"] == int(number or 0)]
            case "POST", False, True, True:
                return 201, self.comment(int(number or 0), content["body"])
            case "PATCH", True, False, False:
                return self._changed([comment for comment in self.comments if comment["id"] == int(id or 0)], content)
            case "PATCH", False, True, False:
                return self._changed([issue for issue in self.issues if issue["number"] == int(number or 0)], content)
        return 405, {"message": "Method Not Allowed"}

    @staticmethod
    def _changed(found: list[dict[str, Any]], content: dict[str, Any]) -> tuple[int, Any]:
        if not found:
            return 404, {"message": "Not Found"}
        found[0].update(content)
        return 200, found[0]


@contextmanager
def github() -> Iterator[GitHubStandIn]:
    """Serves it on loopback."""
    kept = GitHubStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            status, found = self._asked("GET", address.path, {})
            if status != 200:
                return self._say(status, found)
            rows = [row for row in found if query.get("state", "all") in ("all", row.get("state", "all"))]
            size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
            following = f"{kept.url}{address.path}?per_page={size}&state={query.get('state', 'all')}&page={page + 1}"
            link = {"Link": f'<{following}>; rel="next"'} if len(rows) > page * size else {}
            return self._say(200, rows[(page - 1) * size : page * size], link)

        def do_POST(self) -> None:
            self._write("POST")

        def do_PATCH(self) -> None:
            self._write("PATCH")

        def _write(self, method: str) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(*self._asked(method, self.path, content))

        def _asked(self, method: str, path: str, content: dict[str, Any]) -> tuple[int, Any]:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return 401, {"message": "Bad credentials"}
            return kept.answer(method, path, content)

        def _say(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
