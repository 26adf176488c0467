"""What stands in where there is no PowerShell answers as the scripts do: each document is given to both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components import powershell
from rehearsal.stand_ins import without_powershell
from rehearsal.stand_ins.windows_state import new_windows
from tests.scripts.servers import (
    GET,
    ORIGINALS,
    RESTORE,
    ROTATE,
    SCRIPTS,
    SET,
    STEPS_TOLD,
    Servers,
    document,
    namespace,
    rotation,
)

Prepare = Callable[[Servers], object]
Run = tuple[Path, Any]
LEAVE = rotation(443, in_rotation=False, drainSeconds=1)
ONE_SERVICE = document(settings={"ecp": {}})
INSTALL = SCRIPTS / "Install-ExchangeServer.ps1"
INSTALLATION = {
    "server": "ex1",
    "exchangeVersion": "SE",
    "begin": True,
    "credential": {"userName": "CORP\\operator", "password": "Canary-Passw0rd!"},
    "media": {"path": "C:\\Media"},
    "roles": ["Mailbox"],
    "prepareActiveDirectory": False,
    "extendedProtection": True,
}


def outside_a_domain(servers: Servers) -> None:
    servers.root("ex1").mkdir()
    servers.windows("ex1", **new_windows(26100, domain=None))


# What a run says before it fails: Exchange's warnings, and where the original values are.
STEP = re.compile("|".join(["clients may", *STEPS_TOLD]).lower())
ON_THE_WAY = re.compile(r"set-\w+: |the original values are kept")
POOL_REFUSAL = "The service cannot accept control messages at this time. (Exception from HRESULT: 0x80070425)"


def install_exchange(servers: Servers) -> None:
    servers.root("ex1").mkdir()
    servers.organisation.add_server("ex1")


def older(servers: Servers) -> None:
    servers.organisation.add_server("ex1", version="2013")


def pools_that_are_not_there(servers: Servers) -> None:
    install_exchange(servers)
    servers.organisation.set_app_pool("ex1", "MSExchangeOWAAppPool", "Stopped")
    servers.organisation.set_app_pool("ex1", "MSExchangeECPAppPool", None)


def pools_that_refuse(servers: Servers) -> None:
    install_exchange(servers)
    servers.organisation.fail("ex1", "Restart-WebAppPool", POOL_REFUSAL)


def a_setting_that_is_refused(servers: Servers) -> None:
    install_exchange(servers)
    servers.organisation.fail("ex1", "Set-OabVirtualDirectory", "Active Directory operation failed on dc1.")


def a_setting_that_is_ignored(servers: Servers) -> None:
    install_exchange(servers)
    servers.organisation.fail("ex1", "Set-EcpVirtualDirectory", None)


def values_of_another_server(servers: Servers) -> None:
    install_exchange(servers)
    for name in ("original-namespace.json", "original-closed-ports.json"):
        file = servers.root("ex1") / ORIGINALS
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(name).write_text('{"server": "EX2"}', encoding="utf-8")


def held_down_by_another(servers: Servers) -> None:
    install_exchange(servers)
    servers.windows("ex1", services={"MSExchangeTransport": "Stopped"})
    servers.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "HealthAPI")


def being_updated(servers: Servers) -> None:
    install_exchange(servers)
    servers.windows("ex1", processes=["ExSetupUI"])


def nothing(servers: Servers) -> None:
    servers.root("ex1").mkdir()


def answers(servers: Servers, runs: list[Run], *, real: bool) -> list[tuple[int, Any, list[str]]]:
    """Exit code, report, and the steps of a rotation in their order, else what a run that failed says first."""
    found = []
    for script, given in runs:
        if real:
            outcome = servers.run(script, given)
            code, output, error = outcome.exit_code, outcome.stdout, outcome.stderr
        else:
            stdin, root = json.dumps(given).encode(), servers.root("ex1")
            result = without_powershell.run_script(script, (), stdin, servers.organisation, "ex1", root)
            code, output, error = result.exit_code, result.output, result.error
        # Without the folder that is its own.
        said = error.replace(str(servers.folder), "").lower().splitlines()
        why = [line for line in said if not ON_THE_WAY.match(line)][:2] if code else []
        report = powershell.read_report(output, "server")
        # The wait for clients is shown each second or so: how often depends on the computer.
        steps = list(dict.fromkeys(line for line in said if STEP.match(line)))
        found.append((code, report, steps or why))
    return found


@pytest.mark.parametrize(
    ("prepare", "runs", "codes"),
    [
        pytest.param(
            install_exchange,
            [(GET, ONE_SERVICE), (SET, document()), (SET, document()), (RESTORE, document()), (GET, document())],
            [0, 0, 0, 0, 0],
            id="there and back",
        ),
        pytest.param(install_exchange, [(SET, document(recycleAppPools=False))], [0], id="nothing recycled"),
        pytest.param(pools_that_are_not_there, [(SET, document())], [0], id="pools that are not there"),
        pytest.param(
            pools_that_refuse,
            [
                (SET, document(settings={"owa": namespace()["owa"]})),
                (SET, document(recycleAppPools=False)),
                (SET, document()),
            ],
            [1, 0, 1],
            id="pools that refuse",
        ),
        pytest.param(a_setting_that_is_refused, [(SET, document())], [1], id="a setting that is refused"),
        pytest.param(a_setting_that_is_ignored, [(SET, document())], [4], id="a setting that is ignored"),
        pytest.param(
            values_of_another_server,
            [(SET, document()), (ROTATE, {**LEAVE, "drainSeconds": 0, "rejectClosedPorts": True})],
            [1, 1],
            id="values of another server",
        ),
        pytest.param(older, [(SET, document(version="2013"))], [0], id="Exchange 2013"),
        pytest.param(install_exchange, [(SET, "no document"), (GET, [])], [2, 2], id="no document"),
        pytest.param(
            install_exchange,
            [(SET, document("ex2")), (GET, document("ex2")), (ROTATE, rotation(443, in_rotation=False, server="ex2"))],
            [2, 2, 2],
            id="another server",
        ),
        pytest.param(
            install_exchange,
            [(SET, document(version="2019")), (ROTATE, rotation(443, in_rotation=False, version="SE"))],
            [1, 1],
            id="another version",
        ),
        pytest.param(
            nothing,
            [
                (INSTALL, {**INSTALLATION, "server": "ex2"}),
                (INSTALL, {"server": "ex1", "exchangeVersion": "2010", "begin": "yes", "colour": "red"}),
                (INSTALL, {"server": "ex1", "exchangeVersion": "SE", "media": {"path": "C:\\M", "url": "http://m/m"}}),
            ],
            [2, 2, 2],
            id="wrong documents of an installation",
        ),
        pytest.param(outside_a_domain, [(INSTALL, INSTALLATION)], [1], id="an installation outside a domain"),
        pytest.param(
            nothing,
            [(SET, document()), (RESTORE, document()), (ROTATE, rotation(443, in_rotation=True))],
            [3, 3, 3],
            id="no Exchange",
        ),
        pytest.param(
            being_updated, [(SET, document()), (ROTATE, rotation(443, in_rotation=False))], [5, 5], id="setup"
        ),
        pytest.param(install_exchange, [(RESTORE, document())], [7], id="nothing kept"),
        pytest.param(install_exchange, [(ROTATE, LEAVE)], [0], id="out of rotation"),
        pytest.param(held_down_by_another, [(ROTATE, LEAVE), (ROTATE, LEAVE)], [0, 0], id="out, and held down before"),
    ],
)
def test_the_scripts_and_their_stand_ins_give_the_same_answers(
    tmp_path: Path, pwsh: str, prepare: Prepare, runs: list[Run], codes: list[int]
) -> None:
    both = []
    for real in (True, False):
        folder = tmp_path / f"real-{real}"
        folder.mkdir()
        servers = Servers(folder, pwsh)
        prepare(servers)
        both.append(answers(servers, runs, real=real))
    assert both[0] == both[1]
    assert [code for code, _, _ in both[0]] == codes
