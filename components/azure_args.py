"""The keys of the stack file about Azure: disks, zones, network, image, resource group. No Pulumi here."""

from __future__ import annotations

from typing import Literal

from components.forms import ADDRESS, GROUP, IMAGE, PREFIX, SOURCE, ZONE_GROUP, Form
from components.keys import args, key
from components.rules import MAX_TTL_SECONDS

# Each source needs a priority in the security group, and each kind of source has this many.
MAX_SOURCES = 100
# The largest virtual machines have this many data disks.
MAX_LUNS = 64
# The name of the private zone's link to the servers' network; other links are named like their network.
SERVERS_LINK = "servers"


@args
class DataDiskArgs:
    """One data disk of a virtual machine created here."""

    lun: int = key("The disk's LUN, unique on the server.", minimum=0, maximum=MAX_LUNS - 1)
    size_gib: int = key("The size in GiB; it can grow, not shrink.", minimum=4, maximum=32767)
    sku: Literal["Premium_LRS", "Premium_ZRS"] = key(
        "The disk type. Azure supports Exchange on Premium storage only.", default="Premium_LRS"
    )
    drive: str | None = key(
        "The drive letter. An empty disk is formatted (NTFS, 64 KiB units); a disk with volumes keeps them. If left "
        "out, the disk is attached and not formatted.",
        default=None,
        form=Form(pattern=r"[F-Z]", remedy="Write a drive letter from F to Z; Azure's machines have C, D and E."),
    )
    protect: bool = key(
        "true: Pulumi refuses to delete the disk until `pulumi state unprotect URN`, even if the stack's `protect` is "
        "false. false, for labs: the disk is deleted with its row or its server.",
        default=True,
    )


@args
class ZoneArgs:
    """One DNS zone: created here, or existing in another resource group."""

    existing_resource_group: str | None = key(
        "The resource group of an existing zone, in the stack's subscription. If left out, a zone is created.",
        default=None,
        form=ZONE_GROUP,
        maxLength=90,
    )


@args
class PrivateZoneArgs(ZoneArgs):
    """A private zone. It answers the virtual networks linked to it; a network created here is linked, too."""

    linked_networks: tuple[str, ...] = key(
        "The ids of more virtual networks that resolve its names.",
        default=(),
        form=Form(
            pattern=r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+",
            remedy="Write the virtual network's id: /subscriptions/…/virtualNetworks/NAME.",
        ),
    )


@args
class DnsArgs:
    """Where the record sets are; without `public` and `private`, a private zone is created."""

    ttl_seconds: int = key("How long a client may keep an answer.", default=MAX_TTL_SECONDS, minimum=1, maximum=3600)
    private: PrivateZoneArgs | None = key("The private zone; it answers with the servers' addresses.", default=None)
    public: ZoneArgs | None = key("The public zone; it answers with public or external addresses.", default=None)

    @property
    def private_zone(self) -> PrivateZoneArgs | None:
        """The private zone; a new one if the stack file has neither `private` nor `public`."""
        return self.private or (None if self.public else PrivateZoneArgs())

    @property
    def creates_zone(self) -> bool:
        return any(zone and not zone.existing_resource_group for zone in (self.private_zone, self.public))


@args
class NetworkArgs:
    """Where virtual machines created here are attached, and who reaches them."""

    subnet_id: str | None = key(
        "The id of an existing subnet. If left out, a network is created. Servers cannot move to another virtual "
        "network.",
        default=None,
        form=Form(
            pattern=r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
            remedy="Write the subnet's id: /subscriptions/…/virtualNetworks/NAME/subnets/NAME.",
        ),
    )
    subnet_prefix: str = key(
        "The prefix of the subnet. The prefix of a subnet created here cannot change.",
        default="10.40.0.0/24",
        form=PREFIX,
    )
    address_space: str = key("The address space of a network created here.", default="10.40.0.0/16", form=PREFIX)
    admin_sources: tuple[str, ...] = key(
        "Sources that reach SSH, such as Pulumi and a jump host.",
        default=("VirtualNetwork",),
        form=SOURCE,
        maxItems=MAX_SOURCES,
    )
    client_sources: tuple[str, ...] = key(
        "Sources that reach the client ports.", default=("VirtualNetwork",), form=SOURCE, maxItems=MAX_SOURCES
    )
    client_ports: tuple[int, ...] = key(
        "The ports that clients use.", default=(443, 80), minimum=1, maximum=65535, minItems=1
    )
    trusted_sources: tuple[str, ...] = key(
        "Sources that reach every port: other Exchange servers and domain controllers.",
        default=(),
        form=SOURCE,
        maxItems=MAX_SOURCES,
    )
    dns_servers: tuple[str, ...] = key("The domain controllers that resolve names.", default=(), form=ADDRESS)
    nat_gateway: bool = key("true: a network created here has a NAT gateway for outbound connections.", default=True)


@args
class ImageArgs:
    """The Windows Server image of new virtual machines; if left out, the newest marketplace image for the Exchange
    version."""

    id: str | None = key(
        "The id of an image or gallery image version; Exchange 2013 needs one.", default=None, form=IMAGE
    )
    publisher: str = key("Marketplace publisher.", default="MicrosoftWindowsServer")
    offer: str = key("Marketplace offer.", default="WindowsServer")
    sku: str | None = key("Marketplace SKU.", default=None)
    version: str = key("Marketplace version.", default="latest")
    trusted_launch: bool | None = key(
        "Whether to use Trusted Launch; if left out, true for generation 2 marketplace images.", default=None
    )


@args
class AutoShutdownArgs:
    """The daily shutdown of virtual machines created here."""

    time: str = key(
        "The time of day as HHMM.",
        default="1900",
        form=Form(pattern=r"([01]\d|2[0-3])[0-5]\d", remedy="Write HHMM, such as 1900."),
    )
    time_zone: str = key("The Windows time zone of that time, such as W. Europe Standard Time.", default="UTC")


@args
class ResourceGroupArgs:
    """The resource group of everything that is created here."""

    name: str | None = key("The name; exchange-cas-STACK if left out.", default=None, form=GROUP, maxLength=90)
    existing: bool = key("true: the group exists already, and `pulumi destroy` keeps it.", default=False)

    def name_for(self, stack: str) -> str:
        return self.name or f"exchange-cas-{stack}"
