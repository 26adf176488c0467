"""Reading a stack file into the arguments: all problems at once, each once, and no secret in them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks import arguments
from tests.unit.good_stack_file import GOOD, change_keys, find_problems, read_good

pytestmark = pytest.mark.unit

P = arguments.PROJECT


def problems_with_more_keys(*more: str, location: str | None = "azure-native:location") -> dict[str, str]:
    """Full name -> remedy, for the good file with these keys added."""
    config = {f"{P}:{name}": value for name, value in copy.deepcopy(GOOD).items()}
    config |= {location: "westeurope"} if location else {}
    try:
        arguments.read_config_block({**config, **dict.fromkeys(more, "true")})
    except arguments.InvalidStackFileError as error:
        return {problem.key: problem.remedy for problem in error.problems}
    return {}


def test_a_file_with_only_the_required_keys_is_accepted() -> None:
    assert find_problems(lambda _: None) == {}


def test_a_file_with_five_mistakes_reports_five() -> None:
    def make_five_mistakes(values: dict[str, Any]) -> None:
        values["servers"]["ex01"]["address"] = "10.41.0.11"
        values["servers"]["ex02"]["computerName"] = "a-name-that-is-too-long"
        values["namespace"]["clientName"] = "two.labels"
        values["exchangeVersion"] = "2010"
        values["colour"] = "red"

    assert sorted(find_problems(make_five_mistakes)) == [
        "colour",
        "exchangeVersion",
        "namespace.clientName",
        "servers.ex01.address",
        "servers.ex02.computerName",
    ]


def test_a_file_without_a_region_is_refused() -> None:
    assert list(find_problems(lambda _: None, location=None)) == ["azure-native:location"]


@pytest.mark.parametrize("region", [5, ["westeurope"], {"x": "y"}, "west/europe"])
def test_a_region_that_is_not_a_name_is_refused(region: Any) -> None:
    with pytest.raises(arguments.InvalidStackFileError, match="is not an Azure region"):
        arguments.read_arguments(GOOD, location=region)


@pytest.mark.parametrize("name", ["azure:location", "azure_native:location", "AZURE-NATIVE:location"])
def test_a_region_under_another_prefix_is_one_problem(name: str) -> None:
    assert problems_with_more_keys(location=name) == {
        name: "is not read under this prefix. Write azure-native:location."
    }


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("exchange_cas:protect", f"{P}:protect"),
        ("Exchange-CAS:protect", f"{P}:protect"),
        ("exchange-cas :protect", f"{P}:protect"),
        ("exchangecas:protect", f"{P}:protect"),
        ("exchange-csa:protect", f"{P}:protect"),
        ("exchange:protect", f"{P}:protect"),
        ("cas:vmSize", f"{P}:vmSize"),
        ("pulumi:protect", f"{P}:protect"),
        ("exchange_cas:protekt", f"{P}:protekt"),
        ("azure_native:subscriptionId", "azure-native:subscriptionId"),
        ("azurenative:tenantId", "azure-native:tenantId"),
    ],
)
def test_a_key_under_a_prefix_where_the_program_would_not_read_it_is_refused(name: str, meant: str) -> None:
    assert problems_with_more_keys(name) == {name: f"is not read under this prefix. Write {meant}."}


@pytest.mark.parametrize("name", ["pulumi:tags", "azure-native:subscriptionId", "command:x", "aws:region"])
def test_a_key_of_another_project_is_accepted(name: str) -> None:
    assert problems_with_more_keys(name) == {}


def test_numbers_and_truth_values_may_be_text_as_pulumi_passes_them() -> None:
    farm = read_good(protect="true", ssh={"port": "2222"}, exchangeVersion=2019)
    assert (farm.protect, farm.ssh.port, farm.exchange_version) == (True, 2222, "2019")


def test_a_row_without_a_value_is_a_row_of_defaults() -> None:
    rows = {"dns": {"private": None, "public": None}, "autoShutdown": None, "network": None}
    servers = {name: {**row, "publicAddress": True} for name, row in GOOD["servers"].items()}
    farm = read_good(**rows, servers=servers)
    assert farm.dns.public is not None
    assert farm.auto_shutdown is not None
    assert farm.auto_shutdown.time == "1900"


def test_a_message_shows_a_text_with_its_backslashes() -> None:
    assert str(find_problems(change_keys(operator="CORP\\\\svc"))["operator"]).startswith("operator = 'CORP\\\\svc':")
    assert str(find_problems(change_keys(operator="CORP\\svc\n"))["operator"]).startswith("operator = 'CORP\\svc\\n':")


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"hostKey": "ssh-ed25519 AAAA", "existing": True}, ["servers.ex01.hostKey"]),
        ({"externalAddress": "x"}, ["servers.ex01.externalAddress"]),
        ({"existing": "perhaps"}, ["servers.ex01.existing"]),
        ({"inRotation": "perhaps"}, ["servers.ex01.inRotation"]),
    ],
)
def test_a_value_that_cannot_be_read_is_reported_once(changes: dict[str, Any], keys: list[str]) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["servers"]["ex01"] |= {"publicAddress": False, **changes}
        values["servers"]["ex02"] |= {"externalAddress": "198.51.100.2"}
        values["dns"] = {"public": {}}
        if "externalAddress" not in changes:
            values["servers"]["ex01"]["externalAddress"] = "198.51.100.1"

    assert list(find_problems(edit)) == keys


def test_a_value_that_cannot_be_read_hides_no_other_problem() -> None:
    def edit(values: dict[str, Any]) -> None:
        values["servers"]["ex01"]["computerName"] = ["x"]
        values["servers"]["ex02"]["address"] = "10.41.0.1"
        values["dns"] = "public"
        values["rollout"] = {"canary": "ex09"}

    assert sorted(find_problems(edit)) == ["dns", "rollout.canary", "servers.ex01.computerName", "servers.ex02.address"]


def test_no_message_contains_a_secret() -> None:
    values = {**copy.deepcopy(GOOD), "operator": None, "servers": {}, "adminPasword": "not-shown-3"}
    with pytest.raises(arguments.InvalidStackFileError) as caught:
        arguments.read_arguments(values, location=None)
    assert "adminPasword" in str(caught.value)
    assert "not-shown" not in str(caught.value)


def test_a_secret_that_is_not_encrypted_is_refused_by_name() -> None:
    with pytest.raises(arguments.InvalidStackFileError) as caught:
        arguments.read_arguments(copy.deepcopy(GOOD), location="westeurope", exposed=["adminPassword"])
    assert "adminPassword: is not encrypted. Run: pulumi config set --secret adminPassword" in str(caught.value)
    assert "not-shown" not in str(caught.value)
