"""Labs without an engine: derived stack files, refusals, locks, secrets, renewal and expiry."""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from components import namespace
from operations.labs import command, locks
from operations.labs.lab_file import derive_config
from operations.labs.lab_state import LabState, find_foreign_zones, find_other_owner, find_protection, parse_state
from operations.labs.names import Lab, LabError, is_expired, lab_name
from operations.labs.project import LabProject, remove_torn_attributes
from operations.labs.up import bring_up, collect_secrets
from operations.stack import StackError
from rehearsal import stack_file
from rehearsal.tools import REPOSITORY
from stacks import arguments

pytestmark = pytest.mark.unit

EXISTING_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ANNA = Lab("anna")
TAGS = ANNA.tags("anna", NOW + timedelta(hours=72))
PASSWORD = "op3rator!Secret"  # noqa: S105 - opens nothing
GROUP = "/subscriptions/s/resourceGroups/exchange-cas-lab-anna"


@pytest.fixture
def base() -> dict[str, Any]:
    """The config block of stacks/Pulumi.lab.yaml."""
    found: dict[str, Any] = yaml.safe_load(stack_file.find_stack_file("lab").read_text(encoding="utf-8"))["config"]
    return found


def read_settings(config: Mapping[str, Any]) -> Any:
    secrets = {f"exchange-cas:{key}": "secret" for key in ("operatorPassword", "adminPassword")}
    return arguments.read_config_block({**config, **secrets})


def refusals(base: Mapping[str, Any], lab: Lab = ANNA, network: IPv4Network | None = None) -> list[str]:
    with pytest.raises(LabError) as caught:
        derive_config(base, lab, TAGS, network)
    return caught.value.problems


def test_two_labs_share_no_name_and_no_resource_group_and_their_stack_files_are_valid(base: dict[str, Any]) -> None:
    before = copy.deepcopy(base)
    farms = [read_settings(derive_config(base, Lab(name), Lab(name).tags(name, NOW), None)) for name in ("anna", "ben")]
    assert base == before
    seen = [
        {
            *namespace.client_names(farm.namespace).list_all(),
            farm.resource_group.name,
            *(server.computer_name for server in farm.servers.values()),
        }
        for farm in farms
    ]
    assert seen[0].isdisjoint(seen[1])
    assert "owa.anna.lab.mail-domain.com" in seen[0]
    assert dict(farms[0].tags) == {"purpose": "lab", "lab": "anna", "owner": "anna", "expires": "2026-11-24T04:00Z"}


def test_urls_in_the_base_move_below_the_labs_own_domain(base: dict[str, Any]) -> None:
    base["exchange-cas:namespace"]["services"] = {"owa": {"internalUrl": "https://mail.lab.mail-domain.com/owa"}}
    made = derive_config(base, ANNA, TAGS, None)
    owa = made["exchange-cas:namespace"]["services"]["owa"]["internalUrl"]
    assert owa == "https://mail.anna.lab.mail-domain.com/owa"


@pytest.mark.parametrize(("given", "hours"), [({"time": "2000"}, "2000"), (None, "1900")])
def test_every_lab_shuts_down_in_the_evening(base: dict[str, Any], given: object, hours: str) -> None:
    base["exchange-cas:autoShutdown"] = given
    assert read_settings(derive_config(base, ANNA, TAGS, None)).auto_shutdown.time == hours


def test_network_moves_every_address_to_the_same_place_in_the_labs_address_space(base: dict[str, Any]) -> None:
    farm = read_settings(derive_config(base, ANNA, TAGS, IPv4Network("10.77.0.0/16")))
    assert [server.address for server in farm.servers.values()] == ["10.77.0.11", "10.77.0.12"]
    assert (farm.network.address_space, farm.network.subnet_prefix) == ("10.77.0.0/16", "10.77.0.0/24")


def test_an_address_space_that_does_not_fit_is_refused(base: dict[str, Any]) -> None:
    assert "write a prefix of the same length, /16" in refusals(base, network=IPv4Network("10.77.0.0/24"))[0]
    subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
    base["exchange-cas:network"] = {"subnetId": subnet}
    assert "network.subnetId" in refusals(base, network=IPv4Network("10.77.0.0/16"))[0]


def test_everything_that_two_labs_cannot_share_is_refused_at_once(base: dict[str, Any]) -> None:
    base["exchange-cas:protect"] = True
    base["exchange-cas:resourceGroup"] = {"name": "there", "existing": True}
    base["exchange-cas:dns"] = {"private": {"existingResourceGroup": "dns"}}
    base["exchange-cas:servers"]["ex02"] |= {"existing": True, "hostKey": EXISTING_KEY}
    assert [row.partition(" = ")[0] for row in refusals(base)] == [
        "protect",
        "resourceGroup.existing",
        "dns.private.existingResourceGroup",
        "servers.ex02.existing",
    ]


def test_a_base_with_mistakes_is_refused_and_each_is_named(base: dict[str, Any]) -> None:
    base["exchange-cas:servers"]["ex01"]["address"] = "10.40.0.300"
    base["exchange-cas:vmsize"] = "x"
    found = refusals(base)
    assert any(row.startswith("servers.ex01.address = '10.40.0.300'") for row in found)
    assert any(row.startswith("vmsize") and "vmSize" in row for row in found)


def test_a_name_that_makes_a_computer_name_too_long_for_windows_is_refused(base: dict[str, Any]) -> None:
    assert "choose a NAME for the lab of at most 10" in refusals(base, Lab("elevenchars"))[0]
    derive_config(base, Lab("tencharact"), TAGS, None)


@pytest.mark.parametrize("name", ["", "Anna", "anna_b", "-anna", "anna-", "a" * 21, "a/b", "../prod"])
def test_an_invalid_name_is_refused_with_a_valid_example(name: str) -> None:
    with pytest.raises(LabError, match="lower-case letters, digits and inner hyphens"):
        Lab(name)


def test_only_stacks_named_lab_something_are_labs() -> None:
    assert [lab_name(stack) for stack in ("lab-anna", "org/exchange-cas/lab-anna", "lab", "prod", "lab-")] == [
        "anna",
        "anna",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("tag", "over"),
    [("2026-11-24T03:59Z", True), ("2026-11-24T04:01Z", False), ("soon", False), ("", False)],
)
def test_a_lab_expires_at_its_time_and_never_by_an_unreadable_tag(tag: str, over: bool) -> None:
    assert is_expired({"expires": tag}, NOW) is over


# --- what lab up and lab down refuse ---


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:lab-anna::exchange-cas::{kind}::{name}", "type": kind, **more}


def deployment(*rows: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> LabState:
    operations = [{"type": "creating", "resource": row} for row in pending]
    return parse_state({"deployment": {"resources": list(rows), "pending_operations": operations}})


def zone(domain: str = "anna.lab.mail-domain.com", tags: Mapping[str, str] = TAGS, **more: Any) -> dict[str, Any]:
    id = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{domain}"
    inputs = {"privateZoneName": domain, "tags": dict(tags)}
    return resource("azure-native:privatedns:PrivateZone", "cas-private-zone", **{"id": id, "inputs": inputs, **more})


def foreign(known: LabState, *in_azure: str, tags: Mapping[str, str] | None = None) -> list[str]:
    there = {id: tags or {} for id in in_azure}
    return list(find_foreign_zones(known, ANNA, "exchange-cas-lab-anna", there))


def test_the_labs_own_zone_is_not_refused_created_or_interrupted() -> None:
    made = zone()
    assert foreign(deployment(made), made["id"].upper()) == []
    interrupted = {name: value for name, value in made.items() if name != "id"}
    assert foreign(deployment(pending=(interrupted,)), made["id"]) == []


@pytest.mark.parametrize(
    "row",
    [
        zone(external=True),
        zone(importID="x"),
        zone(tags={"purpose": "prod"}),
        zone(id="/subscriptions/s/resourceGroups/dns/providers/Microsoft.Network/privateDnsZones/mail-domain.com"),
    ],
    ids=["read", "imported", "without the lab's tag", "in another resource group"],
)
def test_a_zone_that_the_stack_did_not_create_is_named_with_the_remedy(row: dict[str, Any]) -> None:
    (problem,) = foreign(deployment(row))
    assert "did not create it" in problem
    assert "pulumi state delete" in problem


def test_record_sets_in_a_foreign_zone_are_refused() -> None:
    inputs = {"zoneName": "mail-domain.com", "relativeRecordSetName": "owa"}
    (problem,) = foreign(deployment(resource("azure-native:dns:RecordSet", "cas-owa-a", id="x", inputs=inputs)))
    assert problem.startswith("zone mail-domain.com: the stack has record sets in it but did not create it")


def test_a_zone_that_somebody_put_into_the_resource_group_is_refused() -> None:
    (problem,) = foreign(deployment(zone()), f"{GROUP}/providers/Microsoft.Network/dnszones/mail-domain.com")
    assert problem.startswith("zone mail-domain.com: exchange-cas-lab-anna holds it")


def test_the_tag_tells_a_zone_that_the_state_has_lost_from_a_foreign_one() -> None:
    lost = zone()["id"]
    assert foreign(deployment(), lost, tags=TAGS) == []
    assert len(foreign(deployment(), lost, tags=Lab("ben").tags("ben", NOW))) == 1


def test_a_protected_resource_or_a_protected_file_is_one_problem() -> None:
    (problem,) = find_protection(deployment(zone(protect=True)), {"exchange-cas:protect": True})
    assert problem.startswith("protect = True (cas-private-zone)")
    assert list(find_protection(deployment(zone()), {})) == []


def test_another_owners_tag_is_one_problem_until_the_lab_expires() -> None:
    assert list(find_other_owner([{}, TAGS], "anna", NOW)) == []
    (problem,) = find_other_owner([{}, TAGS, TAGS], "ben", NOW)
    assert "tag owner = 'anna', you are 'ben'" in problem
    assert list(find_other_owner([TAGS], "ben", NOW + timedelta(hours=73))) == []


# --- locks ---


def is_held(host: str, pid: int, since: datetime, now: datetime) -> bool:
    """Whether Pulumi's message about this lock names a run that may go on."""
    time = since.isoformat(timespec="seconds").replace("+00:00", "Z")
    message = (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete "
    )
    message += f"the lock file with `pulumi cancel`.\n  file:///x.json: created by root@{host} (pid {pid}) at {time}"
    running = locks.find_running_holders(message, now)
    assert running in ([], [f"created by root@{host} (pid {pid}) at {time}"])
    return bool(running)


def test_the_lock_of_a_process_that_has_ended_is_abandoned(dead_process: int) -> None:
    here, now = socket.gethostname(), datetime.now(UTC)
    assert is_held(here, os.getpid(), now, now)
    assert not is_held(here, dead_process, now, now)
    assert not is_held(here, os.getpid(), now - timedelta(days=300), now), "another process has reused the number"


def test_the_lock_of_another_computer_is_abandoned_after_the_longest_run() -> None:
    assert is_held("elsewhere", 1, NOW - timedelta(hours=3), NOW)
    assert not is_held("elsewhere", 1, NOW - timedelta(hours=5), NOW)


def test_a_lock_without_a_holder_counts_as_held() -> None:
    message = "error: [409] Conflict: Another update is currently in progress."
    assert locks.find_running_holders(message, NOW) == [message]


def test_a_half_written_attrs_file_is_removed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks = tmp_path / "a b" / ".pulumi" / "stacks" / "exchange-cas"
    stacks.mkdir(parents=True)
    contents = {"lab-anna.json": "{}", "lab-anna.json.attrs": "", "prod.json.attrs": '{"md5": ""}', "prod.json": ""}
    for name, text in contents.items():
        (stacks / name).write_text(text, encoding="utf-8")
    remove_torn_attributes((tmp_path / "a b").as_uri().replace("file:", "azblob:"))
    assert {path.name for path in stacks.iterdir()} == contents.keys(), "backends in a cloud stay as they are"
    remove_torn_attributes((tmp_path / "a b").as_uri())
    assert {path.name for path in stacks.iterdir()} == contents.keys() - {"lab-anna.json.attrs"}
    message = "lab-anna.json.attrs was half written by a run that was killed: removed\n"
    assert capsys.readouterr() == ("", message), "standard output is for the list of expired labs"


# --- secrets ---


class RecordedProject(LabProject):
    """A project that does not run `pulumi`: `asked` holds its words and its standard input."""

    asked: list[tuple[tuple[str, ...], str]]

    def ask(self, *words: str, given: str = "") -> str:
        self.asked.append((words, given))
        answers = {"config": f"{PASSWORD}\n", "whoami": "{}"}
        return answers.get(words[0], "[]")


def recorded(folder: Path, environment: Mapping[str, str]) -> RecordedProject:
    made = RecordedProject(folder=folder, environment=environment)
    object.__setattr__(made, "asked", [])
    return made


def test_a_password_comes_from_the_environment_or_the_base_stack_and_the_administrators_is_generated(
    tmp_path: Path,
) -> None:
    given = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    secrets = collect_secrets(given, ANNA, {}, {})
    assert secrets["operatorPassword"] == PASSWORD
    assert len(secrets["adminPassword"]) >= 12
    assert secrets["adminPassword"] != collect_secrets(given, ANNA, {}, {})["adminPassword"]
    inherited = recorded(tmp_path, {})
    found = collect_secrets(inherited, ANNA, {}, {"exchange-cas:operatorPassword": {"secure": "v1:x"}})
    assert found["operatorPassword"] == PASSWORD
    assert collect_secrets(inherited, ANNA, {f"exchange-cas:{key}": {} for key in found}, {}) == {}


def test_without_a_password_and_a_terminal_lab_up_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(LabError, match="operatorPassword: is missing; set LAB_OPERATOR_PASSWORD"):
        collect_secrets(recorded(tmp_path, {}), ANNA, {}, {})


def test_secrets_reach_pulumi_on_standard_input_and_never_a_file_or_a_command_line(
    tmp_path: Path, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: exchange-cas\nstackConfigDir: stacks\n", encoding="utf-8")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.lab.yaml").write_text(
        yaml.safe_dump({"secretsprovider": "azurekeyvault://v", "config": base}), encoding="utf-8"
    )
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(locks, "run_update", lambda *words, **_: ran.append(words))
    project = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    bring_up(project, ANNA, owner="anna", hours=72, network=None, now=NOW)
    assert (("config", "set", "--secret", "operatorPassword", "--stack", "lab-anna"), PASSWORD) in project.asked
    assert not any(PASSWORD in word for words, _ in project.asked for word in words)
    assert {given for words, given in project.asked if "set" not in words} == {""}
    assert {len(words) for words, _ in project.asked if "set" in words} == {6}, "no value is among the words"
    assert PASSWORD not in (tmp_path / "stacks" / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    (init,) = [words for words, _ in project.asked if words[:2] == ("stack", "init")]
    assert init[-2:] == ("--secrets-provider", "azurekeyvault://v"), "the base's key vault encrypts for its labs"
    assert ran[0][0] == "up"


# --- a lab that exists already ---


def project_with_lab(
    folder: Path, monkeypatch: pytest.MonkeyPatch, known: LabState, config: Mapping[str, Any] | None
) -> RecordedProject:
    """A project whose backend has the stack lab-anna with this state, and its stack file if `config` is given."""
    (folder / "Pulumi.yaml").write_text("name: exchange-cas\n", encoding="utf-8")
    if config is not None:
        (folder / "Pulumi.lab-anna.yaml").write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
    monkeypatch.setattr(LabProject, "list_stacks", lambda _: {"lab-anna": NOW})
    monkeypatch.setattr(LabProject, "read_state", lambda *_: known)
    return recorded(folder, {"LAB_OPERATOR_PASSWORD": PASSWORD})


def test_another_owner_a_new_network_and_an_imported_zone_are_refused_at_a_renewal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = derive_config(base, ANNA, TAGS, None)
    project = project_with_lab(tmp_path, monkeypatch, deployment(zone(tags={})), made)
    before = (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    with pytest.raises(LabError) as caught:
        bring_up(project, ANNA, owner="ben", hours=72, network=IPv4Network("10.77.0.0/16"), now=NOW)
    assert [row.partition(" ")[0] for row in caught.value.problems] == ["tag", "zone", "--network"]
    assert (project.asked, (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")) == ([], before)


def test_a_lab_whose_stack_file_is_on_another_computer_is_not_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_lab(tmp_path, monkeypatch, deployment(), None)
    with pytest.raises(LabError, match="it was made on another computer"):
        bring_up(project, ANNA, owner="anna", hours=72, network=None, now=NOW)
    assert project.asked == []


def test_a_renewal_keeps_edits_of_the_labs_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = {**derive_config(base, ANNA, TAGS, None), "exchange-cas:vmSize": "edited"}
    project = project_with_lab(tmp_path, monkeypatch, deployment(zone()), made)
    monkeypatch.setattr(locks, "run_update", lambda *_, **__: None)
    bring_up(project, ANNA, owner="anna", hours=100, network=None, now=NOW)
    config = project.read_config("lab-anna")
    assert config == {**made, "exchange-cas:tags": {**made["exchange-cas:tags"], "expires": "2026-11-28T08:00Z"}}
    assert not any(words[:2] == ("stack", "init") for words, _ in project.asked)


def test_only_a_refusal_tells_the_workflow_to_leave_the_lab_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert CliRunner().invoke(command.app, ["up", "anna", "--cwd", str(tmp_path / "none")]).exit_code == 2
    assert not outputs.exists()
    assert CliRunner().invoke(command.app, ["up", "Anna"]).exit_code == 1
    assert outputs.read_text(encoding="utf-8") == "refused=true\n"


@pytest.mark.parametrize("word", ["up", "down"])
def test_make_runs_the_documented_commands(word: str) -> None:
    found = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", f"lab-{word}", "NAME=anna", "OPTIONS=--owner ben"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == f'.venv/bin/python -m operations lab {word} "anna" --owner ben'


# --- expired labs ---


def test_expired_labs_are_listed_and_no_other_stack(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    now = datetime.now(UTC)
    past, future = (Lab("x").tags("anna", now + timedelta(hours=hours)) for hours in (-1, 1))
    group = "azure-native:resources:ResourceGroup"
    known = {
        "prod": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-over": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-interrupted": deployment(pending=(resource(group, "cas-group", inputs={"tags": past}),)),
        "lab-wanted": deployment(resource(group, "cas-group", inputs={"tags": future})),
        "lab-empty": deployment(),
        "lab-new": deployment(),
    }
    changed = {"lab-new": now, "lab-empty": now - timedelta(days=9)}
    monkeypatch.setattr(LabProject, "list_stacks", lambda _: {name: changed.get(name) for name in known})
    monkeypatch.setattr(LabProject, "read_state", lambda _, name: known[name])
    monkeypatch.setattr(LabProject, "read_config", lambda *_: {})
    command.list_expired(LabProject(folder=Path(), environment={}))
    assert capsys.readouterr().out.split() == ["over", "interrupted", "empty"]


def test_an_unreadable_lab_hides_no_other_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    past = Lab("x").tags("anna", datetime.now(UTC) - timedelta(hours=1))
    over = deployment(resource("azure-native:resources:ResourceGroup", "cas-group", inputs={"tags": past}))

    def read_state(_: LabProject, stack: str) -> LabState:
        if stack == "lab-torn":
            raise StackError("pulumi stack export ended with 255: error: EOF")
        return over

    monkeypatch.setattr(LabProject, "list_stacks", lambda _: dict.fromkeys(["lab-anna", "lab-torn", "lab-zoe"]))
    monkeypatch.setattr(LabProject, "read_state", read_state)
    result = CliRunner().invoke(command.app, ["expired"])
    assert (result.exit_code, result.stdout.split()) == (2, ["anna", "zoe"])
    assert "error: EOF" in result.stderr
    assert "torn" in result.stderr.splitlines()[-1]
