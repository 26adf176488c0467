"""Plain words for resources: what each is, what happens to it and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from operations.review.markdown import code, join_codes, join_words
from operations.review.plan import Plan
from operations.review.preview import Preview, PreviewStep, format_value, is_unknown
from operations.review.resources import (
    COMMAND,
    MACHINE,
    ON_SERVERS,
    RESTORATION,
    is_component,
    is_rotation_command,
    server_key,
)

TYPES = {
    MACHINE: "virtual machine",
    "azure-native:compute:Disk": "data disk",
    "azure-native:network:NetworkInterface": "network interface",
    "azure-native:network:PublicIPAddress": "public address",
    "azure-native:network:NatGateway": "NAT gateway",
    "azure-native:network:VirtualNetwork": "virtual network",
    "azure-native:network:Subnet": "subnet",
    "azure-native:network:NetworkSecurityGroup": "security group",
    "azure-native:privatedns:PrivateZone": "DNS zone (inside)",
    "azure-native:dns:Zone": "DNS zone (outside)",
    "azure-native:privatedns:PrivateRecordSet": "record set (inside)",
    "azure-native:dns:RecordSet": "record set (outside)",
    "azure-native:privatedns:VirtualNetworkLink": "network link of the zone",
    "azure-native:compute:AvailabilitySet": "availability set",
    "azure-native:compute:VirtualMachineRunCommandByVirtualMachine": "SSH set-up",
    "azure-native:devtestlab:GlobalSchedule": "daily shutdown",
    "azure-native:resources:ResourceGroup": "resource group",
    "command:remote:CopyToRemote": "copy of the scripts",
    RESTORATION: "restoration of a server's own URLs",
}
COMMANDS = {"rotation": "rotation command", "namespace": "Exchange settings"}
COSTLY = {
    MACHINE: "virtual machine and its disk",
    "azure-native:network:NatGateway": "NAT gateway",
    "azure-native:network:PublicIPAddress": "public address",
    "azure-native:network:LoadBalancer": "load balancer",
    "azure-native:network:BastionHost": "Bastion host",
    "azure-native:compute:Disk": "disk",
    "azure-native:privatedns:PrivateZone": "DNS zone (low cost)",
    "azure-native:dns:Zone": "DNS zone (low cost)",
}
# Properties with a label; others appear under their own name.
PROPERTIES = {
    "aRecords": "addresses",
    "ttl": "TTL",
    "tags": "tags",
    "stdin": "script input",
    "create": "script path",
    "connection": "connection to the server",
    "remotePath": "script folder",
    "securityRules": "security rules",
    "source": "script files",
    "targetResourceId": "virtual machine",
}
# What happens to a command on a server, and to any other resource.
COMMAND_OPERATIONS = {
    "delete": "dropped",
    "replace": "run again",
    "create": "run",
    "import": "run",
    "update": "run again",
}
RESOURCE_OPERATIONS = {
    "delete": "deleted",
    "replace": "deleted and created again",
    "create": "created",
    "import": "imported",
    "update": "changed",
}


def label_type(step: PreviewStep) -> str:
    if step.type in TYPES:
        return TYPES[step.type]
    if step.type == COMMAND:
        return COMMANDS.get(step.name.rpartition("-")[2], "command on the server")
    # A type of another program: the words of its last part.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", step.type.rpartition(":")[2])
    return re.sub(r"[^a-z0-9 ]", "", spaced.lower())


def label_operation(step: PreviewStep) -> str:
    labels = COMMAND_OPERATIONS if step.type.startswith(ON_SERVERS) else RESOURCE_OPERATIONS
    return labels.get(step.operation) or code(step.operation)


def explain_step(step: PreviewStep, plan: Plan) -> str:
    """Why the engine plans this step, in Markdown."""
    key = server_key(step)
    if not step.is_known:
        return "the review does not know this operation"
    if step.operation == "delete":
        is_removed = key in plan.servers and key not in plan.configured and plan.configured
        return f"{code(key)} is no longer in the stack file" if is_removed and key else "no longer in the program"
    if step.operation == "replace":
        return explain_replacement(step, plan.preview)
    if step.operation in ("create", "import"):
        return "new"
    if step.changed and all(is_known_later(step, path) for path in step.changed):
        return f"known only after the run, perhaps unchanged: {label_properties(step.changed)}"
    return f"changes: {label_properties(step.changed)}" if step.changed else "changes"


def label_properties(paths: Sequence[str]) -> str:
    """Markdown. A path inside a property that has a label counts as the property."""
    tops = {path: re.split(r"[.\[]", path)[0] for path in paths}
    return ", ".join(dict.fromkeys(PROPERTIES.get(top) or code(path) for path, top in tops.items()))


def is_known_later(step: PreviewStep, path: str) -> bool:
    """Whether the property differs only because its new value is unknown. A connection is secret, so always unknown."""
    top = re.split(r"[.\[]", path)[0]
    return is_unknown(step.after.get(top)) or top == "connection"


def explain_replacement(step: PreviewStep, preview: Preview) -> str:
    deleted = {other.urn: other for other in preview.changes if other.is_deleted}
    sources = (step.with_it, *(urn for urns in step.needs.values() for urn in urns))
    causes = [deleted[urn] for urn in sources if urn in deleted]
    if step.forcing == ("id",):
        return "requested with `--replace`"
    if step.forcing and step.type.startswith(ON_SERVERS):
        return "the server goes into or out of rotation" if is_rotation_command(step) else "its triggers change"
    if step.forcing:
        return f"{join_codes(step.forcing)} cannot be changed in place"
    if causes:
        return f"the {label_type(causes[0])} that it belongs to is deleted"
    return "the provider requires it"


def list_costs(plan: Plan) -> list[str]:
    """A Markdown line for each resource that costs money and is created, deleted or resized."""
    lines = []
    for step in plan.preview.changes:
        what = COSTLY.get(step.type)
        sizes = [
            format_value((half.get("hardwareProfile") or {}).get("vmSize", "")) for half in (step.before, step.after)
        ]
        name = step.name + (f" ({sizes[1] or sizes[0]})" if any(sizes) else "")
        if what and step.operation in ("create", "import"):
            lines.append(f"**+** {what}: {code(name)}")
        elif what and step.operation == "delete":
            lines.append(f"**-** {what}: {code(name)}")
        elif what and all(sizes) and sizes[0] != sizes[1]:
            lines.append(f"**±** {what}: {code(step.name)} from {code(sizes[0])} to {code(sizes[1])}")
    return sorted(lines)


def count_operations(preview: Preview) -> str:
    """As `2 created, 1 changed and 1 run again`, without components."""
    counts = Counter(label_operation(step) for step in preview.changes if not is_component(step))
    order = dict.fromkeys([*RESOURCE_OPERATIONS.values(), *COMMAND_OPERATIONS.values(), *counts])
    return join_words([f"{counts[label]} {label}" for label in order if counts[label]]) or "nothing"
