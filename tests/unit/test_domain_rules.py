"""Rules for the domain that new virtual machines join."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.good_stack_file import (
    HOST_KEY,
    Edit,
    assert_problem,
    change_keys,
    change_server,
    find_problems,
    read_good,
)

pytestmark = pytest.mark.unit

NAME = "corp.mail-domain.com"
OU = "OU=Exchange,DC=corp,DC=mail-domain,DC=com"
CONTROLLERS = {"dnsServers": ["10.40.1.4"]}


def join(*edits: Edit, **domain: Any) -> Edit:
    """A good file whose machines join, with these keys of `domain` changed, and then edited."""

    def edit(values: dict[str, Any]) -> None:
        values["domain"] = {"name": NAME, "account": "CORP\\joiner", **domain}
        values |= {"domainPassword": "not-shown-3", "network": dict(CONTROLLERS)}
        for more in edits:
            more(values)

    return edit


def make_existing(values: dict[str, Any]) -> None:
    for row in values["servers"].values():
        row.update(existing=True, hostKey=HOST_KEY)
    values["dns"] = {"private": {"existingResourceGroup": "dns"}}


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(join(name="CORP"), "domain.name", "such as corp.mail-domain.com", id="a NetBIOS name"),
        pytest.param(join(name="corp"), "domain.name", "is a NetBIOS name", id="one label"),
        pytest.param(join(name="Corp.Mail-Domain.com."), "domain.name", f"its DNS form: {NAME}", id="another form"),
        pytest.param(join(name=f"{'a' * 30}.{'b' * 30}.com"), "domain.name", "1 to 64 characters", id="a long name"),
        pytest.param(join(account="joiner"), "domain.account", "CORP\\NAME", id="no domain in the account"),
        pytest.param(join(account=".\\joiner"), "domain.account", "is a local account", id="a local account"),
        pytest.param(join(account="EX01\\joiner"), "domain.account", "of the server EX01", id="a server's account"),
        pytest.param(join(account="CORP\\\\joiner"), "domain.account", "one backslash", id="two backslashes"),
        pytest.param(join(account="joiner@corp"), "domain.account", "NAME@corp.mail-domain.com", id="half a UPN"),
        pytest.param(join(ouPath="Exchange"), "domain.ouPath", "OU=Exchange,DC=", id="not a path"),
        pytest.param(join(ouPath="OU=Exchange"), "domain.ouPath", "then the domain", id="a path without the domain"),
        pytest.param(join(ouPath=OU.replace(",", ", ")), "domain.ouPath", f"Write {OU}.", id="spaces after commas"),
        pytest.param(
            join(ouPath=OU.replace("Exchange", "Mail Servers")), "domain.ouPath", "has a space in a name", id="a space"
        ),
        pytest.param(
            join(ouPath="CN=Computers,DC=corp,DC=mail-domain,DC=com"),
            "domain.ouPath",
            "Remove ouPath",
            id="the container Computers",
        ),
        pytest.param(
            join(ouPath="cn=Users,DC=corp,DC=mail-domain,DC=com"), "domain.ouPath", "is a container", id="a container"
        ),
        pytest.param(
            join(ouPath="OU=Exchange,DC=mail-domain,DC=com"),
            "domain.ouPath",
            "End it with ,DC=corp,DC=mail-domain,DC=com",
            id="a path in another domain",
        ),
        pytest.param(
            join(lambda values: values.pop("domainPassword")),
            "domainPassword",
            "pulumi config set --secret domainPassword",
            id="no password",
        ),
        pytest.param(
            change_keys(domainPassword="not-shown-3"),
            "domainPassword",
            "has no effect without domain",
            id="a password alone",
        ),
        pytest.param(
            join(change_keys(network={})), "network.dnsServers", "domain controllers", id="no domain controllers"
        ),
        pytest.param(
            join(change_keys(network={"dnsServers": ["10.40.1.4", "168.63.129.16"]})),
            "network.dnsServers",
            "does not know the domain",
            id="Azure's name server beside them",
        ),
        pytest.param(join(make_existing), "domain", "existing: true. Remove it.", id="no machine to join"),
        pytest.param(
            change_server("ex01", joinDomain=True), "servers.ex01.joinDomain", "without domain", id="to join nothing"
        ),
        pytest.param(
            join(change_server("ex01", existing=True, hostKey=HOST_KEY, joinDomain=False)),
            "servers.ex01.joinDomain",
            "remove existing: true",
            id="to join an existing server",
        ),
    ],
)
def test_a_mistake_about_the_domain_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)
    assert list(find_problems(edit)) == [key]
    assert "not-shown" not in str(find_problems(edit)[key])


@pytest.mark.parametrize("account", ["CORP\\svc-join", "corp.mail-domain.com\\join", "Join@corp.mail-domain.com"])
@pytest.mark.parametrize("ou", [None, OU, "ou=A,OU=Süd,dc=Corp,dc=mail-domain,dc=com"])
def test_a_domain_without_a_mistake_is_read(account: str, ou: str | None) -> None:
    assert find_problems(join(account=account, ouPath=ou)) == {}


def test_every_mistake_is_reported_at_once() -> None:
    edit = join(change_keys(network={}), lambda values: values.pop("domainPassword"), name="CORP", account="x")
    assert set(find_problems(edit)) == {"domain.name", "domain.account", "domainPassword", "network.dnsServers"}


def test_without_the_key_no_machine_joins() -> None:
    assert read_good().domain is None
