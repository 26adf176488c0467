"""The domain that machines join in a rehearsal, and who can log on before and after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.domain import LOG, DomainStandIn, JoinRequest
from tests.unit.servers import Farm
from tests.unit.ssh_client import attempt

pytestmark = pytest.mark.unit

CONTROLLER = "127.40.1.4"
REQUEST = JoinRequest(name="corp.example", account="CORP\\joiner", password="right-Password-1", ou_path=None)  # noqa: S106


@pytest.fixture
def domain(tmp_path: Path) -> DomainStandIn:
    found = DomainStandIn(
        tmp_path / "domain.json", name="corp.example", controllers=[CONTROLLER], units=["OU=Mail,DC=corp,DC=example"]
    )
    for name in ("CORP\\joiner", "CORP\\other"):
        found.accounts.put(name, "right-Password-1")
    return found


def boot(root: Path, **state: Any) -> Path:
    """A machine that is in no domain and asks the domain controller for names."""
    root.mkdir(exist_ok=True)
    windows_state.change_state(root, **{"domain": None, "dnsServers": [CONTROLLER], **state})
    return root


def test_a_machine_joins_and_stays_joined_whatever_is_asked_later(domain: DomainStandIn, tmp_path: Path) -> None:
    root = boot(tmp_path / "EX01")
    assert domain.join(root, "EX01", replace(REQUEST, ou_path="ou=mail,DC=corp,DC=example"))
    assert windows_state.read_state(root)["domain"] == "corp.example"
    assert domain.join(root, "EX01", replace(REQUEST, password="wrong"))  # noqa: S106


@pytest.mark.parametrize(
    ("state", "change", "code"),
    [
        ({}, {"password": "wrong"}, 1326),
        ({}, {"account": "CORP\\unknown"}, 1326),
        ({}, {"name": "corp.other"}, 1355),
        ({"dnsServers": []}, {}, 1355),
        ({"dnsServers": ["168.63.129.16"]}, {}, 1355),
        ({}, {"ou_path": "OU=Gone,DC=corp,DC=example"}, 2),
        ({"domain": "old.example"}, {}, 2691),
    ],
)
def test_a_join_that_windows_refuses_leaves_its_code_in_the_log_of_the_machine(
    domain: DomainStandIn, tmp_path: Path, state: dict[str, Any], change: dict[str, Any], code: int
) -> None:
    root = boot(tmp_path / "EX01", **state)
    assert not domain.join(root, "EX01", replace(REQUEST, **change))
    assert windows_state.read_state(root)["domain"] == state.get("domain")
    assert f"status: 0x{code:x}\n" in (root / LOG).read_text(encoding="utf-8")
    assert domain.computers == {}


def test_a_rebuilt_machine_takes_its_old_account_only_as_the_account_that_created_it(
    domain: DomainStandIn, tmp_path: Path
) -> None:
    assert domain.join(boot(tmp_path / "first"), "EX01", REQUEST)
    again = boot(tmp_path / "again")
    assert not domain.join(again, "EX01", replace(REQUEST, account="CORP\\other"))
    assert "status: 0xaac\n" in (again / LOG).read_text(encoding="utf-8"), "KB5020276"
    assert domain.join(again, "ex01", REQUEST)


def test_machines_that_join_at_the_same_time_all_have_an_account(domain: DomainStandIn, tmp_path: Path) -> None:
    names = [f"EX{number:02}" for number in range(1, 21)]
    with ThreadPoolExecutor(len(names)) as pool:
        joined = list(pool.map(lambda name: domain.join(boot(tmp_path / name), name, REQUEST), names))
    assert all(joined)
    assert sorted(domain.computers) == names


def test_a_domain_account_logs_on_only_to_a_machine_that_is_in_a_domain(farm: Farm) -> None:
    server = farm.server()
    windows_state.change_state(server.drive.root, domain=None)
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server)
    windows_state.change_state(server.drive.root, domain="corp.example")
    attempt(server)
    assert [seen.user is not None for seen in server.ssh.connections] == [False, True]
