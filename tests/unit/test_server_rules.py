"""Rules for the servers of a stack file."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.good_stack_file import (
    GOOD,
    HOST_KEY,
    Edit,
    assert_problem,
    change_keys,
    change_server,
    find_problems,
    read_good,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(
            change_server("ex01", address="10.41.0.11"),
            "servers.ex01.address",
            "10.40.0.4 to 10.40.0.254",
            id="other subnet",
        ),
        pytest.param(
            change_server("ex01", address="10.40.0.3"), "servers.ex01.address", "10.40.0.4", id="reserved by Azure"
        ),
        pytest.param(
            change_server("ex01", address="10.40.0.255"), "servers.ex01.address", "10.40.0.254", id="broadcast address"
        ),
        pytest.param(change_server("ex01", address="10.40.0.256"), "servers.ex01.address", "IPv4", id="not an address"),
        pytest.param(
            change_server("ex02", address="10.40.0.11"), "servers.ex02.address", "more than one", id="address twice"
        ),
        pytest.param(
            change_server("ex01", computerName="EX-CAS-MUNICH-01"),
            "servers.ex01.computerName",
            "15",
            id="16 characters",
        ),
        pytest.param(
            change_server("ex01", computerName="EX_01"), "servers.ex01.computerName", "hyphens", id="underscore"
        ),
        pytest.param(
            change_server("ex01", computerName="12345"), "servers.ex01.computerName", "digits", id="only digits"
        ),
        pytest.param(
            change_server("ex02", computerName="ex01"),
            "servers.ex02.computerName",
            "more than one",
            id="name twice in another case",
        ),
        pytest.param(
            change_server("ex01", inRotation=False), "servers", "allowSingleServer", id="one server in rotation"
        ),
        pytest.param(change_keys(servers={}), "servers", "1 to 20", id="no server"),
        pytest.param(
            change_keys(
                servers={"ex01": {"computerName": "EX01", "address": "10.40.0.11", "inRotation": False}},
                allowSingleServer=True,
            ),
            "servers",
            "both names would have no address",
            id="no server in rotation",
        ),
        pytest.param(
            change_keys(servers={"Ex-1": {"computerName": "EX01", "address": "10.40.0.11"}}),
            "servers.Ex-1",
            "lower-case",
            id="key of a server",
        ),
        pytest.param(
            lambda values: [row.update(externalAddress="198.51.100.1") for row in values["servers"].values()],
            "servers.ex02.externalAddress",
            "more than one",
            id="external address twice",
        ),
        pytest.param(
            change_server("ex01", existing=True, hostKey=HOST_KEY, publicAddress=True),
            "servers.ex01.publicAddress",
            "that this stack creates",
            id="public address of an existing server",
        ),
        pytest.param(
            change_server("ex01", existing=True, hostKey=HOST_KEY, size="Standard_D4s_v5"),
            "servers.ex01.size",
            "that this stack creates",
            id="size of an existing server",
        ),
        pytest.param(
            change_server("ex01", publicAddress=True, externalAddress="198.51.100.1"),
            "servers.ex01.externalAddress",
            "Remove one",
            id="two public addresses",
        ),
        pytest.param(
            change_server("ex01", existing=True), "servers.ex01.hostKey", "ssh-keyscan", id="existing without host key"
        ),
        pytest.param(
            change_server("ex01", existing=True, hostKey="ssh-rsa AAAA"),
            "servers.ex01.hostKey",
            "ed25519",
            id="RSA host key",
        ),
        pytest.param(
            change_server("ex01", existing=True, hostKey=HOST_KEY, zone="1"),
            "servers.ex01.zone",
            "that this stack creates",
            id="zone of an existing server",
        ),
        pytest.param(change_server("ex01", size=["x"]), "servers.ex01.size", "text", id="a list for a text"),
        pytest.param(change_server("ex01", zone="4"), "servers.ex01.zone", "1, 2, 3", id="unknown zone"),
        pytest.param(
            change_server("ex01", inRotaton=True), "servers.ex01.inRotaton", "Did you mean inRotation", id="unknown key"
        ),
        pytest.param(
            change_keys(ssh={"address": "public"}),
            "servers.ex01.publicAddress",
            "ssh.address",
            id="SSH over a public address that is missing",
        ),
        pytest.param(
            change_keys(dns={"public": {}}),
            "servers.ex01.publicAddress",
            "dns.public",
            id="public zone, private server",
        ),
        pytest.param(
            change_server("ex01", restoreOnRemove=True),
            "servers.ex01.restoreOnRemove",
            "existing: true",
            id="restoreOnRemove of a created server",
        ),
    ],
)
def test_a_mistake_in_a_server_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


def test_twenty_servers_are_accepted_and_twenty_one_refused_with_the_reason() -> None:
    def many(count: int) -> Edit:
        names = range(1, count + 1)
        return change_keys(
            servers={f"ex{n:02}": {"computerName": f"EX{n:02}", "address": f"10.40.0.{n + 10}"} for n in names}
        )

    assert find_problems(many(20)) == {}
    assert "Write 1 to 20: a record set holds no more." in find_problems(many(21))["servers"].remedy


def test_one_server_is_accepted_with_allow_single_server() -> None:
    def one(values: dict[str, Any]) -> None:
        del values["servers"]["ex02"]
        values["allowSingleServer"] = True

    assert find_problems(one) == {}


def test_an_existing_server_may_have_any_address() -> None:
    def elsewhere(values: dict[str, Any]) -> None:
        for number, row in enumerate(values["servers"].values()):
            row.update(existing=True, hostKey=HOST_KEY, address=f"192.0.2.{number}")
        values["dns"] = {"private": {"existingResourceGroup": "dns"}}
        del values["adminPassword"]

    assert find_problems(elsewhere) == {}


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "169.254.1.1", "255.255.255.255"])  # noqa: S104
def test_an_address_that_a_server_cannot_have_is_refused(address: str) -> None:
    elsewhere = change_server("ex01", existing=True, hostKey=HOST_KEY, address=address)
    assert list(find_problems(elsewhere)) == ["servers.ex01.address"]


@pytest.mark.parametrize(
    "pasted",
    [
        f"10.16.0.11 {HOST_KEY}",
        f"[10.16.0.11]:2222 {HOST_KEY}",
        f"ex01.corp.example,10.16.0.11 {HOST_KEY}",
        f"{HOST_KEY} nt authority\\system@EX01",
        f"{HOST_KEY}\n",
        f"  {HOST_KEY}  ",
    ],
)
def test_a_host_key_is_accepted_as_ssh_keyscan_prints_it_and_as_a_pub_file_holds_it(pasted: str) -> None:
    values = copy.deepcopy(GOOD)
    values["servers"]["ex01"] |= {"existing": True, "hostKey": pasted}
    assert read_good(**values).servers["ex01"].host_key == HOST_KEY


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (HOST_KEY[:-4], "not a complete key"),
        (HOST_KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256"), "not a complete key"),
        (HOST_KEY[:30], "not a complete key"),
        (HOST_KEY.replace("IGrm", "I*rm"), "ed25519"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "ed25519"),
        ("# 10.16.0.11:22 SSH-2.0-OpenSSH_for_Windows", "ed25519"),
    ],
)
def test_a_host_key_that_is_damaged_or_of_another_kind_is_one_problem(given: str, remedy: str) -> None:
    found = find_problems(change_server("ex01", existing=True, hostKey=given))
    assert list(found) == ["servers.ex01.hostKey"]
    assert remedy in found["servers.ex01.hostKey"].remedy
