"""The phase directory of an installation: the three versions on every domain controller, and who prepares them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts.installation_phases import USER, Installing, copy_scripts
from tests.scripts.servers import Servers

Make = Callable[..., Installing]
MASTER, OTHER = "dc1.corp.example", "dc2.corp.example"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_scripts(tmp_path_factory.mktemp("short") / "scripts")


@pytest.fixture
def make(servers: Servers, scripts: Path) -> Make:
    return lambda version="SE", **document: Installing(servers, scripts, version, **document)


def test_a_prepared_directory_needs_nothing(make: Make) -> None:
    installing = make(prepareActiveDirectory=True)
    assert installing.run("directory") == {"state": "complete", "text": "", "complete": True}
    assert not installing.log.exists()


def test_one_server_extends_the_schema_and_makes_the_organisation_with_its_name(make: Make) -> None:
    installing = make(prepared=False, prepareActiveDirectory=True, organisationName="My Organisation")
    ended = installing.run("directory")
    assert (ended["state"], ended["complete"]) == ("waiting", True)
    assert "with a new logon" in ended["text"]
    for controller in (MASTER, OTHER):
        organisation = installing.directory.organisation_dn(controller)
        assert organisation is not None
        assert organisation.startswith("CN=My Organisation,CN=Microsoft Exchange,")
    log = installing.log.read_text(encoding="utf-8")
    commands = [line for line in log.splitlines() if "was started with the following command" in line]
    assert ["/PrepareSchema" in line for line in commands] == [True, False]
    assert ["/PrepareAD" in line for line in commands] == [False, True]
    assert all(f"/DomainController:{MASTER}" in line for line in commands)
    assert installing.run("directory")["state"] == "complete"
    assert installing.log.read_text(encoding="utf-8") == log


def test_an_organisation_that_exists_keeps_its_name(make: Make) -> None:
    installing = make(prepared=False, prepareActiveDirectory=True, organisationName="Another")
    installing.directory.prepare(schema=15334, domain=13243, organisation=16223, name="Example")
    assert installing.run("directory")["complete"]
    assert "OrganizationName" not in installing.log.read_text(encoding="utf-8")


def test_the_domain_controller_that_lags_behind_is_named(make: Make) -> None:
    installing = make(prepared=False, prepareActiveDirectory=True, organisationName="Example")
    installing.directory.set_replication(3600)
    ended = installing.run("directory")
    assert (ended["state"], ended["complete"]) == ("failed", False)
    assert f"{OTHER}: schema none instead of 17003" in ended["text"]
    assert MASTER not in ended["text"]
    assert "repadmin /syncall" in ended["text"]
    assert f"directory waits for {OTHER}: schema" in installing.progress
    log = installing.log.read_text(encoding="utf-8")
    installing.directory.replicate()
    assert installing.run("directory") == {"state": "complete", "text": "", "complete": True}
    assert installing.log.read_text(encoding="utf-8") == log


def test_a_server_that_does_not_prepare_waits_and_says_what_to_run(make: Make) -> None:
    installing = make(prepared=False)
    ended = installing.run("directory")
    assert (ended["state"], ended["complete"]) == ("waiting", False)
    assert f"{MASTER}: organisation none instead of 16763" in ended["text"]
    assert "Setup.exe /PrepareAD" in ended["text"]
    assert f"in the domain and site of the schema master {MASTER}" in ended["text"]
    assert not installing.log.exists()


def test_a_domain_controller_that_is_down_is_named(make: Make) -> None:
    installing = make()
    installing.directory.set_online(OTHER, False)
    ended = installing.run("directory")
    assert (ended["state"], ended["complete"]) == ("waiting", False)
    assert f"{OTHER}: Unable to contact the server" in ended["text"]


def test_an_interrupted_preparation_is_resumed(make: Make) -> None:
    installing = make(prepared=False, prepareActiveDirectory=True, organisationName="Example")
    installing.set_media(killedAt="Organization Preparation")
    assert "exit code 137" in installing.run("directory")["text"]
    assert installing.directory.organisation_dn(MASTER) is None
    installing.set_media()
    assert installing.run("directory")["complete"]
    assert installing.log.read_text(encoding="utf-8").count("Starting Microsoft Exchange Server") == 2


def _remove_schema_admins(installing: Installing) -> None:
    installing.directory.set_group_members(USER, "Enterprise Admins")


def _move_schema_master(installing: Installing) -> None:
    installing.directory.set_site(MASTER, "Headquarters")


def _forget_name(installing: Installing) -> None:
    installing.write_document(prepareActiveDirectory=True)


@pytest.mark.parametrize(
    ("change", "cause", "remedy"),
    [
        (_remove_schema_admins, "not a member of Schema Admins", "Add the operator to it"),
        (
            _move_schema_master,
            f"The schema master {MASTER} is in the domain corp.example and the site Head",
            "/PrepareAD",
        ),
        (_forget_name, "There is no Exchange organisation yet", "organisationName"),
    ],
)
def test_a_preparation_that_cannot_succeed_is_refused_before_it_starts(
    make: Make, change: Callable[[Installing], None], cause: str, remedy: str
) -> None:
    installing = make(prepared=False, prepareActiveDirectory=True, organisationName="Example")
    change(installing)
    ended = installing.run("directory")
    assert ended["state"] == "failed"
    assert cause in ended["text"]
    assert remedy in ended["text"]
    assert not installing.log.exists()
