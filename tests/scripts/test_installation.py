"""Install-ExchangeServer.ps1 and its task on an empty machine of the Windows stand-in, up to the directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.empty_machine import (
    BUILDS,
    CBS,
    FOLDER,
    PASSWORD,
    TASK,
    USER,
    Machine,
    copy_with_replaced_phases,
    running_machine,
)
from tests.scripts.servers import Servers

WINDOWS_2012_R2, WINDOWS_2016, WINDOWS_2019 = 9600, 14393, 17763


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_with_replaced_phases(tmp_path_factory.mktemp("installation") / "scripts")


@pytest.fixture
def machine(servers: Servers, script: Path) -> Iterator[Machine]:
    with running_machine(servers, script) as machine:
        yield machine


def test_an_empty_machine_becomes_a_complete_one_and_a_second_run_changes_nothing(machine: Machine) -> None:
    machine.boot(WINDOWS_2016)
    machine.media(machine.root / "C/Media", BUILDS["2016"])
    outcome = machine.install(machine.document())
    assert (outcome.stderr, outcome.exit_code) == ("", 0)
    assert machine.asked == ["net48", "ucma", "vc2012", "vc2013", "urlRewrite"]
    assert machine.states.count("restarting") == 2, "after features with .NET, and at the end"
    assert (machine.root / "C/ProgramData/installed").read_text(encoding="utf-8") == BUILDS["2016"]
    assert {"Web-Server", "Server-Media-Foundation", "RSAT-AD-PowerShell"} <= set(machine.state["features"])
    assert (machine.state["tasks"], machine.state["pendingMarks"]) == ({}, [])
    before = machine.state
    again = machine.call(machine.document(begin=True))
    assert (again.report["state"], machine.state) == ("complete", before)
    files = sorted(file.name for file in (machine.root / FOLDER).iterdir())
    assert files == ["progress.log"]


def test_the_password_is_in_no_file_and_the_task_has_it_stored_with_the_highest_rights(machine: Machine) -> None:
    machine.boot(WINDOWS_2016, holds=["Install-WindowsFeature"])
    machine.media(machine.root / "C/Media", BUILDS["2016"])
    outcome = machine.call(machine.document(begin=True))
    machine.await_hold("Install-WindowsFeature")
    task = machine.state["tasks"][TASK]
    assert (
        task
        | {
            "user": USER,
            "passwordStored": True,
            "runLevel": "Highest",
            "executionTimeLimit": "00:00:00",
            "multipleInstances": "IgnoreNew",
            "priority": 4,
        }
        == task
    )
    joined = machine.call(machine.document(begin=True))
    assert (joined.report["state"], joined.report["phase"]) == ("running", "features")
    assert machine.state["tasks"][TASK]["pid"] == task["pid"], "the task is joined, not doubled"
    machine.change(holds=[])
    machine.await_task()
    texts = [file.read_bytes() for file in machine.root.rglob("*") if file.is_file()]
    assert (machine.root / FOLDER / "installation.json").exists()
    assert not any(PASSWORD.encode() in text for text in texts)
    assert PASSWORD not in outcome.stdout + outcome.stderr


@pytest.mark.soak
def test_server_core_takes_ucma_from_the_image_and_no_desktop_features(machine: Machine) -> None:
    machine.boot(WINDOWS_2019, core=True)
    digest = machine.image(machine.web / "Exchange.iso", BUILDS["SE"])
    media = {"url": f"{machine.url}/Exchange.iso", "sha256": digest}
    packages = {name: package for name, package in machine.packages.items() if name != "ucma"}
    outcome = machine.install(machine.document("SE", media=media, packages=packages))
    assert (outcome.stderr, outcome.exit_code) == ("", 0)
    assert machine.asked == ["net48", "Exchange.iso", "vc2012", "vc2013", "urlRewrite"], "the image once"
    assert not {"Windows-Identity-Foundation", "Web-Mgmt-Console"} & set(machine.state["features"])
    assert not (machine.root / FOLDER / "files").exists()
    assert machine.state["mounts"] == {}


@pytest.mark.soak
def test_exchange_2013_gets_its_own_packages(machine: Machine) -> None:
    machine.boot(WINDOWS_2012_R2)
    machine.media(machine.root / "C/Media", BUILDS["2013"])
    outcome = machine.install(machine.document("2013"))
    assert (outcome.stderr, outcome.exit_code) == ("", 0)
    assert machine.asked == ["net472", "ucma", "vc2012", "vc2013"]
    assert {"Desktop-Experience", "AS-HTTP-Activation"} <= set(machine.state["features"])


# Where a task stops -> how it is interrupted there. Each takes a whole installation, so the first stands for all in
# `make test`.
INTERRUPTIONS = [
    ("Install-WindowsFeature", "restart"),
    pytest.param("Start-Process", "kill", marks=pytest.mark.soak),
    pytest.param("Copy-Item", "kill", marks=pytest.mark.soak),
    pytest.param("Copy-Item", "restart", marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("cmdlet", "how"), INTERRUPTIONS)
def test_the_next_call_goes_on_after_an_interruption(machine: Machine, cmdlet: str, how: str) -> None:
    machine.boot(WINDOWS_2019, holds=[cmdlet], shares={"\\\\files\\iso": str(machine.web)})
    machine.image(machine.web / "Exchange.iso", BUILDS["2019"])
    document = machine.document("2019", media={"path": "\\\\FILES\\iso\\Exchange.iso"})
    machine.call(document | {"begin": True})
    machine.await_hold(cmdlet)
    machine.kill() if how == "kill" else machine.restart()
    machine.await_task()
    machine.change(holds=[])
    outcome = machine.install(document)
    assert (outcome.stderr, outcome.exit_code) == ("", 0)
    assert machine.state["tasks"] == {}
    assert (machine.root / "C/ProgramData/installed").read_text(encoding="utf-8") == BUILDS["2019"]
    assert sorted(file.name for file in (machine.root / FOLDER).iterdir()) == ["progress.log"]


def unsuitable(machine: Machine, case: str) -> tuple[dict[str, Any], str]:
    """A document, and the words of its refusal."""
    machine.boot(WINDOWS_2019)
    machine.media(machine.root / "C/Media", BUILDS["2019"])
    match case:
        case "workgroup":
            machine.boot(WINDOWS_2019, domain=None)
            return machine.document("2019"), "not joined to a domain"
        case "Windows":
            return machine.document("2013"), "It runs on Windows Server 2012, Windows Server 2012 R2."
        case "password":
            credential = {"userName": USER, "password": "another"}
            return machine.document("2019", credential=credential), "Write the right user name and password"
        case "policy":
            machine.change(forbidsStoredPasswords=True)
            return machine.document("2019"), "A policy forbids to store passwords"
        case "version":
            machine.media(machine.root / "C/Media", BUILDS["2016"])
            return machine.document("2019"), "version 15.01.2507.006, which is not Exchange 2019"
        case "signature":
            machine.media(machine.root / "C/Media", BUILDS["2019"], status="HashMismatch")
            return machine.document("2019"), "not signed by Microsoft (signature HashMismatch"
        case "other media":
            (machine.root / "C/Media/ExchangeServer.msi").unlink()
            return machine.document("2019"), "is not Exchange media"
        case _:
            machine.image(machine.root / "C/Exchange.iso", BUILDS["2019"])
            media = {"path": "C:\\Exchange.iso", "sha256": "0" * 64}
            return machine.document("2019", media=media), "does not have the SHA-256"


@pytest.mark.parametrize(
    "case", ["workgroup", "Windows", "password", "policy", "version", "signature", "other media", "hash"]
)
def test_what_cannot_succeed_is_refused_before_the_first_change(machine: Machine, case: str) -> None:
    document, said = unsuitable(machine, case)
    outcome = machine.install(document)
    assert said in outcome.stderr
    assert (outcome.exit_code, outcome.report["state"]) == (1, "failed")
    assert machine.state.get("features", {}) == {}
    assert (machine.state.get("tasks", {}), machine.asked) == ({}, [])


@pytest.mark.soak
def test_marks_that_stay_end_the_run_after_three_restarts(machine: Machine) -> None:
    machine.boot(WINDOWS_2016)
    machine.media(machine.root / "C/Media", BUILDS["2016"])
    restart = machine.restart

    def restart_in_vain() -> None:
        restart()
        machine.change(pendingMarks=[CBS])

    machine.restart = restart_in_vain  # type: ignore[method-assign]
    outcome = machine.install(machine.document(), most=20)
    assert outcome.report["restarts"] == 3
    assert "After 3 restarts another one is asked for. " in outcome.stderr
    assert CBS in outcome.stderr


def test_a_package_with_another_hash_is_not_run(machine: Machine) -> None:
    machine.boot(WINDOWS_2016)
    machine.media(machine.root / "C/Media", BUILDS["2016"])
    packages = {**machine.packages, "net48": {**machine.packages["net48"], "sha256": "0" * 64}}
    outcome = machine.install(machine.document(packages=packages))
    assert f"expected {'0' * 64}" in outcome.stderr
    assert list((machine.root / FOLDER / "files").iterdir()) == []


def test_all_problems_of_a_document_are_reported_at_once(machine: Machine) -> None:
    machine.boot(WINDOWS_2016)
    document = machine.document(media={"url": "http://x/a.iso"}, roles=["Edge"], packages={"java": {}}, begin="yes")
    outcome = machine.call(document)
    assert outcome.exit_code == 2
    for problem in ("media.sha256: missing", "Edge is neither", "packages.java: unknown key", "begin: neither"):
        assert problem in outcome.stderr
    assert PASSWORD not in outcome.stderr
