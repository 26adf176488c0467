"""Reviews of previews by the real engine: each unsafe change is refused by name, and a safe variant is not.

The reviews are kept in tests/data/reviews. REVIEWS=write in the environment rewrites them; read the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from operations.__main__ import app
from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import Edit, Rehearsals
from tests.engine.looks import PROJECT

pytestmark = pytest.mark.engine

TEXTS = REPOSITORY / "tests" / "data" / "reviews"
SERVERS, DNS, NETWORK, NAMESPACE, PROTECT, ROTATION, IMAGE, TAGS = (
    f"{PROJECT}:{key}" for key in ("servers", "dns", "network", "namespace", "protect", "rotation", "image", "tags")
)
# A rehearsal has no clients to wait for.
QUICK = {"drainSeconds": 2, "healthSeconds": 60}


def three_servers(config: dict[str, Any]) -> None:
    """With a private and a public zone; two servers get public addresses from Azure."""
    config[f"{PROJECT}:allowSingleServer"] = True
    config[DNS] = {"private": {}, "public": {}, "ttlSeconds": 1}
    config[ROTATION] = QUICK
    config[SERVERS]["ex01"]["publicAddress"] = True
    config[SERVERS]["ex02"]["publicAddress"] = True
    config[SERVERS]["ex03"] = {"computerName": "EX03", "address": "10.40.0.13", "externalAddress": "127.0.2.13"}


class Gallery:
    """A deployed stack, and previews of edits of its file, which are undone."""

    def __init__(self, rehearsal: Rehearsal, folder: Path, created: dict[str, Any]) -> None:
        self.rehearsal, self.folder, self.created = rehearsal, folder, created
        servers = rehearsal.stack.outputs()["servers"]
        self.public = {key: row["publicAddress"] for key, row in servers.items() if key != "ex03"}

    def preview(self, *edits: Edit, options: tuple[str, ...] = ()) -> dict[str, Any]:
        stack = self.rehearsal.stack
        was = stack.file.read_text(encoding="utf-8")
        try:
            for edit in edits:
                stack.change(edit)
            return stack.preview(*options)
        except CommandFailedError as error:
            # A failed preview is printed, too.
            found: dict[str, Any] = json.JSONDecoder().raw_decode(str(error).partition("\n")[2])[0]
            return found
        finally:
            stack.file.write_text(was, encoding="utf-8")

    def printed(self, *edits: Edit, options: tuple[str, ...] = ()) -> tuple[str, bool]:
        """What a preview prints for people, and whether it failed."""
        stack = self.rehearsal.stack
        was = stack.file.read_text(encoding="utf-8")
        try:
            for edit in edits:
                stack.change(edit)
            return stack.run("preview", "--stack", stack.name, *options), False
        except CommandFailedError as error:
            return str(error), True
        finally:
            stack.file.write_text(was, encoding="utf-8")

    def review(self, digest: dict[str, Any], *words: str) -> tuple[str, set[str], int]:
        """The Markdown, the names of what is refused, and the exit code."""
        file = self.folder / "preview.json"
        file.write_text(json.dumps(digest), encoding="utf-8")
        result = CliRunner().invoke(app, ["review", str(file), "--strict", *words])
        refused = re.search(r"^Refused: (.*?)\.", result.stderr)
        names = set(refused[1].split(", ")) if refused else set()
        for secret in (*self.rehearsal.file.secrets.values(), self.rehearsal.password):
            assert secret not in result.output
        return result.stdout, names, result.exit_code


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, rehearsals: Rehearsals) -> Iterator[Gallery]:
    folder = tmp_path_factory.mktemp("gallery")
    with rehearsals.fresh("lab", three_servers, folder) as rehearsal:
        created = rehearsal.stack.preview()
        rehearsal.stack.up()
        yield Gallery(rehearsal, folder, created)


def as_kept(gallery: Gallery, name: str, text: str) -> None:
    """The text is the kept one. Public addresses and free ports, which differ each time, are replaced by words."""
    farm = gallery.rehearsal.file.farm
    for port, word in ((farm.https_port, "HTTPS-PORT"), (farm.ssh.port, "SSH-PORT")):
        text = re.sub(rf"\b{port}\b", word, text)
    for key, server in gallery.public.items():
        text = text.replace(server, f"public-{key}")
    file = TEXTS / f"{name}.md"
    if os.environ.get("REVIEWS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def fourth(*, in_rotation: bool) -> Edit:
    row = {"computerName": "EX04", "address": "127.40.0.14", "publicAddress": True, "inRotation": in_rotation}
    return lambda config: config[SERVERS].update(ex04=row)


def out(*keys: str) -> Edit:
    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            config[SERVERS][key]["inRotation"] = False

    return edit


def back(key: str) -> Edit:
    return lambda config: config[SERVERS][key].update(inRotation=True)


def without(key: str) -> Edit:
    return lambda config: config[SERVERS].pop(key)


def put(**values: Any) -> Edit:
    return lambda config: config.update({f"{PROJECT}:{key}": value for key, value in values.items()})


def another_url(config: dict[str, Any]) -> None:
    config[NAMESPACE]["services"] = {"ews": {"externalUrl": "https://mail.example.com/EWS/Exchange.asmx"}}


def ttl(seconds: int) -> Edit:
    return lambda config: config[DNS].update(ttlSeconds=seconds)


def elsewhere(*keys: str) -> Edit:
    """These servers get external addresses that Azure does not manage."""

    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            config[SERVERS][key] |= {"publicAddress": False, "externalAddress": f"127.0.3.{int(key[-2:])}"}

    return edit


def no_gateway(config: dict[str, Any]) -> None:
    config[NETWORK]["natGateway"] = False


def other_clients(config: dict[str, Any]) -> None:
    config[NETWORK] |= {"clientSources": ["10.99.9.9"]}


def zone_of_others(config: dict[str, Any]) -> None:
    config[DNS]["private"] = {"existingResourceGroup": "dns"}


def test_the_first_preview_has_its_kept_review(gallery: Gallery) -> None:
    text, refused, code = gallery.review(gallery.created)
    as_kept(gallery, "create", text)
    assert (refused, code) == (set(), 0)


@pytest.mark.parametrize(
    ("name", "edits", "refused"),
    [
        pytest.param("nothing", (), set(), id="nothing"),
        pytest.param("url-change", (another_url,), set(), id="URL change"),
        pytest.param("server-added", (fourth(in_rotation=True),), {"enters-dns-as-made"}, id="server added"),
        pytest.param("server-added-out-of-rotation", (fourth(in_rotation=False),), set(), id="added, out of rotation"),
        pytest.param("drained", (out("ex02"),), set(), id="drained"),
        pytest.param(
            "two-of-three-drained", (out("ex02", "ex03"),), {"most-addresses-gone"}, id="two of three drained"
        ),
        pytest.param("removed-in-rotation", (without("ex03"),), {"serving-server-lost"}, id="removed in rotation"),
        pytest.param("zone-deleted", (zone_of_others,), {"zone-deleted"}, id="zone deleted"),
        pytest.param("ttl-of-an-hour", (ttl(3600), put(rotation={})), {"ttl-too-long"}, id="TTL of an hour"),
        pytest.param("ttl-of-five-minutes", (ttl(300), put(rotation={})), set(), id="TTL of five minutes"),
        pytest.param(
            "all-elsewhere", (elsewhere("ex01", "ex02", "ex03"),), {"no-address-left"}, id="all addresses exchanged"
        ),
        pytest.param("one-elsewhere", (elsewhere("ex03"),), set(), id="one of three addresses exchanged"),
        pytest.param("clients-shut-out", (other_clients,), {"clients-shut-out"}, id="other clients"),
        pytest.param("tags", (put(tags={"owner": "messaging"}),), set(), id="tags"),
    ],
)
def test_each_change_has_its_kept_review_and_unsafe_ones_are_refused_by_name(
    gallery: Gallery, name: str, edits: tuple[Edit, ...], refused: set[str]
) -> None:
    text, names, code = gallery.review(gallery.preview(*edits))
    as_kept(gallery, name, text)
    assert names == refused
    assert code == bool(refused)


def test_a_renamed_namespace_leaves_the_old_names_without_an_address(gallery: Gallery) -> None:
    renamed = gallery.preview(lambda config: config[NAMESPACE].update(domain="other.mail-domain.com"))
    text, refused, _ = gallery.review(renamed)
    as_kept(gallery, "renamed", text)
    assert refused == {"no-address-left", "zone-deleted"}
    accepted = ("--allow", "no-address-left=no client uses them", "--allow", "zone-deleted=it is a lab")
    _, refused, code = gallery.review(renamed, *accepted)
    assert (refused, code) == (set(), 0)


def test_a_rebuilt_server_in_rotation_is_refused_and_several_are_another_danger(gallery: Gallery) -> None:
    machine = gallery.rehearsal.stack.urn("cas-ex02-vm")
    text, refused, _ = gallery.review(gallery.preview(options=("--replace", machine)))
    as_kept(gallery, "rebuilt", text)
    assert refused == {"serving-server-lost"}
    text, refused, _ = gallery.review(gallery.preview(put(administrator="another")))
    as_kept(gallery, "all-rebuilt", text)
    assert refused == {"serving-server-lost", "several-servers-replaced"}


def test_a_replaced_public_address_is_refused_as_not_known_yet(gallery: Gallery) -> None:
    """An address that only gets other tags is safe: case `tags` above."""
    address = gallery.rehearsal.stack.urn("cas-ex02-ip")
    text, refused, _ = gallery.review(gallery.preview(options=("--replace", address)))
    as_kept(gallery, "address-replaced", text)
    assert refused == {"not-known-yet"}


def test_events_of_the_engine_give_the_same_addresses(gallery: Gallery) -> None:
    stack = gallery.rehearsal.stack
    stack.environment["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true"
    was = stack.file.read_text(encoding="utf-8")
    stack.change(fourth(in_rotation=True))
    try:
        file = gallery.folder / "events.json"
        file.write_text(stack.run("preview", "--json", "--stack", stack.name), encoding="utf-8")
    finally:
        del stack.environment["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"]
        stack.file.write_text(was, encoding="utf-8")
    result = CliRunner().invoke(app, ["review", str(file), "--strict"])
    assert result.exit_code == 1
    digested, _, _ = gallery.review(gallery.preview(fourth(in_rotation=True)))
    assert table(result.stdout) == table(digested)
    assert result.stderr.startswith("Refused: enters-dns-as-made.")


def test_the_policy_pack_stops_the_engine_and_names_the_policy(gallery: Gallery) -> None:
    """The engine also runs a program as a pack, so the Python host of a Pulumi installation is not needed."""
    pack = gallery.folder / "policies"
    python, policies = REPOSITORY / "policies" / ".venv" / "bin" / "python", REPOSITORY / "policies"
    assert python.exists(), "The policies have no environment; run: make policies"
    pack.write_text(f'#!/bin/sh\nexec {python} -u -m pulumi.policy "$1" {policies}\n', encoding="utf-8")
    pack.chmod(0o755)
    text, stopped = gallery.printed(ttl(300), put(rotation={}), options=("--policy-pack", str(pack)))
    assert not stopped, text
    text, stopped = gallery.printed(ttl(3600), put(rotation={}), options=("--policy-pack", str(pack)))
    assert stopped
    assert set(re.findall(r"\[mandatory\] +(\S+) ", text)) == {"ttl"}, text
    config = gallery.folder / "policies.json"
    config.write_text(json.dumps({"ttl": {"labels": ["mail"]}, "two-addresses": "advisory"}), encoding="utf-8")
    configured = ("--policy-pack", str(pack), "--policy-pack-config", str(config))
    text, stopped = gallery.printed(ttl(3600), put(rotation={}), out("ex02", "ex03"), options=configured)
    assert not stopped, text
    assert set(re.findall(r"\[(\w+)\] +(\S+) ", text)) == {("advisory", "two-addresses")}, text


def table(text: str) -> str:
    return text.partition("### Addresses")[2].partition("### ")[0]


def test_a_server_out_of_rotation_is_rebuilt_and_removed_safely(gallery: Gallery) -> None:
    """The last test here, because it changes the stack. Protected resources are not deleted."""
    stack = gallery.rehearsal.stack
    machine = stack.urn("cas-ex02-vm")
    stack.change(out("ex02"))
    stack.change(put(protect=True))
    stack.up()

    assert refusals(gallery, options=("--replace", machine)) == {"protected-deleted"}
    assert refusals(gallery, put(protect=False)) == set()
    assert refusals(gallery, put(protect=False), back("ex02")) == set(), "running a command again is not a deletion"
    assert refusals(gallery, put(protect=False), no_gateway) == {"protection-off-and-deletion"}
    assert refusals(gallery, no_gateway) == set()
    text, refused, code = gallery.review(gallery.preview(without("ex02")))
    as_kept(gallery, "protected-deleted", text)
    assert (refused, code) == ({"protected-deleted"}, 1)

    stack.change(put(protect=False))
    stack.up()
    text, refused, code = gallery.review(gallery.preview(options=("--replace", machine)))
    as_kept(gallery, "rebuilt-out-of-rotation", text)
    assert (refused, code) == (set(), 0)
    text, refused, code = gallery.review(gallery.preview(without("ex02")))
    as_kept(gallery, "removed-out-of-rotation", text)
    assert (refused, code) == (set(), 0)


def refusals(gallery: Gallery, *edits: Edit, options: tuple[str, ...] = ()) -> set[str]:
    return gallery.review(gallery.preview(*edits, options=options))[1]
