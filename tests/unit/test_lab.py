"""Labs without an engine: what a lab is made of, what it refuses to be, and what keeps it from going."""

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
from operations.labs import backend, command, engine, file, state, up
from operations.labs.names import Lab, LabError, expired, lab_of
from operations.labs.project import Project
from operations.stack import StackError
from rehearsal import stack_file
from rehearsal.tools import REPOSITORY
from stacks import arguments

pytestmark = pytest.mark.unit

EXISTING_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ANNA = Lab("anna")
TAGS = ANNA.tags("anna", NOW + timedelta(hours=72))
PASSWORD = "op3rator!Secret"  # noqa: S105 - none that opens anything
GROUP = "/subscriptions/s/resourceGroups/exchange-cas-lab-anna"


@pytest.fixture
def base() -> dict[str, Any]:
    """The repository's own, as it is."""
    found: dict[str, Any] = yaml.safe_load(stack_file.path_of("lab").read_text(encoding="utf-8"))["config"]
    return found


def read(config: Mapping[str, Any]) -> Any:
    secrets = {f"exchange-cas:{key}": "secret" for key in ("operatorPassword", "adminPassword")}
    return arguments.read_config_block({**config, **secrets})


def problems(base: Mapping[str, Any], lab: Lab = ANNA, network: IPv4Network | None = None) -> list[str]:
    with pytest.raises(LabError) as caught:
        file.made(base, lab, TAGS, network)
    return caught.value.problems


def test_a_lab_shares_no_name_and_no_resource_group_with_another_and_is_a_good_stack_file(base: dict[str, Any]) -> None:
    before = copy.deepcopy(base)
    farms = [read(file.made(base, Lab(name), Lab(name).tags(name, NOW), None)) for name in ("anna", "ben")]
    assert base == before
    seen = [
        {
            *namespace.client_names(farm.namespace).every(),
            farm.resource_group.name,
            *(server.computer_name for server in farm.servers.values()),
        }
        for farm in farms
    ]
    assert seen[0].isdisjoint(seen[1])
    assert "owa.anna.lab.mail-domain.com" in seen[0]
    assert dict(farms[0].tags) == {"purpose": "lab", "lab": "anna", "owner": "anna", "expires": "2026-11-24T04:00Z"}


def test_urls_that_were_written_out_are_below_the_labs_own_domain_too(base: dict[str, Any]) -> None:
    base["exchange-cas:namespace"]["services"] = {"owa": {"internalUrl": "https://mail.lab.mail-domain.com/owa"}}
    made = file.made(base, ANNA, TAGS, None)
    owa = made["exchange-cas:namespace"]["services"]["owa"]["internalUrl"]
    assert owa == "https://mail.anna.lab.mail-domain.com/owa"


@pytest.mark.parametrize(("given", "hours"), [({"time": "2000"}, "2000"), (None, "1900")])
def test_every_lab_shuts_down_in_the_evening(base: dict[str, Any], given: object, hours: str) -> None:
    base["exchange-cas:autoShutdown"] = given
    assert read(file.made(base, ANNA, TAGS, None)).auto_shutdown.time == hours


def test_a_lab_in_an_address_space_of_its_own_has_every_address_in_its_place_there(base: dict[str, Any]) -> None:
    farm = read(file.made(base, ANNA, TAGS, IPv4Network("10.77.0.0/16")))
    assert [server.address for server in farm.servers.values()] == ["10.77.0.11", "10.77.0.12"]
    assert (farm.network.address_space, farm.network.subnet_prefix) == ("10.77.0.0/16", "10.77.0.0/24")


def test_an_address_space_that_does_not_fit_is_refused(base: dict[str, Any]) -> None:
    assert "write a prefix of the same length, /16" in problems(base, network=IPv4Network("10.77.0.0/24"))[0]
    subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
    base["exchange-cas:network"] = {"subnetId": subnet}
    assert "network.subnetId" in problems(base, network=IPv4Network("10.77.0.0/16"))[0]


def test_all_that_no_two_labs_can_share_is_refused_at_once(base: dict[str, Any]) -> None:
    base["exchange-cas:protect"] = True
    base["exchange-cas:resourceGroup"] = {"name": "there", "existing": True}
    base["exchange-cas:dns"] = {"private": {"existingResourceGroup": "dns"}}
    base["exchange-cas:servers"]["ex02"] |= {"existing": True, "hostKey": EXISTING_KEY}
    assert [row.partition(" = ")[0] for row in problems(base)] == [
        "protect",
        "resourceGroup.existing",
        "dns.private.existingResourceGroup",
        "servers.ex02.existing",
    ]


def test_a_base_with_mistakes_is_refused_with_each_of_them(base: dict[str, Any]) -> None:
    base["exchange-cas:servers"]["ex01"]["address"] = "10.40.0.300"
    base["exchange-cas:vmsize"] = "x"
    found = problems(base)
    assert any(row.startswith("servers.ex01.address = '10.40.0.300'") for row in found)
    assert any(row.startswith("vmsize") and "vmSize" in row for row in found)


def test_a_name_that_makes_a_computer_name_too_long_for_windows_is_refused(base: dict[str, Any]) -> None:
    assert "choose a NAME for the lab of at most 10" in problems(base, Lab("elevenchars"))[0]
    file.made(base, Lab("tencharact"), TAGS, None)


@pytest.mark.parametrize("name", ["", "Anna", "anna_b", "-anna", "anna-", "a" * 21, "a/b", "../prod"])
def test_a_name_that_cannot_be_one_is_refused_with_what_to_write(name: str) -> None:
    with pytest.raises(LabError, match="lower-case letters, digits and inner hyphens"):
        Lab(name)


def test_only_stacks_of_labs_are_labs() -> None:
    assert [lab_of(stack) for stack in ("lab-anna", "org/exchange-cas/lab-anna", "lab", "prod", "lab-")] == [
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
def test_a_lab_is_over_at_its_time_and_never_by_a_tag_that_cannot_be_read(tag: str, over: bool) -> None:
    assert expired({"expires": tag}, NOW) is over


# --- what keeps a lab from going ---


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:lab-anna::exchange-cas::{kind}::{name}", "type": kind, **more}


def deployment(*rows: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> state.State:
    operations = [{"type": "creating", "resource": row} for row in pending]
    return state.read({"deployment": {"resources": list(rows), "pending_operations": operations}})


def zone(domain: str = "anna.lab.mail-domain.com", tags: Mapping[str, str] = TAGS, **more: Any) -> dict[str, Any]:
    id = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{domain}"
    inputs = {"privateZoneName": domain, "tags": dict(tags)}
    return resource("azure-native:privatedns:PrivateZone", "cas-private-zone", **{"id": id, "inputs": inputs, **more})


def foreign(known: state.State, *in_azure: str, tags: Mapping[str, str] | None = None) -> list[str]:
    there = {id: tags or {} for id in in_azure}
    return list(state.foreign_zones(known, ANNA, "exchange-cas-lab-anna", there))


def test_its_own_zone_is_no_hindrance_made_or_broken_off() -> None:
    made = zone()
    assert foreign(deployment(made), made["id"].upper()) == []
    broken_off = {name: value for name, value in made.items() if name != "id"}
    assert foreign(deployment(pending=(broken_off,)), made["id"]) == []


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
def test_a_zone_that_the_stack_did_not_make_is_named_with_the_way_out(row: dict[str, Any]) -> None:
    (problem,) = foreign(deployment(row))
    assert "did not make it" in problem
    assert "pulumi state delete" in problem


def test_record_sets_in_a_zone_of_anothers_are_named() -> None:
    inputs = {"zoneName": "mail-domain.com", "relativeRecordSetName": "owa"}
    (problem,) = foreign(deployment(resource("azure-native:dns:RecordSet", "cas-owa-a", id="x", inputs=inputs)))
    assert problem.startswith("zone mail-domain.com: it is another's")


def test_a_zone_that_somebody_put_into_the_resource_group_is_named() -> None:
    (problem,) = foreign(deployment(zone()), f"{GROUP}/providers/Microsoft.Network/dnszones/mail-domain.com")
    assert problem.startswith("zone mail-domain.com: exchange-cas-lab-anna holds it")


def test_a_zone_that_the_state_has_lost_is_known_by_its_tag() -> None:
    lost = zone()["id"]
    assert foreign(deployment(), lost, tags=TAGS) == []
    assert len(foreign(deployment(), lost, tags=Lab("ben").tags("ben", NOW))) == 1


def test_a_protected_resource_or_a_protected_file_is_one_problem() -> None:
    (problem,) = state.protected(deployment(zone(protect=True)), {"exchange-cas:protect": True})
    assert problem.startswith("protect = True (cas-private-zone)")
    assert list(state.protected(deployment(zone()), {})) == []


def test_another_owner_wherever_the_tag_is_written_is_one_problem_until_the_time_is_over() -> None:
    assert list(state.foreign_owner([{}, TAGS], "anna", NOW)) == []
    (problem,) = state.foreign_owner([{}, TAGS, TAGS], "ben", NOW)
    assert "tag owner = 'anna', you are 'ben'" in problem
    assert list(state.foreign_owner([TAGS], "ben", NOW + timedelta(hours=73))) == []


# --- locks ---


def lock(host: str, pid: int, at: datetime) -> engine.Lock:
    text = f"the stack is currently locked by 1 lock(s).\n  file:///x.json: created by root@{host} (pid {pid}) at "
    (found,) = engine.locks(text + at.isoformat(timespec="seconds").replace("+00:00", "Z"))
    return found


def test_a_lock_of_a_process_that_is_no_more_does_not_stand(dead: int) -> None:
    here, now = socket.gethostname(), datetime.now(UTC)
    assert lock(here, os.getpid(), now).stands(now)
    assert not lock(here, dead, now).stands(now)
    assert not lock(here, os.getpid(), now - timedelta(days=300)).stands(now), "the number is another process's by now"


def test_a_lock_of_another_computer_stands_for_as_long_as_a_run_may_take() -> None:
    assert lock("elsewhere", 1, NOW - timedelta(hours=3)).stands(NOW)
    assert not lock("elsewhere", 1, NOW - timedelta(hours=5)).stands(NOW)


def test_what_a_killed_run_left_half_written_beside_a_state_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    stacks = tmp_path / "a b" / ".pulumi" / "stacks" / "exchange-cas"
    stacks.mkdir(parents=True)
    contents = {"lab-anna.json": "{}", "lab-anna.json.attrs": "", "prod.json.attrs": '{"md5": ""}', "prod.json": ""}
    for name, text in contents.items():
        (stacks / name).write_text(text, encoding="utf-8")
    said: list[str] = []
    backend.heal((tmp_path / "a b").as_uri(), said.append)
    backend.heal("azblob://state", said.append)
    assert {path.name for path in stacks.iterdir()} == contents.keys() - {"lab-anna.json.attrs"}
    assert len(said) == 1


# --- secrets ---


class Recorded(Project):
    """A project whose `pulumi` is not run: `asked` has its words and what it was given."""

    asked: list[tuple[tuple[str, ...], str]]

    def ask(self, *words: str, given: str = "") -> str:
        self.asked.append((words, given))
        answers = {"config": f"{PASSWORD}\n", "whoami": "{}"}
        return answers.get(words[0], "[]")


def recorded(folder: Path, environment: Mapping[str, str]) -> Recorded:
    made = Recorded(folder=folder, environment=environment)
    object.__setattr__(made, "asked", [])
    return made


def test_a_password_comes_from_the_environment_or_the_base_stack_and_the_administrators_is_made_up(
    tmp_path: Path,
) -> None:
    given = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    secrets = up.wanted(given, ANNA, {}, {})
    assert secrets["operatorPassword"] == PASSWORD
    assert len(secrets["adminPassword"]) >= 12
    assert secrets["adminPassword"] != up.wanted(given, ANNA, {}, {})["adminPassword"]
    inherited = recorded(tmp_path, {})
    found = up.wanted(inherited, ANNA, {}, {"exchange-cas:operatorPassword": {"secure": "v1:x"}})
    assert found["operatorPassword"] == PASSWORD
    assert up.wanted(inherited, ANNA, {f"exchange-cas:{key}": {} for key in found}, {}) == {}


def test_without_a_password_and_a_terminal_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(LabError, match="operatorPassword: is missing; set LAB_OPERATOR_PASSWORD"):
        up.wanted(recorded(tmp_path, {}), ANNA, {}, {})


def test_secrets_reach_pulumi_on_standard_input_and_no_file_or_command_line(
    tmp_path: Path, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: exchange-cas\nstackConfigDir: stacks\n", encoding="utf-8")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.lab.yaml").write_text(
        yaml.safe_dump({"secretsprovider": "azurekeyvault://v", "config": base}), encoding="utf-8"
    )
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(engine, "run", lambda *words, **_: ran.append(words))
    project = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    up.up(project, ANNA, me="anna", hours=72, network=None, now=NOW)
    assert (("config", "set", "--secret", "operatorPassword", "--stack", "lab-anna"), PASSWORD) in project.asked
    assert not any(PASSWORD in word for words, _ in project.asked for word in words)
    assert {given for words, given in project.asked if "set" not in words} == {""}
    assert {len(words) for words, _ in project.asked if "set" in words} == {6}, "no value is among the words"
    assert PASSWORD not in (tmp_path / "stacks" / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    (init,) = [words for words, _ in project.asked if words[:2] == ("stack", "init")]
    assert init[-2:] == ("--secrets-provider", "azurekeyvault://v"), "the base's key vault encrypts for its labs"
    assert ran[0][0] == "up"


# --- a lab that is there already ---


def there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, known: state.State, config: Mapping[str, Any] | None
) -> Recorded:
    """A project whose backend has the stack lab-anna, with that state, and with its file where there is a `config`."""
    (folder / "Pulumi.yaml").write_text("name: exchange-cas\n", encoding="utf-8")
    if config is not None:
        (folder / "Pulumi.lab-anna.yaml").write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
    monkeypatch.setattr(Project, "stacks", lambda _: {"lab-anna": NOW})
    monkeypatch.setattr(Project, "state", lambda *_: known)
    return recorded(folder, {"LAB_OPERATOR_PASSWORD": PASSWORD})


def test_a_lab_that_is_there_is_not_renewed_by_another_nor_moved_nor_with_a_zone_that_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = file.made(base, ANNA, TAGS, None)
    project = there(tmp_path, monkeypatch, deployment(zone(tags={})), made)
    before = (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    with pytest.raises(LabError) as caught:
        up.up(project, ANNA, me="ben", hours=72, network=IPv4Network("10.77.0.0/16"), now=NOW)
    assert [row.partition(" ")[0] for row in caught.value.problems] == ["tag", "zone", "--network"]
    assert (project.asked, (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")) == ([], before)


def test_a_lab_whose_file_is_on_another_computer_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = there(tmp_path, monkeypatch, deployment(), None)
    with pytest.raises(LabError, match="it was made on another computer"):
        up.up(project, ANNA, me="anna", hours=72, network=None, now=NOW)
    assert project.asked == []


def test_its_owner_renews_a_lab_and_keeps_what_was_edited_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = {**file.made(base, ANNA, TAGS, None), "exchange-cas:vmSize": "edited"}
    project = there(tmp_path, monkeypatch, deployment(zone()), made)
    monkeypatch.setattr(engine, "run", lambda *_, **__: None)
    up.up(project, ANNA, me="anna", hours=100, network=None, now=NOW)
    config = project.config("lab-anna")
    assert config == {**made, "exchange-cas:tags": {**made["exchange-cas:tags"], "expires": "2026-11-28T08:00Z"}}
    assert not any(words[:2] == ("stack", "init") for words, _ in project.asked)


def test_only_a_lab_that_is_refused_is_left_alone_by_the_steps_that_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(told))
    assert CliRunner().invoke(command.app, ["up", "anna", "--cwd", str(tmp_path / "none")]).exit_code == 2
    assert not told.exists()
    assert CliRunner().invoke(command.app, ["up", "Anna"]).exit_code == 1
    assert told.read_text(encoding="utf-8") == "refused=true\n"


@pytest.mark.parametrize("word", ["up", "down"])
def test_the_words_of_make_are_the_commands(word: str) -> None:
    found = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", f"lab-{word}", "NAME=anna", "OPTIONS=--owner ben"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == f'.venv/bin/python -m operations lab {word} "anna" --owner ben'


# --- labs that somebody forgot ---


def test_forgotten_labs_are_named_and_no_other_stack(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    now = datetime.now(UTC)
    past, future = (Lab("x").tags("anna", now + timedelta(hours=hours)) for hours in (-1, 1))
    group = "azure-native:resources:ResourceGroup"
    known = {
        "prod": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-over": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-broken-off": deployment(pending=(resource(group, "cas-group", inputs={"tags": past}),)),
        "lab-wanted": deployment(resource(group, "cas-group", inputs={"tags": future})),
        "lab-empty": deployment(),
        "lab-new": deployment(),
    }
    changed = {"lab-new": now, "lab-empty": now - timedelta(days=9)}
    monkeypatch.setattr(Project, "stacks", lambda _: {name: changed.get(name) for name in known})
    monkeypatch.setattr(Project, "state", lambda _, name: known[name])
    monkeypatch.setattr(Project, "config", lambda *_: {})
    command.forgotten(Project(folder=Path(), environment={}))
    assert capsys.readouterr().out.split() == ["over", "broken-off", "empty"]


def test_a_lab_that_cannot_be_read_hides_no_other_and_is_never_fine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    past = Lab("x").tags("anna", datetime.now(UTC) - timedelta(hours=1))
    over = deployment(resource("azure-native:resources:ResourceGroup", "cas-group", inputs={"tags": past}))

    def read(_: Project, stack: str) -> state.State:
        if stack == "lab-torn":
            raise StackError("pulumi stack export ended with 255: error: EOF")
        return over

    monkeypatch.setattr(Project, "stacks", lambda _: dict.fromkeys(["lab-anna", "lab-torn", "lab-zoe"]))
    monkeypatch.setattr(Project, "state", read)
    told = CliRunner().invoke(command.app, ["expired"])
    assert (told.exit_code, told.stdout.split()) == (2, ["anna", "zoe"])
    assert "error: EOF" in told.stderr
    assert "torn" in told.stderr.splitlines()[-1]
