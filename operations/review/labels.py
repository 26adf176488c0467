"""Plain words for what the engine calls by type, and why something happens to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from operations.review.markdown import code, codes
from operations.review.plan import MACHINE, Plan, server_of
from operations.review.preview import Preview, PreviewStep, is_unknown
from operations.review.values import plain, spelled

# The one command that does something when it is deleted, and nothing before.
RESTORATION = "command:local:Command"
PARTS = {
    MACHINE: "virtual machine",
    "azure-native:compute:Disk": "data disk",
    "azure-native:network:NetworkInterface": "network interface",
    "azure-native:network:PublicIPAddress": "public address",
    "azure-native:network:NatGateway": "NAT gateway",
    "azure-native:network:VirtualNetwork": "virtual network",
    "azure-native:network:Subnet": "subnet",
    "azure-native:network:NetworkSecurityGroup": "firewall rules",
    "azure-native:privatedns:PrivateZone": "DNS zone (inside)",
    "azure-native:dns:Zone": "DNS zone (outside)",
    "azure-native:privatedns:PrivateRecordSet": "DNS name (inside)",
    "azure-native:dns:RecordSet": "DNS name (outside)",
    "azure-native:privatedns:VirtualNetworkLink": "link of a network to the zone",
    "azure-native:compute:AvailabilitySet": "availability set",
    "azure-native:compute:VirtualMachineRunCommandByVirtualMachine": "SSH set-up",
    "azure-native:devtestlab:GlobalSchedule": "evening shutdown",
    "azure-native:resources:ResourceGroup": "resource group",
    "command:remote:CopyToRemote": "copy of the scripts",
    RESTORATION: "way back to a server's own URLs",
}
COMMANDS = {"rotation": "step in or out of rotation", "namespace": "settings of Exchange"}
COSTLY = {
    MACHINE: "virtual machine and its disk",
    "azure-native:network:NatGateway": "NAT gateway",
    "azure-native:network:PublicIPAddress": "public address",
    "azure-native:network:LoadBalancer": "load balancer",
    "azure-native:network:BastionHost": "Bastion host",
    "azure-native:compute:Disk": "disk",
    "azure-native:privatedns:PrivateZone": "DNS zone (little)",
    "azure-native:dns:Zone": "DNS zone (little)",
}
# Properties that say something to people; others are called as they are.
PROPERTIES = {
    "aRecords": "addresses",
    "ttl": "TTL",
    "tags": "tags",
    "stdin": "what it is told",
    "create": "where its script is",
    "connection": "how the server is reached",
    "remotePath": "where the scripts go",
    "securityRules": "who is let in",
    "source": "its content",
    "targetResourceId": "which virtual machine",
}
ON_SERVERS = "command:remote:"
RUN = {"delete": "forgotten", "replace": "run again", "create": "run", "import": "run", "update": "run again"}
DONE = {
    "delete": "deleted",
    "replace": "deleted and made anew",
    "create": "made",
    "import": "taken over as it is",
    "update": "changed",
}


def part(step: PreviewStep) -> str:
    if step.type in PARTS:
        return PARTS[step.type]
    if step.type == "command:remote:Command":
        return COMMANDS.get(step.name.rpartition("-")[2], "command on the server")
    # camelCase of a type's last word: other people's resources.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", step.type.rpartition(":")[2])
    return re.sub(r"[^a-z0-9 ]", "", spaced.lower())


def done(step: PreviewStep) -> str:
    words = RUN if step.type.startswith(ON_SERVERS) else DONE
    return words.get(step.operation) or code(step.operation)


def is_component(step: PreviewStep) -> bool:
    """Only a group of others: nothing happens with it alone, as far as the operation is known."""
    return step.is_known and step.type.startswith(("exchange-cas:", "pulumi:"))


def is_command(step: PreviewStep) -> bool:
    """On a server or here; copies of files, too."""
    return step.type.startswith("command:")


def owner(step: PreviewStep) -> str:
    return server_of(step) or ""


def why(step: PreviewStep, plan: Plan) -> str:
    """Markdown."""
    key = owner(step)
    if not step.is_known:
        return "the review does not know this operation"
    if step.operation == "delete":
        left = key in plan.servers and key not in plan.configured and plan.configured
        return f"{code(key)} is no longer in the stack file" if left and key else "no longer in the program"
    if step.operation == "replace":
        return why_replaced(step, plan.preview)
    if step.operation in ("create", "import"):
        return "new"
    if step.changed and all(known_after(step, path) for path in step.changed):
        return f"known only after the run, maybe as before: {properties(step.changed)}"
    return f"differs: {properties(step.changed)}" if step.changed else "differs"


def properties(paths: Sequence[str]) -> str:
    """Markdown; places in lists and what is inside of properties with plain words left out."""
    tops = {path: re.split(r"[.\[]", path)[0] for path in paths}
    return ", ".join(dict.fromkeys(PROPERTIES.get(top) or code(path) for path, top in tops.items()))


def known_after(step: PreviewStep, path: str) -> bool:
    """Whether the change is only that the new value is unknown yet; a connection is secret, so its whole is unknown."""
    top = re.split(r"[.\[]", path)[0]
    return is_unknown(step.after.get(top)) or top == "connection"


def why_replaced(step: PreviewStep, preview: Preview) -> str:
    gone = {other.urn: other for other in preview.changes if other.gone}
    with_it = [gone[urn] for urn in (step.with_it, *(u for urns in step.needs.values() for u in urns)) if urn in gone]
    if step.forcing == ("id",):
        return "asked for by hand (`--replace`)"
    if step.forcing and step.type.startswith(ON_SERVERS):
        return "it goes into or out of rotation" if step.name.endswith("-rotation") else "its triggers differ"
    if step.forcing:
        return f"{codes(step.forcing)} cannot be changed on what exists"
    if with_it:
        return f"the {part(with_it[0])} it belongs to is deleted"
    return "the provider asks for it"


def costs(plan: Plan) -> list[str]:
    """A Markdown line for each that costs money."""
    lines = []
    for step in plan.preview.changes:
        what = COSTLY.get(step.type)
        sizes = [plain((half.get("hardwareProfile") or {}).get("vmSize", "")) for half in (step.before, step.after)]
        name = step.name + (f" ({sizes[1] or sizes[0]})" if any(sizes) else "")
        if what and step.operation in ("create", "import"):
            lines.append(f"**+** {what}: {code(name)}")
        elif what and step.operation == "delete":
            lines.append(f"**-** {what}: {code(name)}")
        elif what and all(sizes) and sizes[0] != sizes[1]:
            lines.append(f"**±** {what}: {code(step.name)} from {code(sizes[0])} to {code(sizes[1])}")
    return sorted(lines)


def counted(preview: Preview) -> str:
    """How many of each, without mere groups."""
    steps = [step for step in preview.changes if not is_component(step)]
    counts = Counter(done(step) for step in steps)
    order = dict.fromkeys([*DONE.values(), *RUN.values(), *counts])
    return spelled([f"{counts[word]} {word}" for word in order if counts[word]]) or "nothing"
