"""Availability sets, managed run commands and shutdown schedules; see `machine` for virtual machines."""

import re

from rehearsal.stand_ins.provider.servicer import ProviderError

from ..errors import ArmError
from ..put import Put
from ..store import normalise_location

_LONGEST_RUN_SECONDS = 90 * 60


def apply_availability_set(put: Put) -> None:
    put.body["sku"] = put.value("sku") or {"name": "Classic"}
    if put.body["sku"].get("name") not in ("Aligned", "Classic"):
        raise ArmError(400, "InvalidParameter", f"{put.name}: sku must be Aligned or Classic.")
    for name, most in (("platformFaultDomainCount", 3), ("platformUpdateDomainCount", 20)):
        count = put.body.setdefault(name, {3: 2, 20: 5}[most])
        if not 1 <= count <= most:
            raise ArmError(400, "InvalidParameter", f"{put.name}: {name} must be between 1 and {most}.")
    put.refuse_changes("platformFaultDomainCount", "platformUpdateDomainCount")


def apply_run_command(put: Put) -> None:
    sources = [key for key in ("script", "scriptUri", "commandId") if put.value(f"source.{key}")]
    if len(sources) != 1:
        raise ArmError(400, "InvalidParameter", f"{put.name}: give exactly one of source.script, scriptUri, commandId.")
    if sources != ["script"]:
        raise ProviderError(f"{put.name}: the stand-in runs source.script only.")
    machine = put.store.get(put.parent_id)
    if machine is not None and machine.location != normalise_location(put.body["location"]):
        raise ArmError(409, "InvalidResourceLocation", f"{put.name} is not in the location of its virtual machine.")
    if put.value("runAsUser") and not put.value("runAsPassword"):
        raise ArmError(400, "InvalidParameter", f"{put.name}: runAsUser needs runAsPassword.")
    if not 0 <= (put.value("timeoutInSeconds") or 0) <= _LONGEST_RUN_SECONDS:
        raise ArmError(400, "InvalidParameter", f"{put.name}: timeoutInSeconds is at most {_LONGEST_RUN_SECONDS}.")
    names = [entry["name"] for kind in ("parameters", "protectedParameters") for entry in put.value(kind) or []]
    if len(set(names)) < len(names):
        raise ArmError(400, "InvalidParameter", f"{put.name}: a parameter is given twice.")


def apply_schedule(put: Put) -> None:
    put.require("taskType", "targetResourceId", "dailyRecurrence.time", "timeZoneId", "location")
    if put.value("taskType") != "ComputeVmShutdownTask":
        raise ArmError(400, "InvalidScheduleType", f"{put.name}: taskType must be ComputeVmShutdownTask.")
    if put.value("hourlyRecurrence") or put.value("weeklyRecurrence"):
        raise ArmError(400, "InvalidScheduleRecurrence", f"{put.name}: a shutdown recurs daily only.")
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d", put.value("dailyRecurrence.time")):
        raise ArmError(400, "InvalidScheduleTime", f"{put.name}: dailyRecurrence.time is HHmm.")
    machine = put.store.get(put.value("targetResourceId"))
    if machine is None or machine.type != "compute:VirtualMachine":
        raise ArmError(400, "InvalidScheduleTarget", f"{put.name}: targetResourceId is not a virtual machine.")
    wanted = f"shutdown-computevm-{machine.body['name']}"
    if put.name.lower() != wanted.lower():
        raise ArmError(400, "InvalidScheduleId", f"The schedule of this virtual machine must be named {wanted}.")
    if machine.location != normalise_location(put.body["location"]):
        raise ArmError(400, "InvalidScheduleLocation", f"{put.name} is not in the location of its virtual machine.")
