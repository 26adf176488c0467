"""The keys of the stack file: frozen rows that `stacks.arguments` reads it into. No Pulumi here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from components.azure_args import (
    MAX_LUNS,
    AutoShutdownArgs,
    DataDiskArgs,
    DnsArgs,
    ImageArgs,
    NetworkArgs,
    ResourceGroupArgs,
)
from components.domain_args import DomainArgs
from components.forms import ADDRESS, HOST, HOST_KEY, OPERATOR, THUMBPRINT, URL, VM_SIZE, Form
from components.installation_args import SHA256, InstallationArgs
from components.keys import Secret, args, key
from components.namespace_args import NamespaceArgs

ExchangeVersion = Literal["2013", "2016", "2019", "SE"]
# How long Azure's name servers may take to show a change (Microsoft: Azure DNS FAQ).
DNS_CHANGE_SECONDS = 60
# One Azure DNS record set holds this many records.
MAX_SERVERS = 20


@args
class ServerArgs:
    """One Client Access Server, created here or existing."""

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
        "true: the server is active and healthy, then enters the record sets. false: it leaves them, serves until it "
        "is drained, then goes offline for maintenance.",
        default=True,
    )
    configure_namespace: bool = key(
        "false: this server's Exchange is neither installed, changed nor checked for health. Set inRotation: false, "
        "too.",
        default=True,
    )
    existing: bool = key("true: the server exists already; no virtual machine is created.", default=False)
    restore_on_remove: bool = key(
        "true: when an existing server leaves the stack, it gets its old URLs back.", default=False
    )
    host_key: str | None = key(
        "The SSH host key to expect. An existing server needs it; Azure reports that of a new virtual machine.",
        default=None,
        form=HOST_KEY,
    )
    size: str | None = key("The virtual machine size, if it differs from vmSize.", default=None, form=VM_SIZE)
    zone: Literal["1", "2", "3"] | None = key(
        "Availability zone; if left out, the server is in the availability set.", default=None
    )
    public_address: bool = key("true: a Standard public address is created for this server.", default=False)
    external_address: str | None = key("A public address that reaches this server already.", default=None, form=ADDRESS)
    join_domain: bool | None = key(
        "Whether this virtual machine joins `domain`. If left out, a machine that the run creates joins, and one that "
        "exists stays as it is. true: a machine that exists joins, too, and restarts; only for one that is in no "
        "domain, or that the run rebuilds.",
        default=None,
    )
    data_disks: tuple[DataDiskArgs, ...] = key(
        "Data disks of a virtual machine created here. They stay when it is rebuilt. Disks that you attach yourself "
        "stay attached.",
        default=(),
        maxItems=MAX_LUNS,
    )


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
    address: Literal["private", "public"] = key("The address of a server that SSH connects to.", default="private")
    jump_host: JumpHostArgs | None = key("A jump host in front of the servers.", default=None)
    package_url: str | None = key(
        "The OpenSSH package for Windows Server 2012 R2 and 2016. The URL is stored and shown in plain, so use none "
        "with an access token in it.",
        default=None,
        form=URL,
    )
    package_sha256: str | None = key(
        "The SHA-256 of that package.",
        default=None,
        form=SHA256,
    )


@args
class RolloutArgs:
    """In which order servers receive the namespace."""

    canary: str | None = key("The server that goes first; the first in rotation by key if left out.", default=None)
    then: Literal["parallel", "oneByOne"] = key("How the others follow the canary.", default="parallel")


@args
class RotationArgs:
    """How long a server is drained after it leaves the record sets, and may take to become healthy before it enters."""

    drain_seconds: int | None = key(
        "How long a server keeps serving after it has left the record sets; dns.ttlSeconds + 60 if left out.",
        default=None,
        minimum=0,
        maximum=7200,
    )
    health_seconds: int = key(
        "How long a server may take to become healthy before it enters.", default=300, minimum=1, maximum=3600
    )


@args
class CertificateArgs:
    """The certificate of the servers' web sites, the same on every server."""

    thumbprint: str | None = key(
        "The thumbprint of a certificate that every server has already, with its private key. Leave it out if "
        "certificatePfx has the certificate.",
        default=None,
        form=THUMBPRINT,
    )
    smtp: bool = key(
        "true: the certificate is enabled for SMTP, too, and replaces the one for mail between servers.", default=False
    )
    drain: bool = key(
        "true: a server in rotation goes offline in order while its certificate changes, one server after the other. "
        "Its address stays in the record sets.",
        default=False,
    )


@args
class FarmArgs:
    """The whole stack file."""

    namespace: NamespaceArgs = key("The names that clients use.")
    servers: Mapping[str, ServerArgs] = key("The Client Access Servers, each under a key of your choice (ex01).")
    operator: str = key(
        "The domain account that logs on over SSH and runs the cmdlets: CORP\\name or name@domain.", form=OPERATOR
    )
    operator_password: Secret = key("The operator's password.")
    operator_private_key: Secret | None = key(
        "The operator's SSH private key. With it, SSH uses the key, and only the cmdlets use operatorPassword.",
        default=None,
    )
    administrator: str = key(
        "The local account of virtual machines created here.",
        default="casadmin",
        form=Form(pattern=r"[A-Za-z][A-Za-z0-9_-]*", remedy="Write letters, digits, - and _, a letter first."),
        maxLength=20,
    )
    admin_password: Secret | None = key(
        "The administrator's password; needed if virtual machines are created.", default=None
    )
    domain: DomainArgs | None = key(
        "The Active Directory domain that new virtual machines join; if left out, they join none.", default=None
    )
    domain_password: Secret | None = key("The password of `domain.account`.", default=None)
    jump_host_password: Secret | None = key("The password on the jump host.", default=None)
    jump_host_private_key: Secret | None = key("The SSH private key for the jump host.", default=None)
    certificate: CertificateArgs | None = key(
        "The certificate of the servers' web sites. Without it and without certificatePfx the servers keep theirs.",
        default=None,
    )
    certificate_pfx: Secret | None = key(
        "The certificate with its key and its chain: a PFX in base64. Set it with: python -m operations certificate "
        "FILE.pfx",
        default=None,
    )
    certificate_password: Secret | None = key("The password of that PFX.", default=None)
    exchange_version: ExchangeVersion = key(
        "The Exchange version of the servers. A change leaves existing virtual machines as they are.", default="SE"
    )
    installation: InstallationArgs | None = key(
        "How Exchange is installed on virtual machines created here; if left out, people install it.", default=None
    )
    configure_namespace: bool = key(
        "false: servers and record sets only; an Exchange that is installed is not changed.", default=True
    )
    recycle_app_pools: bool = key("Recycle the application pools of changed services.", default=True)
    allow_single_server: bool = key("Accept fewer than two servers in rotation.", default=False)
    dns: DnsArgs = key("The record sets.", default=DnsArgs())
    network: NetworkArgs = key("The network of virtual machines created here.", default=NetworkArgs())
    vm_size: str = key("The size of virtual machines created here.", default="Standard_D4s_v5", form=VM_SIZE)
    image: ImageArgs = key(
        "The Windows Server image of new virtual machines. A change applies to new ones, and to those that "
        "`pulumi up --replace URN` rebuilds.",
        default=ImageArgs(),
    )
    ssh: SshArgs = key("How the servers are reached over SSH.", default=SshArgs())
    https_port: int = key("The port of the servers' web site.", default=443, minimum=1, maximum=65535)
    rollout: RolloutArgs = key("The order in which servers receive the namespace.", default=RolloutArgs())
    rotation: RotationArgs = key("How servers leave and enter the record sets.", default=RotationArgs())
    reject_closed_ports: bool = key(
        "true: a server answers a connection to a closed port with a reset, so that clients leave a stopped web site "
        "after one round trip instead of 21 s. The price: a computer that reaches the server can tell closed ports "
        "from filtered ones, which Windows Firewall's stealth mode hides. A network security group limits this to the "
        "sources that it allows. false restores the firewall's setting.",
        default=False,
    )
    resource_group: ResourceGroupArgs = key("The resource group.", default=ResourceGroupArgs())
    protect: bool = key(
        "true: Pulumi refuses to delete the resource group, zones with their record sets, virtual machines and their "
        "public addresses.",
        default=False,
    )
    auto_shutdown: AutoShutdownArgs | None = key("A daily shutdown, for labs.", default=None)
    tags: Mapping[str, str] = key(
        "Tags of every resource that takes tags; at most 15 if a zone or a link to one is created, else 50.",
        default_factory=dict,
        minLength=0,
        maxLength=256,
    )

    @property
    def creates_servers(self) -> bool:
        return any(not server.existing for server in self.servers.values())

    @property
    def installed_servers(self) -> list[str]:
        """The keys of the servers that Exchange is installed on, sorted."""
        if self.installation is None:
            return []
        return sorted(key for key, server in self.servers.items() if server.configure_namespace and not server.existing)

    @property
    def links_own_network(self) -> bool:
        """Whether the private zone is linked to the servers' network: it is if either of them is created here."""
        zone = self.dns.private_zone
        if zone is None or not self.creates_servers:
            return False
        return not (self.network.subnet_id and zone.existing_resource_group)

    @property
    def drain_seconds(self) -> int:
        """The stack file's value; by default long enough for every client to drop the server's address."""
        drain = self.rotation.drain_seconds
        return self.dns.ttl_seconds + DNS_CHANGE_SECONDS if drain is None else drain
