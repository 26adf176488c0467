"""The resource group, the machines and their parts."""

from __future__ import annotations

from collections.abc import Iterator

from components.args import FarmArgs
from tests.plan.azure_models import find_refusals, takes_tags
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN, ROOT
from tests.plan.promises.reading import makes_private_zone, makes_public_zone, resource_group_name, servers_created_here
from tests.plan.wire import MarkedSecret

PROTECTED = {
    "azure-native:resources:ResourceGroup",
    "azure-native:privatedns:PrivateZone",
    "azure-native:privatedns:VirtualNetworkLink",
    "azure-native:privatedns:PrivateRecordSet",
    "azure-native:dns:Zone",
    "azure-native:dns:RecordSet",
    "azure-native:compute:VirtualMachine",
}
# Azure refuses a change of these, with 409 PropertyChangeNotAllowed or another error.
REFUSED_CHANGES = {
    *("availabilitySet", "networkProfile", "zones"),
    *("osProfile.adminUsername", "osProfile.computerName"),
}
# Later changes of the stack file do not apply to these. Data disks must not be among them: Pulumi would send the list
# of the last refresh.
CHOSEN_ONCE = {"osProfile.adminPassword", "securityProfile", "storageProfile.imageReference"}
# The newest Windows Server that Microsoft supports for each version and the marketplace offers with generation 2.
IMAGES = {"2016": "2016-datacenter-gensecond", "2019": "2019-datacenter-gensecond", "SE": "2025-datacenter-g2"}


def azure_accepts_the_inputs(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if one.type.startswith("azure-native:"):
            yield from find_refusals(one)


def every_resource_that_takes_tags_has_them(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if takes_tags(one.type) and one.inputs.get("tags") != farm.tags:
            yield f"{one.name}: {one.inputs.get('tags')}"


def protect_covers_the_documented_resources_only(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        if one.type.endswith(":Disk"):
            continue
        belongs = one.type in PROTECTED or one.name in {f"cas-{key}-ip" for key in farm.servers}
        if one.options.get("protect", False) != (farm.protect and belongs):
            yield f"{one.name}: protect = {one.options.get('protect')}"


def every_resource_is_in_the_stacks_resource_group(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """Record sets and links are in their zone's group, which the record sets' promises check."""
    name = resource_group_name(farm, plan.stack)
    makes = bool(servers_created_here(farm)) or makes_private_zone(farm) or makes_public_zone(farm)
    groups = [one.inputs["resourceGroupName"] for one in plan.of_type("ResourceGroup").values()]
    if groups != ([name] if makes and not farm.resource_group.existing else []):
        yield f"resource groups {groups}"
    for one in plan.resources.values():
        if one.type.startswith("azure-native:") and not one.type.endswith(("RecordSet", "VirtualNetworkLink")):
            if one.inputs["resourceGroupName"] != name:
                yield f"{one.name} is in {one.inputs['resourceGroupName']}"
            if groups and one.name != "cas-group" and not plan.waits_for(one, plan.find("cas-group")):
                yield f"{one.name} does not wait for its group"


def each_machine_is_as_exchange_and_azure_need_it(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    if plan.of_type("VirtualMachine").keys() != {f"cas-{key}-vm" for key in servers_created_here(farm)}:
        yield f"machines {plan.of_type('VirtualMachine').keys()}"
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
    for key, server in servers_created_here(farm).items():
        inputs = plan.find(f"cas-{key}-vm").inputs
        profile, disk = inputs["osProfile"], inputs["storageProfile"]["osDisk"]
        trusted = generation_2 if image.trusted_launch is None else image.trusted_launch
        for what, found, wanted in (
            ("name", inputs["vmName"], server.computer_name),
            ("computer name", profile["computerName"], server.computer_name),
            ("size", inputs["hardwareProfile"], {"vmSize": server.size or farm.vm_size}),
            (
                "interface",
                inputs["networkProfile"]["networkInterfaces"],
                [{"id": f"<id of cas-{key}-nic>", "primary": True}],
            ),
            ("administrator", profile["adminUsername"], farm.administrator),
            ("password", profile["adminPassword"], MarkedSecret(GIVEN["adminPassword"])),
            ("agent", profile["windowsConfiguration"]["provisionVMAgent"], True),
            ("updates", profile["windowsConfiguration"]["enableAutomaticUpdates"], False),
            ("patches", profile["windowsConfiguration"]["patchSettings"], {"patchMode": "Manual"}),
            ("image", inputs["storageProfile"]["imageReference"], {"id": image.id} if image.id else offered),
            ("disk", disk["managedDisk"], {"storageAccountType": "Premium_LRS"}),
            ("disk's name", disk["name"], f"{server.computer_name}-os"),
            ("disk's options", (disk["createOption"], disk["deleteOption"]), ("FromImage", "Delete")),
            ("launch", inputs.get("securityProfile"), launch if trusted else None),
            # Without a list, disks that people attached stay: see docs/decisions/0016.
            ("data disks", bool(inputs["storageProfile"].get("dataDisks")), bool(server.data_disks)),
            ("console", inputs["diagnosticsProfile"], {"bootDiagnostics": {"enabled": True}}),
        ):
            if found != wanted:
                yield f"{key}: {what} = {found}, not {wanted}"


def a_change_that_azure_refuses_replaces_the_machine(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    for name, one in plan.of_type("VirtualMachine").items():
        if set(one.options["replaceOnChanges"]) != REFUSED_CHANGES:
            yield f"{name}: {one.options['replaceOnChanges']}"
        if set(one.options["ignoreChanges"]) != CHOSEN_ONCE or one.options["deleteBeforeReplace"] is not True:
            yield f"{name}: {one.options}"


def ssh_is_enabled_on_the_port_that_is_dialled(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    script = (ROOT / "components/scripts/Enable-OpenSsh.ps1").read_text(encoding="utf-8")
    given = {"Port": str(farm.ssh.port), "PackageUrl": farm.ssh.package_url, "PackageSha256": farm.ssh.package_sha256}
    every = plan.of_type("VirtualMachineRunCommandByVirtualMachine")
    found = {name: one for name, one in every.items() if not name.endswith("-drives")}
    if found.keys() != {f"cas-{key}-ssh" for key in servers_created_here(farm)}:
        yield f"{found.keys()}"
    for key, server in servers_created_here(farm).items():
        one = found[f"cas-{key}-ssh"]
        inputs = one.inputs
        if (inputs["vmName"], inputs["runCommandName"]) != (server.computer_name, "EnableOpenSsh"):
            yield f"{key} runs {inputs['runCommandName']} on {inputs['vmName']}"
        if inputs["source"] != {"script": script}:
            yield f"{key} runs another script"
        passed = {parameter["name"]: parameter["value"] for parameter in inputs["parameters"]}
        if passed != {name: value for name, value in given.items() if value}:
            yield f"{key} gets {passed}"
        if one.options.get("ignoreChanges") != ["tags"]:
            yield f"{key} must run for new tags"
        if one.options.get("deleteBeforeReplace") is not True:
            yield f"{key}: an interrupted rebuild would delete the new run command"
        if inputs["treatFailureAsDeploymentFailure"] is not True or inputs["timeoutInSeconds"] < 900:
            yield f"{key} may fail unseen"
        if not plan.waits_for(one, plan.find(f"cas-{key}-vm")):
            yield f"{key} is not waited for"


def a_lab_is_shut_down_every_evening(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    wanted = farm.auto_shutdown
    found = plan.of_type("GlobalSchedule")
    if found.keys() != ({f"cas-{key}-shutdown" for key in servers_created_here(farm)} if wanted else set()):
        yield f"{found.keys()}"
    for key, server in servers_created_here(farm).items():
        if wanted:
            inputs = found[f"cas-{key}-shutdown"].inputs
            # Azure refuses a schedule with another name, and shows none with another task.
            if (
                inputs["name"] != f"shutdown-computevm-{server.computer_name}"
                or inputs["taskType"] != "ComputeVmShutdownTask"
            ):
                yield f"{key}: {inputs['name']}"
            if (inputs["status"], inputs["targetResourceId"]) != ("Enabled", f"<id of cas-{key}-vm>"):
                yield f"{key}: {inputs['status']} for {inputs['targetResourceId']}"
            if (inputs["dailyRecurrence"], inputs["timeZoneId"]) != ({"time": wanted.time}, wanted.time_zone):
                yield f"{key}: {inputs['dailyRecurrence']}"


def machines_without_a_zone_are_in_an_availability_set(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    sets = plan.of_type("AvailabilitySet")
    if len(sets) != any(not server.zone for server in servers_created_here(farm).values()):
        yield f"{len(sets)} availability sets"
    for one in sets.values():
        if one.inputs["sku"] != {"name": "Aligned"} or one.inputs["platformFaultDomainCount"] < 2:
            yield f"{one.inputs}"
        if one.inputs["platformUpdateDomainCount"] < 2:
            yield "all restart together"
    for key, server in servers_created_here(farm).items():
        inputs = plan.find(f"cas-{key}-vm").inputs
        apart = (inputs.get("zones"), inputs.get("availabilitySet"))
        if apart != (([server.zone], None) if server.zone else (None, {"id": "<id of cas-availability-set>"})):
            yield f"{key}: {apart}"


def each_data_disk_is_attached_and_prepared_as_declared(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    script = (ROOT / "components/scripts/Initialize-DataDisk.ps1").read_text(encoding="utf-8")
    for key, server in servers_created_here(farm).items():
        machine = plan.find(f"cas-{key}-vm")
        attached = {
            disk["lun"]: disk
            for disk in machine.inputs["storageProfile"].get("dataDisks", [])
            if f"-{key}-disk" in disk["managedDisk"]["id"]
        }
        if attached.keys() != {row.lun for row in server.data_disks}:
            yield f"{key} has {attached.keys()}"
        for row in server.data_disks:
            one, entry = plan.find(f"cas-{key}-disk{row.lun}"), attached[row.lun]
            if one.options.get("protect", False) != row.protect:
                yield f"{one.name}: protect = {one.options.get('protect')}"
            if (one.inputs["diskSizeGB"], one.inputs["sku"]) != (row.size_gib, {"name": row.sku}):
                yield f"{one.name}: {one.inputs}"
            if one.inputs.get("zones") != (machine.inputs.get("zones") if row.sku == "Premium_LRS" else None):
                yield f"{one.name} cannot be attached from another zone"
            if entry["managedDisk"]["id"] != f"<id of {one.name}>" or entry["createOption"] != "Attach":
                yield f"{key}: {entry}"
            if (entry["deleteOption"], entry["caching"]) != ("Detach", "None"):
                yield f"{one.name} is deleted with its machine, or is cached"
        drives = ",".join(f"{row.lun}={row.drive}" for row in server.data_disks if row.drive)
        if drives:
            one = plan.find(f"cas-{key}-drives")
            if one.inputs["source"] != {"script": script} or one.options.get("ignoreChanges") != ["tags"]:
                yield f"{one.name}: {one.options}"
            if one.inputs["parameters"] != [{"name": "Drives", "value": drives}] or not plan.waits_for(one, machine):
                yield f"{one.name}: {one.inputs['parameters']}"
