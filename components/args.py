"""What a farm is made from: frozen rows without a provider type, read from a stack file by `stacks.arguments`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from components.forms import (
    ADDRESS,
    GROUP,
    HOST,
    HOST_KEY,
    IMAGE,
    OPERATOR,
    PREFIX,
    SOURCE,
    URL,
    VM_SIZE,
    ZONE_GROUP,
    Form,
)
from components.keys import Secret, args, key
from components.namespace import NamespaceArgs
from components.rules import MOST_TTL_SECONDS

ExchangeVersion = Literal["2013", "2016", "2019", "SE"]
TTL_SECONDS = MOST_TTL_SECONDS
# How long Azure's name servers may take to show a change (Microsoft: Azure DNS FAQ).
DNS_CHANGE_SECONDS = 60
# The records that one Azure DNS record set holds.
MOST_SERVERS = 20
# Each source is a security rule; each kind of source has so many priorities.
MOST_SOURCES = 100
# What a virtual machine of any size can have at most.
MOST_LUNS = 64
# The private zone's link to the network of the servers made here; others are called like their network.
SERVERS_LINK = "servers"


@args
class DataDiskArgs:
    """One data disk of a virtual machine made here."""

    lun: int = key("Its LUN; each disk of a server has its own.", minimum=0, maximum=MOST_LUNS - 1)
    size_gib: int = key("Its size in GiB; it can grow, not shrink.", minimum=4, maximum=32767)
    sku: Literal["Premium_LRS", "Premium_ZRS"] = key(
        "Azure supports Exchange on Premium storage only.", default="Premium_LRS"
    )
    drive: str | None = key(
        "Its drive letter: an empty disk is formatted (NTFS, 64 KiB units), one that holds volumes keeps them. Left "
        "out, the disk is attached as it is.",
        default=None,
        form=Form(pattern=r"[F-Z]", remedy="Write a drive letter from F to Z; Azure's machines have C, D and E."),
    )
    protect: bool = key(
        "false: the disk is deleted with its row or its server, as in a lab. Else a run that would delete it is "
        "refused, whatever the stack's `protect` says: `pulumi state unprotect URN` first.",
        default=True,
    )


@args
class ServerArgs:
    """One Client Access Server, made here or existing."""

    computer_name: str = key(
        "The Windows computer name.",
        form=Form(
            pattern=r"(?!\d+$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?",
            remedy="Write at most 15 letters, digits and inner hyphens, not only digits.",
        ),
        minLength=1,
        maxLength=15,
    )
    address: str = key("The server's static private address.", form=ADDRESS)
    in_rotation: bool = key(
        "true: active, healthy, then in the record sets; false: out of them, drained, then offline for maintenance.",
        default=True,
    )
    configure_namespace: bool = key(
        "false: this server's Exchange is not touched, nor its health looked at; set inRotation: false with it.",
        default=True,
    )
    existing: bool = key("true: the server exists already; no virtual machine is made.", default=False)
    restore_on_remove: bool = key(
        "true: an existing server gets the URLs it had before back when it leaves the stack.", default=False
    )
    host_key: str | None = key(
        "The SSH host key to expect; needed for an existing server, read through Azure otherwise.",
        default=None,
        form=HOST_KEY,
    )
    size: str | None = key("The virtual machine size, if it differs from vmSize.", default=None, form=VM_SIZE)
    zone: Literal["1", "2", "3"] | None = key("Availability zone; else the availability set.", default=None)
    public_address: bool = key("true: a Standard public address is made for this server.", default=False)
    external_address: str | None = key("A public address that reaches this server already.", default=None, form=ADDRESS)
    data_disks: tuple[DataDiskArgs, ...] = key(
        "Data disks of a virtual machine made here. They stay when it is rebuilt. Disks that you attach yourself are "
        "left alone.",
        default=(),
        maxItems=MOST_LUNS,
    )


@args
class ZoneArgs:
    """One DNS zone: made here, or existing in another resource group."""

    existing_resource_group: str | None = key(
        "The resource group of a zone that exists, in the subscription that Pulumi works in; else one is made.",
        default=None,
        form=ZONE_GROUP,
        maxLength=90,
    )


@args
class PrivateZoneArgs(ZoneArgs):
    """A private zone; it answers the virtual networks that are linked to it, a network made here among them."""

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
    """Where the record sets live; without `public` and `private`, a private zone is made."""

    ttl_seconds: int = key("How long a client may keep an answer.", default=TTL_SECONDS, minimum=1, maximum=3600)
    private: PrivateZoneArgs | None = key("The private zone, answering with the servers' addresses.", default=None)
    public: ZoneArgs | None = key("The public zone, answering with public or external addresses.", default=None)

    @property
    def private_zone(self) -> PrivateZoneArgs | None:
        """The private zone, made here where the stack names no zone at all."""
        return self.private or (None if self.public else PrivateZoneArgs())

    @property
    def makes_a_zone(self) -> bool:
        return any(zone and not zone.existing_resource_group for zone in (self.private_zone, self.public))


@args
class NetworkArgs:
    """Where virtual machines made here are attached, and who reaches them."""

    subnet_id: str | None = key(
        "The id of an existing subnet; else a network is made. Servers never move to another virtual network.",
        default=None,
        form=Form(
            pattern=r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
            remedy="Write the subnet's id: /subscriptions/…/virtualNetworks/NAME/subnets/NAME.",
        ),
    )
    subnet_prefix: str = key(
        "The prefix of the subnet; of a subnet made here it never changes.", default="10.40.0.0/24", form=PREFIX
    )
    address_space: str = key("The address space of a network made here.", default="10.40.0.0/16", form=PREFIX)
    admin_sources: tuple[str, ...] = key(
        "Who reaches SSH: Pulumi, a jump host.", default=("VirtualNetwork",), form=SOURCE, maxItems=MOST_SOURCES
    )
    client_sources: tuple[str, ...] = key(
        "Who reaches the client ports.", default=("VirtualNetwork",), form=SOURCE, maxItems=MOST_SOURCES
    )
    client_ports: tuple[int, ...] = key(
        "The ports clients use.", default=(443, 80), minimum=1, maximum=65535, minItems=1
    )
    trusted_sources: tuple[str, ...] = key(
        "Other Exchange servers and domain controllers.", default=(), form=SOURCE, maxItems=MOST_SOURCES
    )
    dns_servers: tuple[str, ...] = key("The domain controllers that resolve names.", default=(), form=ADDRESS)
    nat_gateway: bool = key("A network made here: a NAT gateway for the way out.", default=True)


@args
class ImageArgs:
    """The Windows Server image, chosen when a virtual machine is made; without it the newest marketplace image that
    suits the Exchange version."""

    id: str | None = key("The id of an image or gallery image version; 2013 needs one.", default=None, form=IMAGE)
    publisher: str = key("Marketplace publisher.", default="MicrosoftWindowsServer")
    offer: str = key("Marketplace offer.", default="WindowsServer")
    sku: str | None = key("Marketplace SKU.", default=None)
    version: str = key("Marketplace version.", default="latest")
    trusted_launch: bool | None = key("Trusted Launch; true for generation 2 marketplace images.", default=None)


@args
class JumpHostArgs:
    """An SSH server through which the servers are reached."""

    host: str = key("Name or address of the jump host.", form=HOST)
    user: str = key("The account on the jump host.")
    host_key: str = key("The SSH host key of the jump host.", form=HOST_KEY)
    port: int = key("The SSH port of the jump host.", default=22, minimum=1, maximum=65535)


@args
class SshArgs:
    """How the servers are reached over SSH."""

    port: int = key("The SSH port of the servers.", default=22, minimum=1, maximum=65535)
    address: Literal["private", "public"] = key("Which address of a server is dialled.", default="private")
    jump_host: JumpHostArgs | None = key("A jump host in between.", default=None)
    package_url: str | None = key(
        "The OpenSSH package for 2012 R2 and 2016; stored and shown in plain, so no URL with an access token in it.",
        default=None,
        form=URL,
    )
    package_sha256: str | None = key(
        "The SHA-256 of that package.",
        default=None,
        form=Form(pattern=r"[0-9A-Fa-f]{64}", remedy="Write 64 hexadecimal digits."),
    )


@args
class RolloutArgs:
    """In which order servers receive the namespace."""

    canary: str | None = key("The server that goes first; the first in rotation by key if left out.", default=None)
    then: Literal["parallel", "oneByOne"] = key("How the others follow the canary.", default="parallel")


@args
class RotationArgs:
    """How a server leaves the record sets, and what it must show before it enters them."""

    drain_seconds: int | None = key(
        "From the record sets' change to the server's going offline; dns.ttlSeconds + 60 if left out.",
        default=None,
        minimum=0,
        maximum=7200,
    )
    health_seconds: int = key(
        "How long a server may take to become healthy before it enters.", default=300, minimum=1, maximum=3600
    )


@args
class AutoShutdownArgs:
    """The daily shutdown of virtual machines made here."""

    time: str = key(
        "Time of day.", default="1900", form=Form(pattern=r"([01]\d|2[0-3])[0-5]\d", remedy="Write HHMM, such as 1900.")
    )
    time_zone: str = key("Windows time zone of that time.", default="UTC")


@args
class ResourceGroupArgs:
    """The resource group of all that is made here."""

    name: str | None = key("Its name; exchange-cas-STACK if left out.", default=None, form=GROUP, maxLength=90)
    existing: bool = key("true: it exists already and is left alone by destroy.", default=False)

    def name_in(self, stack: str) -> str:
        return self.name or f"exchange-cas-{stack}"


@args
class FarmArgs:
    """The whole stack file."""

    namespace: NamespaceArgs = key("The names that clients use.")
    servers: Mapping[str, ServerArgs] = key(
        "The Client Access Servers, each under a key of your choice (ex01). Data disks that you attach to a virtual "
        "machine made here stay attached through every update: one names all of them, or none."
    )
    operator: str = key(
        "The domain account that logs on over SSH and runs the cmdlets: CORP\\name or name@domain.", form=OPERATOR
    )
    operator_password: Secret = key("Its password.")
    operator_private_key: Secret | None = key("Its SSH private key, to log on with a key instead.", default=None)
    administrator: str = key(
        "The local account of virtual machines made here.",
        default="casadmin",
        form=Form(pattern=r"[A-Za-z][A-Za-z0-9_-]*", remedy="Write letters, digits, - and _, a letter first."),
        maxLength=20,
    )
    admin_password: Secret | None = key("Its password; needed where virtual machines are made.", default=None)
    jump_host_password: Secret | None = key("The password on the jump host.", default=None)
    jump_host_private_key: Secret | None = key("The SSH private key for the jump host.", default=None)
    exchange_version: ExchangeVersion = key(
        "The Exchange version of the servers; another one changes no virtual machine that exists.", default="SE"
    )
    configure_namespace: bool = key("false: servers and records only, Exchange is not touched.", default=True)
    recycle_app_pools: bool = key("Recycle the application pools of changed services.", default=True)
    allow_single_server: bool = key("Accept fewer than two servers in rotation.", default=False)
    dns: DnsArgs = key("The record sets.", default=DnsArgs())
    network: NetworkArgs = key("The network of virtual machines made here.", default=NetworkArgs())
    vm_size: str = key("The size of virtual machines made here.", default="Standard_D4s_v5", form=VM_SIZE)
    image: ImageArgs = key(
        "Their Windows Server image, chosen when a virtual machine is made: a later change is for new ones, and for "
        "those that `pulumi up --replace URN` rebuilds.",
        default=ImageArgs(),
    )
    ssh: SshArgs = key("How the servers are reached.", default=SshArgs())
    https_port: int = key("The port of the servers' web site.", default=443, minimum=1, maximum=65535)
    rollout: RolloutArgs = key("The order of configuration.", default=RolloutArgs())
    rotation: RotationArgs = key("How servers leave and enter the record sets.", default=RotationArgs())
    reject_closed_ports: bool = key(
        "true: a server answers a connect to a closed port with a reset, so that clients leave a stopped web site "
        "after one round trip instead of 21 s. The price: whoever can reach the server can tell closed ports from "
        "filtered ones, which Windows Firewall's stealth mode hides; with the network security group in front of it, "
        "that is whoever is let in there. Undone when it is false again.",
        default=False,
    )
    resource_group: ResourceGroupArgs = key("The resource group.", default=ResourceGroupArgs())
    protect: bool = key(
        "true: the resource group, zones with their record sets, virtual machines and their public addresses stay.",
        default=False,
    )
    auto_shutdown: AutoShutdownArgs | None = key("A daily shutdown, for labs.", default=None)
    tags: Mapping[str, str] = key(
        "Tags of all that takes tags; at most 15 where a zone or a link to one is made, else 50.",
        default_factory=dict,
        minLength=0,
        maxLength=256,
    )

    @property
    def drain_seconds(self) -> int:
        """How long a server that left the record sets goes on serving; Azure DNS shows a change within 60 s."""
        given = self.rotation.drain_seconds
        return self.dns.ttl_seconds + DNS_CHANGE_SECONDS if given is None else given
