"""What `adopt` looks up in Azure, what it writes for `pulumi import`, and how it judges what it found."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pulumi_azure_native import dns
from rich.console import Console
from typer.testing import CliRunner, Result

from operations.__main__ import app
from operations.adopt import command, report
from operations.adopt.azure_program.__main__ import getter_name, input_name, look_up
from operations.adopt.changes import format_setting
from operations.adopt.import_file import select_resources
from operations.adopt.search import Adoption, Search
from operations.adopt.stack_copy import StackCopy
from operations.result import State, exit_code
from operations.review.preview import UNKNOWNS
from rehearsal.stand_ins.azure_native.resource_types import RESOURCE_TYPES
from tests.unit.previews import UNKNOWN

pytestmark = pytest.mark.unit

BASE = "urn:pulumi:lab::exchange-cas::exchange-cas:index:ClientAccessFarm"
RECORDS = f"{BASE}$exchange-cas:index:NamespaceRecords"
ZONE = f"{RECORDS}$azure-native:dns:Zone::cas-public-zone"
OWA = f"{RECORDS}$azure-native:dns:RecordSet::cas-owa-a"
NAMED: dict[str, Any] = {"zoneName": "mail-domain.com"}
SKELETON: dict[str, Any] = {
    "nameTable": {"cas": f"{BASE}::cas"},
    "resources": [
        {
            "type": "exchange-cas:index:NamespaceRecords",
            "name": "casNamespaceRecords",
            "parent": "cas",
            "component": True,
            "logicalName": "cas",
        },
        {"type": "exchange-cas:index:Network", "name": "casNetwork", "parent": "cas", "logicalName": "cas"},
        {"type": "azure-native:dns:Zone", "name": "cas-public-zone", "id": "?", "parent": "casNamespaceRecords"},
        {"type": "azure-native:dns:RecordSet", "name": "cas-owa-a", "id": "?", "parent": "casNamespaceRecords"},
        {"type": "command:remote:Command", "name": "cas-ex01-namespace", "id": "?", "parent": "cas"},
    ],
}


def step(urn: str, operation: str, *, now: Mapping[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    new = {"type": urn.split("::")[2].rpartition("$")[2], "inputs": inputs}
    old = {"oldState": {"inputs": now}} if now else {}
    changed = [name for name in inputs if now and now.get(name) != inputs[name]]
    return {"urn": urn, "op": operation, "newState": new, "diffReasons": changed, **old}


class FakeCopy(StackCopy):
    """A copy with given previews, one list of steps for each."""

    name = "lab"

    def __init__(self, exists: Mapping[str, Any], *previews: list[dict[str, Any]]) -> None:
        self.exists, self._previews = exists, list(previews)
        self.asked: list[set[str]] = []
        self.adopted: list[dict[str, Any]] = []

    def preview(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"steps": self._previews.pop(0)}, SKELETON

    def look_up(self, questions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        self.asked.append(set(questions))
        return {urn: self.exists.get(urn, {"id": None}) for urn in questions}

    def adopt(self, file: Mapping[str, Any]) -> None:
        self.adopted.append(dict(file))


Typed = Callable[[FakeCopy, Path], Result]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """`typed(copy, file)`: the command as it is typed, for a stack that has this copy."""

    def run(copy: FakeCopy, file: Path) -> Result:
        monkeypatch.setattr(command, "StackCopy", lambda *_: copy)
        return CliRunner().invoke(app, ["adopt", "--stack", "lab", "--output", str(file)], env={"COLUMNS": "300"})

    return run


def zone(operation: str = "create", **inputs: Any) -> dict[str, Any]:
    return step(ZONE, operation, **NAMED, **inputs)


def test_records_are_looked_up_once_their_zone_is_known() -> None:
    now = {"zoneName": "mail-domain.com", "ttl": 3600, "aRecords": [{"ipv4Address": "10.0.0.1"}]}
    then: dict[str, Any] = {
        "zoneName": "mail-domain.com",
        "ttl": 300,
        "aRecords": [{"ipv4Address": "10.0.0.1"}, {"ipv4Address": "b"}],
    }
    copy = FakeCopy(
        {ZONE: {"id": "/zone"}, OWA: {"id": "/owa"}},
        [zone(), step(OWA, "create", zoneName=UNKNOWN)],
        [zone("same"), step(OWA, "create", **then)],
        [zone("same"), step(OWA, "update", now=now, **then)],
    )
    found = Search(copy).run()
    assert copy.asked == [{ZONE}, {OWA}]
    assert {one["name"]: one["id"] for one in found.file["resources"] if "id" in one} == {
        "cas-public-zone": "/zone",
        "cas-owa-a": "/owa",
    }
    by_name = {one.name: one for one in found.existing}
    assert by_name["cas-public-zone"].changes == ()
    assert [(change.setting, change.now, change.then) for change in by_name["cas-owa-a"].changes] == [
        ("ttl", "3600", "300"),
        ("aRecords", "10.0.0.1", "10.0.0.1, b"),
    ]
    assert exit_code(found.existing) == 0


def test_a_resource_that_would_be_replaced_is_named_and_left_out_of_the_file() -> None:
    copy = FakeCopy({ZONE: {"id": "/zone"}}, [zone()], [zone("replace", now={**NAMED, "location": "a"}, location="b")])
    found = Search(copy).run()
    assert exit_code(found.existing) == 1
    assert found.existing[0].detail.startswith("the next up would replace it (location)")
    assert found.file["resources"] == []


def test_a_refused_look_up_is_reported_and_the_rest_is_adopted() -> None:
    copy = FakeCopy(
        {ZONE: {"error": "Status=403"}, OWA: {"id": "/owa"}},
        [zone(), step(OWA, "create", zoneName="z")],
        [zone(), step(OWA, "update", zoneName="z")],
    )
    found = Search(copy).run()
    assert exit_code(found.existing) == 2
    assert [one.detail for one in found.existing if one.state is State.UNSEEN] == ["Status=403"]
    assert [one.name for one in found.adopted] == ["cas-owa-a"]


def test_an_unchanged_resource_is_adopted_though_the_preview_has_no_step_for_it() -> None:
    found = Search(FakeCopy({ZONE: {"id": "/zone"}}, [zone()], [])).run()
    assert [(one.name, one.operation) for one in found.adopted] == [("cas-public-zone", "same")]


def test_without_existing_resources_nothing_is_imported() -> None:
    copy = FakeCopy({}, [zone()])
    assert Search(copy).run().existing == ()
    assert copy.adopted == []


def test_the_file_holds_the_selected_resources_and_the_components_around_them() -> None:
    file = select_resources(SKELETON, {OWA: "/owa"})
    assert file["nameTable"] == {"cas": f"{BASE}::cas"}
    assert [one["name"] for one in file["resources"]] == ["casNamespaceRecords", "cas-owa-a"]
    assert file["resources"][1]["id"] == "/owa"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('Status=404 Code="ResourceNotFound" Message="The Resource was not found."', {"id": None}),
        ('Status=404 Code="ResourceGroupNotFound" Message="…"', {"id": None}),
        ("GET https://management.azure.com/…\nRESPONSE 404: 404 Not Found\nERROR CODE: NotFound", {"id": None}),
        ('Status=403 Code="AuthorizationFailed"', {"error": 'Status=403 Code="AuthorizationFailed"'}),
    ],
)
def test_only_a_404_counts_as_absent(monkeypatch: pytest.MonkeyPatch, said: str, found: dict[str, Any]) -> None:
    def get_zone(resource_group_name: str, zone_name: str) -> Any:
        assert (resource_group_name, zone_name) == ("dns", "mail-domain.com")
        raise RuntimeError(said)

    monkeypatch.setattr(dns, "get_zone", get_zone)
    given = {"zoneName": "mail-domain.com", "resourceGroupName": "dns", "zoneType": "Public"}
    assert look_up("azure-native:dns:Zone", given) == found


@pytest.mark.parametrize("type", RESOURCE_TYPES)
def test_every_type_has_a_getter_whose_arguments_are_its_path(type: str) -> None:
    module, name = type.split(":")
    getter = getattr(import_module(f"pulumi_azure_native.{module}"), getter_name(name))
    arguments = {input_name(part) for part in inspect.signature(getter).parameters} - {"opts", "expand"}
    assert arguments == set(RESOURCE_TYPES[type].parameters)
    assert all(part.endswith(("Name", "Type")) or part == "name" for part in arguments), (
        "list_questions finds every part"
    )


def test_the_report_says_how_to_adopt_and_what_cannot_be_adopted(tmp_path: Path) -> None:
    copy = FakeCopy(
        {ZONE: {"id": "/zone"}, OWA: {"id": "/owa"}},
        [zone(), step(OWA, "create", zoneName="z")],
        [zone("replace", now={**NAMED, "location": "a"}, location="b"), step(OWA, "same", zoneName="z")],
    )
    file = tmp_path / "adopt.json"
    text = print_report(Search(copy).run(), file)
    assert f"pulumi import --file {file} --stack lab --protect=false --generate-code=false" in text
    assert "cas-public-zone: the next up would replace it (location)" in text
    assert "nothing to adopt" in print_report(Search(FakeCopy({}, [zone()])).run(), file)


REPLACED = [zone("replace", now={**NAMED, "location": "a"}, location="b")]


@pytest.mark.parametrize(
    ("exists", "previews", "code", "said"),
    [
        ({}, [[zone()]], 0, "there is nothing to adopt"),
        ({ZONE: {"id": "/zone"}}, [[zone()], REPLACED], 1, "the next up would replace it"),
        ({ZONE: {"error": "Status=403"}}, [[zone()]], 2, "Status=403"),
    ],
    ids=["nothing exists", "all would be replaced", "every look-up is refused"],
)
def test_with_nothing_to_adopt_no_file_is_written_and_an_old_one_stays(
    typed: Typed, tmp_path: Path, exists: dict[str, Any], previews: list[Any], code: int, said: str
) -> None:
    file = tmp_path / "adopt.json"
    result = typed(FakeCopy(exists, *previews), file)
    assert (result.exit_code, file.exists()) == (code, False)
    assert said in result.stdout
    assert "pulumi import" not in result.stdout
    file.write_text("of another day", encoding="utf-8")
    typed(FakeCopy(exists, *previews), file)
    assert file.read_text(encoding="utf-8") == "of another day"


def test_the_written_file_holds_what_is_adopted_and_the_command_names_it(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "adopt.json"
    result = typed(FakeCopy({ZONE: {"id": "/zone"}}, [zone()], [zone("same")]), file)
    assert result.exit_code == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert [(one["name"], one.get("id")) for one in written["resources"]] == [
        ("casNamespaceRecords", None),
        ("cas-public-zone", "/zone"),
    ]
    assert f"pulumi import --file {file} --stack lab" in result.stdout


def print_report(adoption: Adoption, file: Path) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as captured:
        report.print_adoption(adoption, file, "lab", console)
    return captured.get()


def test_values_are_printed_short() -> None:
    assert format_setting([{"ipv4Address": "10.0.0.1"}, {"ipv4Address": "10.0.0.2"}]) == "10.0.0.1, 10.0.0.2"
    assert (format_setting(None), format_setting([]), format_setting({"a": 1}), format_setting(3600)) == (
        "nothing",
        "nothing",
        '{"a": 1}',
        "3600",
    )


MACHINE = f"{BASE}$exchange-cas:index:ClientAccessServer$azure-native:compute:VirtualMachine::cas-ex01-vm"


def test_a_machine_made_in_the_portal_is_reported_with_its_names_and_how_to_keep_it() -> None:
    """The portal gives the disk and the interface other names, and the new interface has no id yet."""

    def inputs(disk: str, interface: str) -> dict[str, Any]:
        network = {"networkInterfaces": [{"id": interface, "primary": True}]}
        return {"vmName": "EX01", "storageProfile": {"osDisk": {"name": disk}}, "networkProfile": network}

    now = inputs("EX01_OsDisk_1_0f3a", "/subscriptions/s/…/ex01123")
    paths = ["networkProfile.networkInterfaces[0].id", "networkProfile.networkInterfaces", "storageProfile.osDisk.name"]
    replaced = {
        **step(MACHINE, "replace", now=now, **inputs("EX01-os", UNKNOWN)),
        "detailedDiff": {path: {"kind": "update-replace"} for path in paths},
    }
    found = Search(FakeCopy({MACHINE: {"id": "/vm"}}, [step(MACHINE, "create", vmName="EX01")], [replaced])).run()
    (machine,) = found.existing
    assert "its disk and its network interface have other names than this program gives" in machine.detail
    assert "existing: true and its hostKey" in machine.detail
    assert [(change.setting, change.now, change.then) for change in machine.changes] == [
        (
            "networkProfile.networkInterfaces",
            '{"id": "/subscriptions/s/…/ex01123", "primary": true}',
            '{"id": "known after the run", "primary": true}',
        ),
        ("storageProfile.osDisk.name", "EX01_OsDisk_1_0f3a", "EX01-os"),
    ]
    assert found.file["resources"] == []


def test_a_value_that_looks_like_markup_is_printed_unchanged(tmp_path: Path) -> None:
    then = {"zoneName": "z", "metadata": "[secret]"}
    copy = FakeCopy(
        {OWA: {"id": "/owa"}},
        [step(OWA, "create", zoneName="z")],
        [step(OWA, "update", now={"zoneName": "z", "metadata": "[bold]x[/]"}, **then)],
    )
    text = print_report(Search(copy).run(), tmp_path / "adopt.json")
    assert "[secret]" in text
    assert "[bold]x[/]" in text


@pytest.mark.parametrize("value", sorted(UNKNOWNS))
def test_an_unknown_value_is_printed_in_words(value: str) -> None:
    for whole in (value, [value], [{"id": value}], {"a": {"b": [value]}}, [{"id": value, "b": 1}]):
        text = format_setting(whole)
        assert value not in text
        assert "known after the run" in text
    urn = f"{RECORDS}$azure-native:dns:RecordSet::cas-owa-a"
    copy = FakeCopy({}, [step(urn, "create", zoneName=value)])
    Search(copy).run()
    assert copy.asked == [], "a path with an unknown part cannot be looked up"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--cwd", "{folder}"], "There is no Pulumi.yaml in {folder} or above"),
        (["--output", "{folder}/none/adopt.json"], "--output {folder}/none/adopt.json: {folder}/none is not a folder"),
    ],
)
def test_an_unreadable_or_unwritable_folder_is_one_clear_error_and_exit_code_2(
    tmp_path: Path, words: list[str], reason: str
) -> None:
    given = [word.format(folder=tmp_path) for word in words]
    result = CliRunner().invoke(app, ["adopt", "--stack", "lab", *given])
    assert (result.exit_code, result.stdout) == (2, "")
    assert reason.format(folder=tmp_path) in result.stderr
