"""The types of resources that the review knows, and the server that a resource belongs to."""

from __future__ import annotations

import re

from operations.review.preview import PreviewStep

MACHINE, INTERFACE = "azure-native:compute:VirtualMachine", "azure-native:network:NetworkInterface"
PUBLIC_ADDRESS, SECURITY_GROUP = "azure-native:network:PublicIPAddress", "azure-native:network:NetworkSecurityGroup"
VIRTUAL_NETWORK, SUBNET = "azure-native:network:VirtualNetwork", "azure-native:network:Subnet"
ZONE_LINK = "azure-native:privatedns:VirtualNetworkLink"
RECORD_SETS = {"azure-native:privatedns:PrivateRecordSet": "inside", "azure-native:dns:RecordSet": "outside"}
ZONES = {"azure-native:privatedns:PrivateZone": "inside", "azure-native:dns:Zone": "outside"}
ZONE_NAME = {"inside": "privateZoneName", "outside": "zoneName"}
# RESTORATION runs a command only when it is deleted.
COMMAND, RESTORATION = "command:remote:Command", "command:local:Command"
ON_SERVERS = "command:remote:"
# The name of a server's resource contains the server's key, its URN the component.
SERVER_PART = re.compile(r"-(?P<key>[a-z0-9]+)-(vm|nic|ip|ssh|shutdown|scripts|rotation|namespace)$")
COMPONENTS = (":ClientAccessServer", ":ClientAccessNamespace")


def server_key(step: PreviewStep) -> str:
    """The key of the server that a resource belongs to, or "". Another program's virtual machine is its own server."""
    if any(component in step.urn for component in COMPONENTS) and (found := SERVER_PART.search(step.name)):
        return found["key"]
    return step.name if step.type == MACHINE else ""


def is_component(step: PreviewStep) -> bool:
    """Whether it only groups resources. An unknown operation counts as one on a resource."""
    return step.is_known and step.type.startswith(("exchange-cas:", "pulumi:"))


def is_command(step: PreviewStep) -> bool:
    """On a server or here, copies of files among them."""
    return step.type.startswith("command:")


def is_namespace_command(step: PreviewStep) -> bool:
    """Whether it writes the Exchange settings of a server."""
    return step.type == COMMAND and step.name.endswith("-namespace")


def is_rotation_command(step: PreviewStep) -> bool:
    return step.type == COMMAND and step.name.endswith("-rotation")
