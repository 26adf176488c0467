"""The resource group, the machines and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator

from components.args import FarmArgs
from tests.plan.azure_models import refused, takes_tags
from tests.plan.plan import Plan
from tests.plan.program import GIVEN, ROOT
from tests.plan.promises.reading import group, made, makes_private_zone, makes_public_zone
from tests.plan.wire import Secret

PROTECTED = {
    "azure-native:resources:ResourceGroup",
    "azure-native:privatedns:PrivateZone",
    "azure-native:privatedns:VirtualNetworkLink",
    "azure-native:privatedns:PrivateRecordSet",
    "azure-native:dns:Zone",
    "azure-native:dns:RecordSet",
    "azure-native:compute:VirtualMachine",
}
# Azure answers a change of these with 409 PropertyChangeNotAllowed or an error of its own.
REFUSED_CHANGES = {
    *("availabilitySet", "networkProfile", "zones"),
    *("osProfile.adminUsername", "osProfile.computerName"),
}
# What later changes of the stack file are not for. Never the data disks: the list of the last refresh would be sent.
CHOSEN_ONCE = {"osProfile.adminPassword", "securityProfile", "storageProfile.imageReference"}
# The newest Windows Server that Microsoft supports for each version and the marketplace offers with generation 2.
IMAGES = {"2016": "2016-datacenter-gensecond", "2019": "2019-datacenter-gensecond", "SE": "2025-datacenter-g2"}


def azure_accepts_the_inputs(plan: Plan, _: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if one.type.startswith("azure-native:"):
            yield from refused(one)


def all_that_takes_tags_has_them(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if takes_tags(one.type) and one.inputs.get("tags") != farm.tags:
            yield f"{one.name}: {one.inputs.get('tags')}"


def what_the_key_says_is_protected_and_nothing_else(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if one.type.endswith(":Disk"):
            continue
        belongs = one.type in PROTECTED or one.name in {f"cas-{key}-ip" for key in farm.servers}
        if one.options.get("protect", False) != (farm.protect and belongs):
            yield f"{one.name}: protect = {one.options.get('protect')}"


def all_lies_in_the_stacks_resource_group(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    """What belongs to a zone lies with the zone; the record sets' promise looks at these."""
    name = group(farm, plan.stack)
    makes = bool(made(farm)) or makes_private_zone(farm) or makes_public_zone(farm)
    groups = [one.inputs["resourceGroupName"] for one in plan.of("ResourceGroup").values()]
    if groups != ([name] if makes and not farm.resource_group.existing else []):
        yield f"resource groups {groups}"
    for one in plan.resources.values():
        if one.type.startswith("azure-native:") and not one.type.endswith(("RecordSet", "VirtualNetworkLink")):
            if one.inputs["resourceGroupName"] != name:
                yield f"{one.name} lies in {one.inputs['resourceGroupName']}"
            if groups and one.name != "cas-group" and not plan.waits(one, plan.one("cas-group")):
                yield f"{one.name} does not wait for its group"


def each_machine_is_as_exchange_and_azure_need_it(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    if plan.of("VirtualMachine").keys() != {f"cas-{key}-vm" for key in made(farm)}:
        yield f"machines {plan.of('VirtualMachine').keys()}"
    image = farm.image
    offered = {
        "publisher": image.publisher,
        "offer": image.offer,
        "sku": image.sku or IMAGES.get(farm.exchange_version),
        "version": image.version,
    }
    generation_2 = not image.id and str(offered["sku"]).endswith(("-g2", "-gensecond"))
    launch = {
        "securityType": "TrustedLaunch",
        "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
    }
    for key, server in made(farm).items():
        told = plan.one(f"cas-{key}-vm").inputs
        profile, disk = told["osProfile"], told["storageProfile"]["osDisk"]
        trusted = generation_2 if image.trusted_launch is None else image.trusted_launch
        for what, found, wanted in (
            ("name", told["vmName"], server.computer_name),
            ("computer name", profile["computerName"], server.computer_name),
            ("size", told["hardwareProfile"], {"vmSize": server.size or farm.vm_size}),
            (
                "interface",
                told["networkProfile"]["networkInterfaces"],
                [{"id": f"<id of cas-{key}-nic>", "primary": True}],
            ),
            ("administrator", profile["adminUsername"], farm.administrator),
            ("password", profile["adminPassword"], Secret(GIVEN["adminPassword"])),
            ("agent", profile["windowsConfiguration"]["provisionVMAgent"], True),
            ("updates", profile["windowsConfiguration"]["enableAutomaticUpdates"], False),
            ("patches", profile["windowsConfiguration"]["patchSettings"], {"patchMode": "Manual"}),
            ("image", told["storageProfile"]["imageReference"], {"id": image.id} if image.id else offered),
            ("disk", disk["managedDisk"], {"storageAccountType": "Premium_LRS"}),
            ("disk's name", disk["name"], f"{server.computer_name}-os"),
            ("disk's end", (disk["createOption"], disk["deleteOption"]), ("FromImage", "Delete")),
            ("launch", told.get("securityProfile"), launch if trusted else None),
            # Left out, those that people attach stay: see docs/decisions/0016.
            ("data disks", bool(told["storageProfile"].get("dataDisks")), bool(server.data_disks)),
            ("console", told["diagnosticsProfile"], {"bootDiagnostics": {"enabled": True}}),
        ):
            if found != wanted:
                yield f"{key}: {what} = {found}, not {wanted}"


def a_change_that_azure_refuses_makes_a_new_machine(plan: Plan, _: FarmArgs) -> Iterator[str]:
    for name, one in plan.of("VirtualMachine").items():
        if set(one.options["replaceOnChanges"]) != REFUSED_CHANGES:
            yield f"{name}: {one.options['replaceOnChanges']}"
        if set(one.options["ignoreChanges"]) != CHOSEN_ONCE or one.options["deleteBeforeReplace"] is not True:
            yield f"{name}: {one.options}"


def ssh_is_switched_on_as_it_is_dialled(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    script = (ROOT / "components/scripts/Enable-OpenSsh.ps1").read_text(encoding="utf-8")
    given = {"Port": str(farm.ssh.port), "PackageUrl": farm.ssh.package_url, "PackageSha256": farm.ssh.package_sha256}
    every = plan.of("VirtualMachineRunCommandByVirtualMachine")
    found = {name: one for name, one in every.items() if not name.endswith("-drives")}
    if found.keys() != {f"cas-{key}-ssh" for key in made(farm)}:
        yield f"{found.keys()}"
    for key, server in made(farm).items():
        one = found[f"cas-{key}-ssh"]
        told = one.inputs
        if (told["vmName"], told["runCommandName"]) != (server.computer_name, "EnableOpenSsh"):
            yield f"{key} runs {told['runCommandName']} on {told['vmName']}"
        if told["source"] != {"script": script}:
            yield f"{key} runs another script"
        passed = {parameter["name"]: parameter["value"] for parameter in told["parameters"]}
        if passed != {name: value for name, value in given.items() if value}:
            yield f"{key} gets {passed}"
        if one.options.get("ignoreChanges") != ["tags"]:
            yield f"{key} must run for new tags"
        if told["treatFailureAsDeploymentFailure"] is not True or told["timeoutInSeconds"] < 900:
            yield f"{key} may fail unseen"
        if not plan.waits(one, plan.one(f"cas-{key}-vm")):
            yield f"{key} is not waited for"


def a_lab_is_shut_down_every_evening(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    wanted = farm.auto_shutdown
    found = plan.of("GlobalSchedule")
    if found.keys() != ({f"cas-{key}-shutdown" for key in made(farm)} if wanted else set()):
        yield f"{found.keys()}"
    for key, server in made(farm).items():
        if wanted:
            told = found[f"cas-{key}-shutdown"].inputs
            # Azure refuses a schedule of any other name, and shows one of any other task nowhere.
            if (
                told["name"] != f"shutdown-computevm-{server.computer_name}"
                or told["taskType"] != "ComputeVmShutdownTask"
            ):
                yield f"{key}: {told['name']}"
            if (told["status"], told["targetResourceId"]) != ("Enabled", f"<id of cas-{key}-vm>"):
                yield f"{key}: {told['status']} for {told['targetResourceId']}"
            if (told["dailyRecurrence"], told["timeZoneId"]) != ({"time": wanted.time}, wanted.time_zone):
                yield f"{key}: {told['dailyRecurrence']}"


def machines_without_a_zone_are_kept_apart(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    sets = plan.of("AvailabilitySet")
    if len(sets) != any(not server.zone for server in made(farm).values()):
        yield f"{len(sets)} availability sets"
    for one in sets.values():
        if one.inputs["sku"] != {"name": "Aligned"} or one.inputs["platformFaultDomainCount"] < 2:
            yield f"{one.inputs}"
        if one.inputs["platformUpdateDomainCount"] < 2:
            yield "all restart together"
    for key, server in made(farm).items():
        told = plan.one(f"cas-{key}-vm").inputs
        apart = (told.get("zones"), told.get("availabilitySet"))
        if apart != (([server.zone], None) if server.zone else (None, {"id": "<id of cas-availability-set>"})):
            yield f"{key}: {apart}"


def each_data_disk_is_attached_and_prepared_as_declared(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    script = (ROOT / "components/scripts/Initialize-DataDisk.ps1").read_text(encoding="utf-8")
    for key, server in made(farm).items():
        machine = plan.one(f"cas-{key}-vm")
        attached = {
            disk["lun"]: disk
            for disk in machine.inputs["storageProfile"].get("dataDisks", [])
            if f"-{key}-disk" in disk["managedDisk"]["id"]
        }
        if attached.keys() != {row.lun for row in server.data_disks}:
            yield f"{key} has {attached.keys()}"
        for row in server.data_disks:
            one, entry = plan.one(f"cas-{key}-disk{row.lun}"), attached[row.lun]
            if one.options.get("protect", False) != row.protect:
                yield f"{one.name}: protect = {one.options.get('protect')}"
            if (one.inputs["diskSizeGB"], one.inputs["sku"]) != (row.size_gib, {"name": row.sku}):
                yield f"{one.name}: {one.inputs}"
            if one.inputs.get("zones") != (machine.inputs.get("zones") if row.sku == "Premium_LRS" else None):
                yield f"{one.name} cannot be attached from another zone"
            if entry["managedDisk"]["id"] != f"<id of {one.name}>" or entry["createOption"] != "Attach":
                yield f"{key}: {entry}"
            if (entry["deleteOption"], entry["caching"]) != ("Detach", "None"):
                yield f"{one.name} goes with its machine, or is cached"
        drives = ",".join(f"{row.lun}={row.drive}" for row in server.data_disks if row.drive)
        if drives:
            one = plan.one(f"cas-{key}-drives")
            if one.inputs["source"] != {"script": script} or one.options.get("ignoreChanges") != ["tags"]:
                yield f"{one.name}: {one.options}"
            if one.inputs["parameters"] != [{"name": "Drives", "value": drives}] or not plan.waits(one, machine):
                yield f"{one.name}: {one.inputs['parameters']}"
