"""Rules for the virtual machines that a stack creates: administrator, image, time zone, data disks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from components.args import FarmArgs, ServerArgs
from stacks.problems import MISSING, Report

# The names that Azure refuses for the administrator of Windows. Those that begin with a digit the key's form refuses.
REFUSED_ADMINISTRATORS = (
    *("a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet", "backup", "console", "david"),
    *("guest", "john", "owner", "root", "server", "sql", "support", "support_388945a0", "sys"),
    *("test", "test1", "test2", "test3", "user", "user1", "user2", "user3", "user4", "user5"),
)
IMAGE_OF_GALLERY = re.compile(r"/galleries/", re.IGNORECASE)
# Name in Windows -> IANA names of the same zone. Source: windowsZones.xml of Unicode CLDR, which Microsoft maintains.
TIME_ZONES = Path(__file__).with_name("time_zones.json")


def check_administrator(farm: FarmArgs, report: Report) -> None:
    if farm.creates_servers and farm.administrator.lower() in REFUSED_ADMINISTRATORS:
        remedy = "is a name that Azure refuses for an administrator. Choose another one, such as casadmin."
        report("administrator", farm.administrator, remedy)


def check_admin_password(farm: FarmArgs, report: Report) -> None:
    if farm.creates_servers and farm.admin_password is None:
        report("adminPassword", MISSING, "is missing. Set it: pulumi config set --secret adminPassword")


def check_image_of_2013(farm: FarmArgs, report: Report) -> None:
    if farm.creates_servers and farm.exchange_version == "2013" and not farm.image.id:
        remedy = (
            "is missing. Exchange 2013 needs Windows Server 2012 R2, which the Azure Marketplace no longer offers. "
            "Write the id of your own image."
        )
        report("image.id", MISSING, remedy)


def check_ssh_package_of_old_windows(farm: FarmArgs, report: Report) -> None:
    if not farm.creates_servers or farm.exchange_version not in ("2013", "2016"):
        return
    for key, value in (("packageUrl", farm.ssh.package_url), ("packageSha256", farm.ssh.package_sha256)):
        if not value:
            remedy = (
                f"is missing. The Windows Server of Exchange {farm.exchange_version} comes without OpenSSH. "
                "Write ssh.packageUrl and ssh.packageSha256 of a package to install."
            )
            report(f"ssh.{key}", MISSING, remedy)


def check_trusted_launch(farm: FarmArgs, report: Report) -> None:
    if farm.image.trusted_launch and farm.image.id and not IMAGE_OF_GALLERY.search(farm.image.id):
        remedy = (
            "needs an image of the Azure Marketplace or of a Compute Gallery, but image.id is a managed image. "
            "Remove one of the two keys."
        )
        report("image.trustedLaunch", True, remedy)


def check_auto_shutdown(farm: FarmArgs, report: Report) -> None:
    if farm.auto_shutdown and (remedy := explain_unknown_time_zone(farm.auto_shutdown.time_zone)):
        report("autoShutdown.timeZone", farm.auto_shutdown.time_zone, remedy)


@cache
def load_time_zones() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = json.loads(TIME_ZONES.read_text(encoding="utf-8"))
    return zones


def explain_unknown_time_zone(name: str) -> str | None:
    """What to write instead; None for a time zone of Windows."""
    zones = load_time_zones()
    if name in zones:
        return None
    same = [zone for zone, iana_names in zones.items() if name.lower() in map(str.lower, iana_names)]
    spelling = {zone.lower(): zone for zone in zones}
    near = same or [spelling[zone] for zone in get_close_matches(name.lower(), spelling, n=1)]
    advice = f"Write {near[0]}." if near else "Write one such as UTC or W. Europe Standard Time (tzutil /l lists them)."
    return f"is not a time zone of Windows, which Azure needs. {advice}"


def check_disks_of_existing(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.data_disks and server.existing:
        remedy = "is only for virtual machines that this stack creates. Remove it, or remove existing: true."
        report(f"servers.{name}.dataDisks", MISSING, remedy)


def check_luns(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    check_unique_among_disks(f"servers.{name}.dataDisks.lun", [disk.lun for disk in server.data_disks], report)


def check_drives(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    check_unique_among_disks(f"servers.{name}.dataDisks.drive", [disk.drive for disk in server.data_disks], report)


def check_unique_among_disks(key: str, values: Sequence[int | str | None], report: Report) -> None:
    for value, count in Counter(values).items():
        if value is not None and count > 1:
            report(key, value, "is used by more than one disk of this server. Give each disk its own.")


RULES = (
    check_administrator,
    check_admin_password,
    check_image_of_2013,
    check_ssh_package_of_old_windows,
    check_trusted_launch,
    check_auto_shutdown,
)
RULES_OF_EACH_SERVER = (check_disks_of_existing, check_luns, check_drives)
