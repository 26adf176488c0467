"""Rules for the virtual machines that a stack creates."""

from __future__ import annotations

import pytest

from rehearsal.stand_ins.azure_native.rules.machine import _REFUSED_USERS as REFUSED_BY_AZURE
from stacks import machine_rules
from tests.unit.good_stack_file import HOST_KEY, Edit, assert_problem, change_keys, change_server, find_problems

pytestmark = pytest.mark.unit

COMPUTE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": 3, "sizeGib": 8}, {"lun": 3, "sizeGib": 8}]),
            "servers.ex01.dataDisks.lun",
            "more than one disk",
            id="a LUN twice",
        ),
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": n, "sizeGib": 8, "drive": "F"} for n in (0, 1)]),
            "servers.ex01.dataDisks.drive",
            "more than one disk",
            id="a drive twice",
        ),
        pytest.param(
            change_server("ex01", existing=True, hostKey=HOST_KEY, dataDisks=[{"lun": 0, "sizeGib": 8}]),
            "servers.ex01.dataDisks",
            "remove existing: true",
            id="disks of an existing server",
        ),
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": 64, "sizeGib": 8}]),
            "servers.ex01.dataDisks[0].lun",
            "from 0 to 63",
            id="a LUN too high",
        ),
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": 0, "sizeGib": 3}]),
            "servers.ex01.dataDisks[0].sizeGib",
            "from 4 to 32767",
            id="a disk too small",
        ),
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": 0, "sizeGib": 8, "drive": "D"}]),
            "servers.ex01.dataDisks[0].drive",
            "from F to Z",
            id="the drive of Azure's temporary disk",
        ),
        pytest.param(
            change_server("ex01", dataDisks=[{"lun": 0, "sizeGib": 8, "sku": "Standard_LRS"}]),
            "servers.ex01.dataDisks[0].sku",
            "Premium_LRS, Premium_ZRS",
            id="a disk that Exchange is not supported on",
        ),
        pytest.param(
            change_keys(administrator="1st"), "administrator", "a letter first", id="account that begins with a digit"
        ),
        pytest.param(change_keys(administrator="a" * 21), "administrator", "20 characters", id="account too long"),
        pytest.param(
            change_keys(image={"id": "Windows-2012-R2"}), "image.id", "/subscriptions/", id="name of an image"
        ),
        pytest.param(change_keys(exchangeVersion="2013"), "image.id", "2012 R2", id="2013 without an image"),
        pytest.param(change_keys(exchangeVersion="2016"), "ssh.packageUrl", "OpenSSH", id="2016 without a package"),
        pytest.param(
            lambda values: values.pop("adminPassword"), "adminPassword", "config set --secret", id="no admin password"
        ),
    ],
)
def test_a_mistake_in_a_virtual_machine_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


@pytest.mark.parametrize("name", sorted(name for name in REFUSED_BY_AZURE if not name[0].isdigit()))
def test_an_administrator_that_azure_refuses_is_refused_in_any_letter_case(name: str) -> None:
    for spelled in (name, name.upper(), name.capitalize()):
        assert list(find_problems(change_keys(administrator=spelled))) == ["administrator"]
        assert find_problems(change_keys(administrator=f"{spelled}-cas")) == {}


@pytest.mark.parametrize(
    "image", ["images/2012r2", "galleries/g/images/2012r2", "galleries/g/images/2012r2/versions/1.0.0"]
)
def test_the_id_of_an_own_image_is_accepted(image: str) -> None:
    id = f"/subscriptions/s/resourceGroups/images/providers/Microsoft.Compute/{image}"
    assert find_problems(change_keys(image={"id": id})) == {}


def test_trusted_launch_of_a_managed_image_is_refused() -> None:
    managed = {"id": f"{COMPUTE}/images/2012r2", "trustedLaunch": True}
    assert list(find_problems(change_keys(image=managed))) == ["image.trustedLaunch"]
    assert find_problems(change_keys(image={**managed, "trustedLaunch": False})) == {}
    gallery = f"{COMPUTE}/galleries/g/images/2025/versions/1.0.0"
    assert find_problems(change_keys(image={"id": gallery, "trustedLaunch": True})) == {}


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("europe/berlin", "W. Europe Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("w. europe standard time", "W. Europe Standard Time"),
        ("W Europe Standard Time", "W. Europe Standard Time"),
        ("Etc/UTC", "UTC"),
        ("qqqq", "tzutil /l"),
    ],
)
def test_a_time_zone_that_windows_does_not_know_is_refused_with_the_one_that_was_meant(zone: str, meant: str) -> None:
    found = find_problems(change_keys(autoShutdown={"timeZone": zone}))
    assert list(found) == ["autoShutdown.timeZone"]
    assert meant in found["autoShutdown.timeZone"].remedy


@pytest.mark.parametrize("zone", ["UTC", "W. Europe Standard Time", "Tokyo Standard Time", "UTC-11"])
def test_a_time_zone_of_windows_is_accepted(zone: str) -> None:
    assert find_problems(change_keys(autoShutdown={"timeZone": zone})) == {}
    assert len(machine_rules.load_time_zones()) > 130
