"""Azure Resource Manager over HTTP: the requests that operations send to it directly.

From the REST reference of Microsoft.Resources (2021-04-01): GET and DELETE of a group, the list of its resources with a
filter on their type, and the result of a deletion behind `Location`. From that of Microsoft.Network (2024-06-01): the
private zones of the subscription, and the links of a zone.
"""

import json
import re
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .errors import ArmError
from .operations import AzureOperations
from .resource_types import find_type
from .store import Json
from .subscription import AzureSubscription

API_VERSION = "2021-04-01"
POLL_SECONDS = 0.02  # how long stop() may take
_GROUP = re.compile(r"(?P<group>/subscriptions/[^/]+/resourcegroups/[^/]+)(?P<list>/resources)?", re.IGNORECASE)
PRIVATE_DNS_VERSION = "2024-06-01"
_ZONES = re.compile(r"/subscriptions/[^/]+/providers/Microsoft\.Network/privateDnsZones", re.IGNORECASE)
_LINKS = re.compile(r"(?P<zone>/subscriptions/.*/privateDnsZones/[^/]+)/virtualNetworkLinks", re.IGNORECASE)
_FILTER = re.compile(r"resourceType eq '([^']+)'")
_Answer = tuple[int, Json | None, dict[str, str]]


class ResourceManager:
    """Serves on a loopback port. `token` is the only one it accepts; `requests` has all requests, oldest first."""

    def __init__(self, subscription: AzureSubscription, operations: AzureOperations) -> None:
        self.token = secrets.token_urlsafe(32)
        self.requests: list[str] = []
        self._subscription, self._operations = subscription, operations
        self._deletions: dict[str, threading.Thread] = {}
        self._failures: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None

    @property
    def endpoint(self) -> str:
        assert self._server, "it is not running"
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answer))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for deletion in self._deletions.values():
            deletion.join()

    def _answer(self, method: str, target: str, authorization: str) -> _Answer:
        self.requests.append(f"{method} {target}")
        url = urlsplit(target)
        query = parse_qs(url.query)
        if authorization != f"Bearer {self.token}":
            return _error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        private_dns = _ZONES.fullmatch(url.path) or _LINKS.fullmatch(url.path)
        if query.get("api-version") != [PRIVATE_DNS_VERSION if private_dns else API_VERSION]:
            return _error(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
            )
        if method == "GET" and url.path in self._deletions:
            return self._deletion(url.path)
        if private_dns:
            return self._private_dns(method, url.path)
        target_group = _GROUP.fullmatch(url.path)
        group = self._subscription.get(target_group["group"]) if target_group else None
        if target_group is None or group is None:
            return _error(
                404, "ResourceGroupNotFound", f"Resource group '{url.path.rsplit('/', 1)[-1]}' could not be found."
            )
        if method == "GET" and target_group["list"]:
            return 200, {"value": self._resources(group.id, query.get("$filter", [""])[0])}, {}
        if method == "GET":
            return 200, group.body, {}
        if method == "DELETE" and not target_group["list"]:
            return self._delete(group.id)
        return _error(405, "MethodNotAllowed", f"The stand-in does not support {method}.")

    def _private_dns(self, method: str, path: str) -> _Answer:
        links = _LINKS.fullmatch(path)
        if method != "GET":
            return _error(405, "MethodNotAllowed", f"The stand-in does not support {method}.")
        if links and self._subscription.get(links["zone"]) is None:
            return _error(404, "ParentResourceNotFound", f"The zone '{links['zone'].rsplit('/', 1)[1]}' was not found.")
        wanted = "privatedns:VirtualNetworkLink" if links else "privatedns:PrivateZone"
        root = f"{path}/" if links else f"{path.lower().partition('/providers/')[0]}/"
        rows = [
            {"id": id, "name": id.rsplit("/", 1)[1], "properties": body}
            for id, body in self._subscription.resources.items()
            if (known := find_type(id)) and known[0].type == wanted and id.lower().startswith(root.lower())
        ]
        return 200, {"value": rows}, {}

    def _resources(self, group: str, wanted: str) -> list[Json]:
        types = {type.lower() for type in _FILTER.findall(wanted)}
        rows = []
        for id, body in self._subscription.resources.items():
            known = find_type(id)
            kind = known[0].arm_type(known[1]) if known else ""
            if id.lower().startswith(f"{group}/".lower()) and (not types or kind.lower() in types):
                rows.append({"id": id, "name": id.rsplit("/", 1)[1], "type": kind, "tags": body.get("tags") or {}})
        return rows

    def _delete(self, group: str) -> _Answer:
        path = f"/subscriptions/{group.split('/')[2]}/operationresults/{secrets.token_urlsafe(8)}"

        def delete() -> None:
            try:
                self._operations.delete(group)
            except ArmError as error:
                self._failures[path] = str(error)

        self._deletions[path] = threading.Thread(target=delete)
        self._deletions[path].start()
        location = f"{self.endpoint}{path}?api-version={API_VERSION}"
        return 202, None, {"Location": location, "Retry-After": "0"}

    def _deletion(self, path: str) -> _Answer:
        self._deletions[path].join(0.2)
        if self._deletions[path].is_alive():
            return 202, None, {"Location": f"{self.endpoint}{path}?api-version={API_VERSION}", "Retry-After": "0"}
        if path in self._failures:
            return _error(409, "ResourceGroupDeletionBlocked", self._failures[path])
        return 200, None, {}


def _error(status: int, code: str, message: str) -> _Answer:
    return status, {"error": {"code": code, "message": message}}, {}


def _handler(answer: Callable[[str, str, str], _Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(*answer("GET", self.path, self.headers.get("Authorization", "")))

        def do_DELETE(self) -> None:
            self._send(*answer("DELETE", self.path, self.headers.get("Authorization", "")))

        def _send(self, status: int, body: Json | None, headers: dict[str, str]) -> None:
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Length": str(len(text)),
                "Content-Type": "application/json",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Kept in `requests`, not printed."""

    return Handler
