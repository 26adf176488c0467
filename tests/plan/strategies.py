"""Stack files for hypothesis to draw: every key, values at their bounds, and no mistake that a rule refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from hypothesis import strategies as st

from stacks.arguments import PROJECT
from tests.plan.promises import commands

Draw = st.DrawFn
Row = dict[str, Any]
SECRET = {"secure": "v1"}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"
RESOURCES = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/elsewhere/providers"
NETWORKS = f"{RESOURCES}/Microsoft.Network/virtualNetworks"
IMAGES = f"{RESOURCES}/Microsoft.Compute/"
PREFIXES = {"10.40.0.0/24": "10.40.0.0/16", "192.168.7.128/27": "192.168.7.0/24", "172.16.0.0/16": "172.16.0.0/16"}

flag = st.booleans()
port = st.sampled_from((1, 22, 443, 2222, 8443, 65535))
group = st.sampled_from(("g", "dns", "Messaging_(prod).one", "x" * 90))
label = st.sampled_from(("owa", "mail", "a", "web-mail-2", "m" * 63))
domain = st.sampled_from(("mail-domain.com", "a.b", "inside.mail-domain.com", ".".join(["d" * 62] * 3)))
size = st.sampled_from(("Standard_D2s_v5", "Standard_E96ds_v6"))
PATHS = {**commands.PATHS, "autodiscover": "/autodiscover/autodiscover.xml"}
host = st.sampled_from(("outlook.mail-domain.com", "a.b", None))
source = st.sampled_from(("VirtualNetwork", "Internet", "203.0.113.0/24", "203.0.113.9", "0.0.0.0/0", "10.9.0.0/16"))
sources = st.lists(source, max_size=4, unique=True)


def url(service: str) -> st.SearchStrategy[str | None]:
    path = PATHS[service]
    return st.sampled_from((f"https://elsewhere.mail-domain.com{path}", f"https://x.y:8443{path.upper()}/?a=b", None))


def any_of(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Row]:
    """A mapping with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def stack_files(draw: Draw) -> Row:
    """The `config:` of a stack file without a mistake."""
    dns, ssh, network = draw(dns_rows()), draw(ssh_rows()), draw(network_rows())
    servers = draw(server_rows(network, outside="public" in dns, dialled=ssh.get("address") == "public"))
    made = any("existing" not in row for row in servers.values())
    if (
        not made
        and not dns.get("private", {}).get("existingResourceGroup")
        and ("private" in dns or "public" not in dns)
    ):
        # A new private zone answers no network unless one is linked.
        dns["private"] = {"linkedNetworks": [f"{NETWORKS}/hub"]}
    version = draw(st.sampled_from(("2013", "2016", "2019", "SE")))
    image = draw(image_rows(own=version == "2013"))
    if version in ("2013", "2016"):
        ssh |= openssh_package()
    values: Row = {
        "namespace": draw(namespace_rows()),
        "servers": servers,
        "operator": draw(st.sampled_from(("CORP\\operator", "operator@mail-domain.com"))),
        "operatorPassword": SECRET,
        "exchangeVersion": version,
        "dns": dns,
        "network": network,
        "ssh": ssh,
        "image": image,
        "rotation": draw(rotation_rows(dns.get("ttlSeconds", 300))),
        "rollout": draw(rollout_rows([key for key, row in servers.items() if row.get("configureNamespace", True)])),
        "allowSingleServer": sum(row.get("inRotation", True) for row in servers.values()) < 2,
        **draw(independent_keys()),
    }
    if any("existing" not in row and row.get("configureNamespace", True) for row in servers.values()) and draw(flag):
        values["image"] = draw(image_rows(own=True))
        values["installation"] = draw(installation_rows(version))
    if made:
        # Clients must reach the web site.
        https = values.get("httpsPort", 443)
        ports = network.get("clientPorts", [443, 80])
        network["clientPorts"] = ports if https in ports else [*ports, https]
        if network.get("dnsServers") and draw(flag):
            values |= draw(domain_rows()) | {"domainPassword": SECRET}
            for row in servers.values():
                row |= {} if "existing" in row else draw(any_of(joinDomain=flag))
    if made or draw(flag):
        values["adminPassword"] = SECRET
    if draw(flag):
        values["operatorPrivateKey"] = SECRET
    if "jumpHost" in ssh:
        given = draw(st.sampled_from((("Password",), ("PrivateKey",), ("Password", "PrivateKey"))))
        values |= {f"jumpHost{kind}": SECRET for kind in given}
    return {"azure-native:location": "westeurope"} | {f"{PROJECT}:{name}": value for name, value in values.items()}


def domain_rows() -> st.SearchStrategy[Row]:
    accounts = st.sampled_from(("CORP\\joiner", "joiner@corp.mail-domain.com"))
    paths = st.sampled_from(("OU=Exchange,DC=corp,DC=mail-domain,DC=com", "ou=A,OU=B-é,dc=CORP,DC=mail-domain,DC=com"))
    row = {"name": st.just("corp.mail-domain.com"), "account": accounts}
    return st.fixed_dictionaries({"domain": st.fixed_dictionaries(row, optional={"ouPath": paths})})


def independent_keys() -> st.SearchStrategy[Row]:
    """Keys that no other key depends on."""
    return any_of(
        administrator=st.sampled_from(("x", "casadmin", "Local_Admin-of-20chrs")).map(lambda name: name[:20]),
        configureNamespace=flag,
        recycleAppPools=flag,
        vmSize=size,
        httpsPort=port,
        rejectClosedPorts=flag,
        resourceGroup=any_of(name=group, existing=flag),
        protect=flag,
        autoShutdown=any_of(time=st.sampled_from(("0000", "2359")), timeZone=st.just("W. Europe Standard Time")),
        tags=st.dictionaries(st.sampled_from(("owner", "x" * 512)), st.text("aé 9", max_size=9)),
    )


@st.composite
def server_rows(draw: Draw, network: Row, *, outside: bool, dialled: bool) -> dict[str, Row]:
    key = st.text("axz019", max_size=6).map(lambda rest: f"e{rest}")
    keys = draw(st.lists(key, min_size=1, max_size=4, unique=True))
    if draw(st.integers(0, 20)) == 20:
        keys = [f"ex{number:02}" for number in range(1, 21)]
    rotating = draw(st.sets(st.sampled_from(keys), min_size=1))
    return {
        key: draw(
            server_row(number, network, in_rotation=key in rotating, public=dialled or (outside and key in rotating))
        )
        for number, key in enumerate(keys)
    }


@st.composite
def server_row(draw: Draw, number: int, network: Row, *, in_rotation: bool, public: bool) -> Row:
    found: Row = {"computerName": draw(st.sampled_from((f"SRV{number}", f"Srv-{number:02}-FIFTEEN"[:15])))}
    found |= draw(any_of(configureNamespace=flag, hostKey=st.just(HOST_KEY)))
    if not in_rotation or draw(flag):
        found["inRotation"] = in_rotation
    external = {"externalAddress": f"198.51.100.{number + 1}"}
    if draw(flag):
        found |= {"address": f"10.16.0.{number + 1}", "existing": True, "hostKey": HOST_KEY}
        return found | draw(any_of(restoreOnRemove=flag)) | (external if public or draw(flag) else {})
    subnet = IPv4Network(network.get("subnetPrefix", "10.40.0.0/24"))
    # Azure reserves the first four addresses and the last. Twenty servers from both ends overlap in a small subnet.
    place = 4 + number if number > 5 or draw(flag) else subnet.num_addresses - 2 - number
    found["address"] = str(subnet[place])
    found |= draw(any_of(size=size, zone=st.sampled_from("123"), dataDisks=disk_rows()))
    reachable = [external, {"publicAddress": True}, *([] if public else [{}, {"publicAddress": False}])]
    return found | draw(st.sampled_from(reachable))


def disk_rows() -> st.SearchStrategy[list[Row]]:
    """At most one of each LUN and each drive."""
    lun, drive = st.sampled_from((0, 1, 63)), st.sampled_from("FGZ")
    kinds = {"sku": st.sampled_from(("Premium_LRS", "Premium_ZRS")), "drive": drive, "protect": flag}
    row = st.fixed_dictionaries({"lun": lun, "sizeGib": st.sampled_from((4, 32767))}, optional=kinds)
    return st.lists(row, max_size=2, unique_by=(lambda one: one["lun"], lambda one: one.get("drive", one["lun"])))


@st.composite
def dns_rows(draw: Draw) -> Row:
    found = draw(any_of(ttlSeconds=st.sampled_from((1, 300, 3600)), public=any_of(existingResourceGroup=group)))
    if draw(flag):
        linked = st.lists(st.sampled_from(("hub", "spoke", "dc.1")), unique=True)
        private = draw(any_of(existingResourceGroup=group, linkedNetworks=linked))
        if "linkedNetworks" in private:
            private["linkedNetworks"] = [f"{NETWORKS}/{name}" for name in private["linkedNetworks"]]
        found["private"] = private
    return found


@st.composite
def network_rows(draw: Draw) -> Row:
    ports = st.lists(st.sampled_from((25, 80, 443, 587, 65535)), min_size=1, unique=True)
    found = draw(
        any_of(
            adminSources=sources,
            clientSources=sources,
            clientPorts=ports,
            trustedSources=sources,
            dnsServers=st.lists(st.sampled_from(("10.40.1.4", "10.40.1.5")), unique=True),
            natGateway=flag,
            subnetId=st.just(f"{NETWORKS}/corp/subnets/exchange"),
        )
    )
    if draw(flag):
        prefix = draw(st.sampled_from(sorted(PREFIXES)))
        found |= {"subnetPrefix": prefix, "addressSpace": PREFIXES[prefix]}
    return found


@st.composite
def ssh_rows(draw: Draw) -> Row:
    jump = {"host": st.sampled_from(("jump.mail-domain.com", "10.9.9.9")), "user": st.just("CORP\\jumper")}
    host_key = {"hostKey": st.just(HOST_KEY)}
    through = st.fixed_dictionaries({**jump, **host_key}, optional={"port": port})
    found = draw(any_of(port=port, address=st.sampled_from(("private", "public")), jumpHost=through))
    return found | (openssh_package() if draw(flag) else {})


def openssh_package() -> Row:
    return {"packageUrl": "https://files.mail-domain.com/OpenSSH.zip", "packageSha256": "0123456789abcdef" * 4}


@st.composite
def image_rows(draw: Draw, *, own: bool) -> Row:
    if own or draw(flag):
        id = draw(st.sampled_from(("images/windows", "galleries/all/images/windows/versions/1.0.0")))
        return {"id": IMAGES + id} | draw(any_of(trustedLaunch=flag if "galleries" in id else st.just(False)))
    sku = st.sampled_from(("2019-datacenter", "2022-datacenter-g2", "own-gensecond"))
    return draw(
        any_of(publisher=st.just("Own"), offer=st.just("Own"), sku=sku, version=st.just("1.2.3"), trustedLaunch=flag)
    )


@st.composite
def installation_rows(draw: Draw, version: str) -> Row:
    sha256, name = "0123456789abcdef" * 4, "https://files.mail-domain.com/one.iso"
    paths = ("D:\\", "F:\\Exchange 2016", "\\\\files\\exchange\\CU23.ISO")
    media: st.SearchStrategy[Row] = st.sampled_from(
        ({"url": name, "sha256": sha256}, *({"path": one} for one in paths))
    )
    roles = ([], ["ClientAccess"], ["Mailbox", "ClientAccess"]) if version == "2013" else ([], ["Mailbox"])
    found: Row = {"media": draw(media)} | draw(
        any_of(
            roles=st.sampled_from(roles),
            targetDir=st.sampled_from(("F:\\Exchange", "C:\\Program Files\\Exchange")),
            packages=any_of(
                ucma=st.just({"url": name, "sha256": sha256}), net48=st.just({"url": name, "sha256": sha256})
            ),
        )
    )
    if version in ("2019", "SE"):
        found["extendedProtection"] = False
    if draw(flag):
        found |= {"prepareActiveDirectory": True} | draw(any_of(organisationName=st.sampled_from(("x", "First Org-1"))))
    return found


def rotation_rows(ttl: int) -> st.SearchStrategy[Row]:
    """Servers never leave before clients have forgotten them."""
    return any_of(drainSeconds=st.sampled_from((ttl, 7200)), healthSeconds=st.sampled_from((1, 300, 3600)))


def rollout_rows(configured: Sequence[str]) -> st.SearchStrategy[Row]:
    canary: Mapping[str, Any] = {"canary": st.sampled_from(configured)} if configured else {}
    return any_of(then=st.sampled_from(("parallel", "oneByOne")), **canary)


@st.composite
def namespace_rows(draw: Draw) -> Row:
    found = {"domain": draw(domain)} | draw(any_of(clientName=label, externalDomain=domain, externalClientName=label))
    if draw(flag):
        found["autodiscoverName"] = "autodiscover-2"
    urls = {
        name: {"enabled": flag, "internalUrl": url(name), "externalUrl": url(name)}
        for name in ("owa", "ecp", "ews", "oab", "activesync", "mapi")
    }
    methods = st.lists(st.sampled_from(("Basic", "Ntlm", "OAuth", "Negotiate")), min_size=1, unique=True)
    own = urls.pop("mapi")
    services = {name: any_of(**keys) for name, keys in urls.items()}
    return found | draw(
        any_of(
            services=any_of(
                **services,
                mapi=any_of(**own, iisAuthenticationMethods=methods),
                # One service is always enabled.
                autodiscover=any_of(serviceInternalUri=url("autodiscover")),
                outlookAnywhere=outlook_anywhere_rows(),
            )
        )
    )


@st.composite
def outlook_anywhere_rows(draw: Draw) -> Row:
    logon = st.sampled_from(("Basic", "Ntlm", "Negotiate"))
    logons = {f"{side}ClientAuthenticationMethod": logon for side in ("internal", "external")}
    found = draw(any_of(enabled=flag, internalHostname=host, externalHostname=host, **logons))
    if draw(flag):
        # Clients may do without TLS at the server only if TLS ends in front of it.
        found |= {"sslOffloading": True} | draw(any_of(internalClientsRequireSsl=flag, externalClientsRequireSsl=flag))
    return found
