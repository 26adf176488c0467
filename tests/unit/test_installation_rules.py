"""Rules for the installation of Exchange."""

from __future__ import annotations

from typing import Any

import pytest

from stacks import installation_rules
from tests.unit.good_stack_file import Edit, assert_problem, change_keys, find_problems

pytestmark = pytest.mark.unit

SHA256 = "0123456789abcdef" * 4
IMAGE = {
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/own/images/joined/versions/1.0.0"
}


def install(version: str = "SE", **keys: Any) -> Edit:
    """An installation without a mistake but for these keys."""
    installation = {"media": {"path": "D:\\Exchange.iso"}, **keys}
    ssh = {"packageUrl": "https://files.mail-domain.com/ssh.zip", "packageSha256": SHA256}
    return change_keys(exchangeVersion=version, image=IMAGE, installation=installation, ssh=ssh)


@pytest.mark.parametrize("version", ["2013", "2016", "2019", "SE"])
def test_an_installation_from_a_path_needs_no_more(version: str) -> None:
    assert find_problems(install(version)) == {}


def test_exchange_is_installed_while_the_namespace_is_not_configured() -> None:
    def edit(config: dict[str, Any]) -> None:
        install()(config)
        change_keys(configureNamespace=False)(config)

    assert find_problems(edit) == {}


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(install(media={}), "installation.media", "neither path nor url", id="no media"),
        pytest.param(
            install(media={"path": "D:\\", "url": "https://a.b/c.iso", "sha256": SHA256}),
            "installation.media",
            "both path and url",
            id="two media",
        ),
        pytest.param(
            install(media={"url": "https://a.b/c.iso"}), "installation.media.sha256", "is missing", id="no hash"
        ),
        pytest.param(
            install(media={"path": "D:\\", "sha256": SHA256}),
            "installation.media.sha256",
            "of an ISO file",
            id="the hash of a folder",
        ),
        pytest.param(
            install(media={"url": "https://a.b/folder/", "sha256": SHA256}),
            "installation.media.url",
            "not the URL of a file",
            id="the URL of a folder",
        ),
        pytest.param(
            install(media={"path": "Exchange.iso"}), "installation.media.path", "as the server sees it", id="no drive"
        ),
        pytest.param(
            install(media={"path": "\\\\files"}), "installation.media.path", "as the server sees it", id="no share"
        ),
        pytest.param(install(roles=["ClientAccess"]), "installation.roles", "one role, Mailbox", id="a role of SE"),
        pytest.param(
            install("2013", roles=["Mailbox"]), "installation.roles", "lacks ClientAccess", id="no Client Access"
        ),
        pytest.param(
            install("2013", roles=["ClientAccess", "ClientAccess"]), "installation.roles", "twice", id="a role twice"
        ),
        pytest.param(install("2013", roles=["Edge"]), "installation.roles[0]", "ClientAccess", id="an unknown role"),
        pytest.param(
            install(organisationName="Corp"), "installation.organisationName", "has no effect", id="a name unused"
        ),
        pytest.param(
            install(organisationName="Corp & Co", prepareActiveDirectory=True),
            "installation.organisationName",
            "at most 64",
            id="a name that Setup refuses",
        ),
        pytest.param(
            install("2016", extendedProtection=False),
            "installation.extendedProtection",
            "has no effect",
            id="protection that Setup does not switch on",
        ),
        pytest.param(
            install(packages={"ucma5": {"url": "https://a.b/c.exe", "sha256": SHA256}}),
            "installation.packages.ucma5",
            "Write one of net472",
            id="an unknown package",
        ),
        pytest.param(install(targetDir="D:\\"), "installation.targetDir", "Write a folder", id="a bare drive"),
        pytest.param(
            change_keys(installation={"media": {"path": "D:\\"}}), "domain", "members of a domain", id="no domain"
        ),
    ],
)
def test_a_mistake_is_reported_with_its_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


def test_the_packages_are_those_of_the_table() -> None:
    assert {"ucma", "vc2013", "urlRewrite"} <= set(installation_rules.package_names())
