"""Every rule of a stack file: a mistake is named by key, value and remedy, all at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.stand_ins.azure_native.rules.machine import _REFUSED_USERS as REFUSED_BY_AZURE
from stacks import advice, arguments
from stacks.problems import Problem

pytestmark = pytest.mark.unit

Edit = Callable[[dict[str, Any]], None]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"
NETWORK = "/subscriptions/s/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}"
GOOD: dict[str, Any] = {
    "namespace": {"domain": "mail-domain.com"},
    "servers": {
        "ex01": {"computerName": "EX01", "address": "10.40.0.11"},
        "ex02": {"computerName": "EX02", "address": "10.40.0.12"},
    },
    "operator": "CORP\\operator",
    "operatorPassword": "not-shown-1",
    "adminPassword": "not-shown-2",
}


def problems(edit: Edit, *, location: str | None = "westeurope") -> dict[str, Problem]:
    values = copy.deepcopy(GOOD)
    edit(values)
    try:
        arguments.read_arguments(values, location=location)
    except arguments.InvalidStackFileError as error:
        return {problem.key: problem for problem in error.problems}
    return {}


def server(name: str, **changes: Any) -> Edit:
    return lambda values: values["servers"][name].update(changes)


def put(**changes: Any) -> Edit:
    return lambda values: values.update(changes)


def test_a_file_with_the_needed_keys_only_is_read() -> None:
    assert problems(lambda _: None) == {}


@pytest.mark.parametrize(
    ("edit", "key", "said"),
    [
        pytest.param(
            server("ex01", address="10.41.0.11"), "servers.ex01.address", "10.40.0.4 to 10.40.0.254", id="other subnet"
        ),
        pytest.param(server("ex01", address="10.40.0.3"), "servers.ex01.address", "10.40.0.4", id="kept by Azure"),
        pytest.param(
            server("ex01", dataDisks=[{"lun": 3, "sizeGib": 8}, {"lun": 3, "sizeGib": 8}]),
            "servers.ex01.dataDisks.lun",
            "more than one disk",
            id="a LUN twice",
        ),
        pytest.param(
            server("ex01", dataDisks=[{"lun": n, "sizeGib": 8, "drive": "F"} for n in (0, 1)]),
            "servers.ex01.dataDisks.drive",
            "more than one disk",
            id="a drive twice",
        ),
        pytest.param(
            server("ex01", existing=True, hostKey=HOST_KEY, dataDisks=[{"lun": 0, "sizeGib": 8}]),
            "servers.ex01.dataDisks",
            "remove them or existing: true",
            id="disks of a server that exists",
        ),
        pytest.param(
            server("ex01", dataDisks=[{"lun": 64, "sizeGib": 8}]),
            "servers.ex01.dataDisks[0].lun",
            "from 0 to 63",
            id="a LUN too high",
        ),
        pytest.param(
            server("ex01", dataDisks=[{"lun": 0, "sizeGib": 3}]),
            "servers.ex01.dataDisks[0].sizeGib",
            "from 4 to 32767",
            id="a disk too small",
        ),
        pytest.param(
            server("ex01", dataDisks=[{"lun": 0, "sizeGib": 8, "drive": "D"}]),
            "servers.ex01.dataDisks[0].drive",
            "from F to Z",
            id="the drive of Azure's temporary disk",
        ),
        pytest.param(
            server("ex01", dataDisks=[{"lun": 0, "sizeGib": 8, "sku": "Standard_LRS"}]),
            "servers.ex01.dataDisks[0].sku",
            "Premium_LRS, Premium_ZRS",
            id="a disk that Exchange is not supported on",
        ),
        pytest.param(server("ex01", address="10.40.0.255"), "servers.ex01.address", "10.40.0.254", id="broadcast"),
        pytest.param(server("ex01", address="10.40.0.256"), "servers.ex01.address", "IPv4", id="no address"),
        pytest.param(server("ex02", address="10.40.0.11"), "servers.ex02.address", "more than one", id="address twice"),
        pytest.param(
            server("ex01", computerName="EX-CAS-MUNICH-01"), "servers.ex01.computerName", "15", id="16 characters"
        ),
        pytest.param(server("ex01", computerName="EX_01"), "servers.ex01.computerName", "hyphens", id="underscore"),
        pytest.param(server("ex01", computerName="12345"), "servers.ex01.computerName", "digits", id="only digits"),
        pytest.param(
            server("ex02", computerName="ex01"),
            "servers.ex02.computerName",
            "more than one",
            id="name twice, other case",
        ),
        pytest.param(server("ex01", inRotation=False), "servers", "allowSingleServer", id="one left in rotation"),
        pytest.param(
            put(rotation={"drainSeconds": 299}), "rotation.drainSeconds", "dns.ttlSeconds = 300", id="drain too short"
        ),
        pytest.param(put(rotation={"healthSeconds": 0}), "rotation.healthSeconds", "1", id="no time to get healthy"),
        pytest.param(put(httpsPort=65536), "httpsPort", "65535", id="no port"),
        pytest.param(put(servers={}), "servers", "1 to 20", id="no server"),
        pytest.param(
            put(
                servers={"ex01": {"computerName": "EX01", "address": "10.40.0.11", "inRotation": False}},
                allowSingleServer=True,
            ),
            "servers",
            "both names would be empty",
            id="none in rotation",
        ),
        pytest.param(
            put(servers={"Ex-1": {"computerName": "EX01", "address": "10.40.0.11"}}),
            "servers.Ex-1",
            "lower-case",
            id="server key",
        ),
        pytest.param(
            lambda values: [row.update(externalAddress="198.51.100.1") for row in values["servers"].values()],
            "servers.ex02.externalAddress",
            "more than one",
            id="external address twice",
        ),
        pytest.param(
            server("ex01", existing=True, hostKey=HOST_KEY, publicAddress=True),
            "servers.ex01.publicAddress",
            "made here",
            id="public address of an existing",
        ),
        pytest.param(
            server("ex01", existing=True, hostKey=HOST_KEY, size="Standard_D4s_v5"),
            "servers.ex01.size",
            "made here",
            id="size of an existing",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "externalClientName": "autodiscover"}),
            "namespace.autodiscoverName",
            "inside and outside",
            id="one name for both outside",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "externalClientName": "ex01"}),
            "namespace.externalClientName",
            "outlive",
            id="a server's name outside",
        ),
        pytest.param(
            put(
                namespace={
                    "domain": "a.com",
                    "services": {"ews": {"internalUrl": "https://ex01.corp.a.com/EWS/Exchange.asmx"}},
                }
            ),
            "namespace.services.ews.internalUrl",
            "outlive",
            id="a server's name in a URL",
        ),
        pytest.param(
            put(namespace={"domain": ".".join(["a" * 60] * 4) + ".com"}),
            "namespace.domain",
            "253",
            id="a name too long",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"mapi": {"iisAuthenticationMethods": []}}}),
            "namespace.services.mapi.iisAuthenticationMethods",
            "at least one",
            id="no authentication method",
        ),
        pytest.param(put(network={"clientPorts": []}), "network.clientPorts", "at least one", id="no port for clients"),
        pytest.param(
            put(network={"adminSources": ["10.0.0.1"] * 101}), "network.adminSources", "0 to 100", id="101 sources"
        ),
        pytest.param(
            put(administrator="1st"), "administrator", "a letter first", id="account that begins with a digit"
        ),
        pytest.param(put(administrator="a" * 21), "administrator", "20 characters", id="account too long"),
        pytest.param(
            put(network={"clientSources": ["Internet", "10.20.1.4/24"]}),
            "network.clientSources[1]",
            "10.20.1.0/24",
            id="client source with host bits",
        ),
        pytest.param(
            put(network={"adminSources": ["10.20.1.4/24"]}),
            "network.adminSources[0]",
            "10.20.1.0/24",
            id="admin source with host bits",
        ),
        pytest.param(
            put(network={"trustedSources": ["10.20.1.4/24"]}),
            "network.trustedSources[0]",
            "10.20.1.0/24",
            id="trusted source with host bits",
        ),
        pytest.param(
            server("ex01", publicAddress=True, externalAddress="198.51.100.1"),
            "servers.ex01.externalAddress",
            "remove one",
            id="two public addresses",
        ),
        pytest.param(
            lambda values: values.update(
                rollout={"canary": "ex02"},
                servers=values["servers"] | {"ex02": {**values["servers"]["ex02"], "configureNamespace": False}},
            ),
            "rollout.canary",
            "another server would go first",
            id="canary that is not configured",
        ),
        pytest.param(put(resourceGroup={"name": "mail."}), "resourceGroup.name", "no dot", id="group with a last dot"),
        pytest.param(
            put(resourceGroup={"name": "mail group"}), "resourceGroup.name", "letters", id="group with a space"
        ),
        pytest.param(put(resourceGroup={"name": "g" * 91}), "resourceGroup.name", "90 characters", id="group too long"),
        pytest.param(
            put(dns={"public": {"existingResourceGroup": "/subscriptions/s/resourceGroups/dns"}}),
            "dns.public.existingResourceGroup",
            "For a zone of another subscription, set azure-native:subscriptionId",
            id="zone of another subscription",
        ),
        pytest.param(
            put(dns={"private": {"existingResourceGroup": "dns/zones"}}),
            "dns.private.existingResourceGroup",
            "letters",
            id="group with a slash",
        ),
        pytest.param(put(image={"id": "Windows-2012-R2"}), "image.id", "/subscriptions/", id="name of an image"),
        pytest.param(
            put(ssh={"jumpHost": {"host": "jump", "user": "me", "hostKey": HOST_KEY}}),
            "jumpHostPassword",
            "config set --secret",
            id="jump host without a secret",
        ),
        pytest.param(put(ssh={"jumpHost": None}), "ssh.jumpHost.host", "missing", id="jump host without anything"),
        pytest.param(
            put(dns={"private": {"linkedNetworks": [NETWORK.format("a", "hub"), NETWORK.format("b", "hub")]}}),
            "dns.private.linkedNetworks",
            "name of another",
            id="two linked networks of one name",
        ),
        pytest.param(
            put(dns={"private": {"linkedNetworks": [NETWORK.format("a", "Servers")]}}),
            "dns.private.linkedNetworks",
            "of the servers' own network",
            id="linked network with the name of the servers' own link",
        ),
        pytest.param(
            server("ex01", existing=True), "servers.ex01.hostKey", "ssh-keyscan", id="existing without host key"
        ),
        pytest.param(
            server("ex01", existing=True, hostKey="ssh-rsa AAAA"), "servers.ex01.hostKey", "ed25519", id="RSA host key"
        ),
        pytest.param(
            server("ex01", existing=True, hostKey=HOST_KEY, zone="1"),
            "servers.ex01.zone",
            "made here",
            id="zone of an existing",
        ),
        pytest.param(server("ex01", size=["x"]), "servers.ex01.size", "text", id="a list for a text"),
        pytest.param(server("ex01", zone="4"), "servers.ex01.zone", "1, 2, 3", id="no such zone"),
        pytest.param(
            server("ex01", inRotaton=True), "servers.ex01.inRotaton", "did you mean inRotation", id="unknown key"
        ),
        pytest.param(put(serverz={}), "serverz", "did you mean servers", id="unknown key at the top"),
        pytest.param(put(namespace={}), "namespace.domain", "missing", id="no domain"),
        pytest.param(put(namespace={"domain": "mail_domain.com"}), "namespace.domain", "lower case", id="bad domain"),
        pytest.param(
            put(namespace={"domain": "a.com", "clientName": "owa.x"}),
            "namespace.clientName",
            "one DNS label",
            id="bad label",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "clientName": "autodiscover"}),
            "namespace.autodiscoverName",
            "two names",
            id="one name for both",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "clientName": "ex01"}),
            "namespace.clientName",
            "outlive",
            id="a server's name",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"owa": {"internalUrl": "http://x/owa"}}}),
            "namespace.services.owa.internalUrl",
            "https://",
            id="URL without TLS",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"owa": {"internalUrl": "owa.a.com/owa"}}}),
            "namespace.services.owa.internalUrl",
            "https://",
            id="relative URL",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"outlookAnywhere": {"internalClientsRequireSsl": False}}}),
            "namespace.services.outlookAnywhere.internalClientsRequireSsl",
            "contradicts",
            id="no TLS and no offloading",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"outlookAnywhere": {"externalClientsRequireSsl": None}}}),
            "namespace.services.outlookAnywhere.externalClientsRequireSsl",
            "true or false",
            id="host name without its RequireSsl",
        ),
        pytest.param(
            put(
                namespace={
                    "domain": "a.com",
                    "services": {"outlookAnywhere": {"externalClientAuthenticationMethod": None}},
                }
            ),
            "namespace.services.outlookAnywhere.externalClientAuthenticationMethod",
            "Negotiate",
            id="host name without its authentication",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"oab": {"pollInterval": 480}}}),
            "namespace.services.oab.pollInterval",
            "2010 only",
            id="2010-only field",
        ),
        pytest.param(
            put(namespace={"domain": "a.com", "services": {"autodiscover": {"internalUrl": "https://a.com/x"}}}),
            "namespace.services.autodiscover.internalUrl",
            "2010 only",
            id="URL of the Autodiscover virtual directory",
        ),
        pytest.param(put(exchangeVersion="2010"), "exchangeVersion", "2013, 2016, 2019, SE", id="Exchange 2010"),
        pytest.param(put(exchangeVersion="2013"), "image.id", "2012 R2", id="2013 without an image"),
        pytest.param(put(exchangeVersion="2016"), "ssh.packageUrl", "OpenSSH", id="2016 without a package"),
        pytest.param(
            put(ssh={"packageUrl": "https://a.com/x.zip"}), "ssh.packageSha256", "together", id="package without hash"
        ),
        pytest.param(put(ssh={"port": 70000}), "ssh.port", "1 to 65535", id="no port"),
        pytest.param(
            put(ssh={"address": "public"}), "servers.ex01.publicAddress", "ssh.address", id="dialled, not reachable"
        ),
        pytest.param(put(dns={"ttlSeconds": 0}), "dns.ttlSeconds", "1 to 3600", id="TTL 0"),
        pytest.param(put(dns={"ttlSeconds": 3601}), "dns.ttlSeconds", "1 to 3600", id="TTL above an hour"),
        pytest.param(
            put(dns={"public": {}}), "servers.ex01.publicAddress", "dns.public", id="public zone, private server"
        ),
        pytest.param(put(dns="public"), "dns", "mapping", id="text for a mapping"),
        pytest.param(
            put(network={"subnetPrefix": "10.40.0.1/24"}), "network.subnetPrefix", "10.40.0.0/24", id="no prefix"
        ),
        pytest.param(
            put(network={"subnetPrefix": "10.50.0.0/24"}), "network.subnetPrefix", "addressSpace", id="outside"
        ),
        pytest.param(put(network={"adminSources": "me"}), "network.adminSources", "list", id="text for a list"),
        pytest.param(put(network={"adminSources": ["me"]}), "network.adminSources[0]", "prefix", id="no source"),
        pytest.param(put(rollout={"canary": "ex03"}), "rollout.canary", "ex01, ex02", id="no such canary"),
        pytest.param(
            lambda values: values.pop("adminPassword"), "adminPassword", "config set --secret", id="no admin password"
        ),
        pytest.param(lambda values: values.pop("operator"), "operator", "missing", id="no operator"),
        pytest.param(
            server("ex01", restoreOnRemove=True), "servers.ex01.restoreOnRemove", "existing: true", id="goes with vm"
        ),
        pytest.param(put(protect="perhaps"), "protect", "true or false", id="no truth value"),
    ],
)
def test_a_mistake_is_named_by_its_key_with_a_remedy(edit: Edit, key: str, said: str) -> None:
    found = problems(edit)
    assert key in found, f"found only {sorted(found)}"
    assert said in found[key].remedy


def test_a_file_with_five_mistakes_reports_five() -> None:
    def five(values: dict[str, Any]) -> None:
        values["servers"]["ex01"]["address"] = "10.41.0.11"
        values["servers"]["ex02"]["computerName"] = "a-name-that-is-too-long"
        values["namespace"]["clientName"] = "two.labels"
        values["exchangeVersion"] = "2010"
        values["colour"] = "red"

    assert sorted(problems(five)) == [
        "colour",
        "exchangeVersion",
        "namespace.clientName",
        "servers.ex01.address",
        "servers.ex02.computerName",
    ]


def test_a_file_without_a_region_is_refused() -> None:
    assert list(problems(lambda _: None, location=None)) == ["azure-native:location"]


def test_twenty_servers_are_read_and_twenty_one_refused_with_the_reason() -> None:
    def many(count: int) -> Edit:
        names = range(1, count + 1)
        return put(servers={f"ex{n:02}": {"computerName": f"EX{n:02}", "address": f"10.40.0.{n + 10}"} for n in names})

    assert problems(many(20)) == {}
    assert "record set holds 20" in problems(many(21))["servers"].remedy


def test_one_server_is_enough_where_the_stack_says_so() -> None:
    def one(values: dict[str, Any]) -> None:
        del values["servers"]["ex02"]
        values["allowSingleServer"] = True

    assert problems(one) == {}


def test_an_existing_server_may_be_anywhere() -> None:
    def elsewhere(values: dict[str, Any]) -> None:
        for number, row in enumerate(values["servers"].values()):
            row.update(existing=True, hostKey=HOST_KEY, address=f"192.0.2.{number}")
        values["dns"] = {"private": {"existingResourceGroup": "dns"}}
        del values["adminPassword"]

    assert problems(elsewhere) == {}


@pytest.mark.parametrize("existing_zone", [False, True])
@pytest.mark.parametrize("made_servers", [0, 1, 2])
def test_the_servers_own_network_may_be_named_where_it_is_not_linked_anyway(
    existing_zone: bool, made_servers: int
) -> None:
    def own_network(values: dict[str, Any]) -> None:
        for row in list(values["servers"].values())[made_servers:]:
            row.update(existing=True, hostKey=HOST_KEY)
        zone = {"existingResourceGroup": "dns"} if existing_zone else {}
        values["dns"] = {"private": {**zone, "linkedNetworks": [NETWORK.format("a", "Hub")]}}
        values["network"] = {"subnetId": NETWORK.format("a", "hub") + "/subnets/cas"}

    found = problems(own_network)
    linked_anyway = bool(made_servers) and not existing_zone
    assert list(found) == (["dns.private.linkedNetworks"] if linked_anyway else [])
    assert all("own network" in problem.remedy for problem in found.values())


@pytest.mark.parametrize("name", sorted(name for name in REFUSED_BY_AZURE if not name[0].isdigit()))
def test_a_name_that_azure_refuses_for_an_administrator_is_refused_in_any_letter_case(name: str) -> None:
    for spelled in (name, name.upper(), name.capitalize()):
        assert list(problems(put(administrator=spelled))) == ["administrator"]
        assert problems(put(administrator=f"{spelled}-cas")) == {}


def test_a_canary_may_wait_in_the_file_until_exchange_is_installed() -> None:
    assert problems(put(rollout={"canary": "ex02"}, configureNamespace=False)) == {}


@pytest.mark.parametrize("name", ["a", "g" * 90, "Mail_(prod).west-1"])
def test_a_resource_group_may_have_every_name_that_azure_takes(name: str) -> None:
    assert problems(put(resourceGroup={"name": name})) == {}


@pytest.mark.parametrize(
    "image", ["images/2012r2", "galleries/g/images/2012r2", "galleries/g/images/2012r2/versions/1.0.0"]
)
def test_an_image_of_ones_own_is_named_by_its_id(image: str) -> None:
    id = f"/subscriptions/s/resourceGroups/images/providers/Microsoft.Compute/{image}"
    assert problems(put(image={"id": id})) == {}


def test_a_private_zone_that_nobody_would_ask_is_refused() -> None:
    def unlinked(values: dict[str, Any]) -> None:
        for row in values["servers"].values():
            row.update(existing=True, hostKey=HOST_KEY)

    assert list(problems(unlinked)) == ["dns.private.linkedNetworks"]


def test_numbers_and_truth_values_written_as_text_are_read_as_pulumi_hands_them_on() -> None:
    values = {**copy.deepcopy(GOOD), "protect": "true", "ssh": {"port": "2222"}, "exchangeVersion": 2019}
    farm = arguments.read_arguments(values, location="westeurope")
    assert (farm.protect, farm.ssh.port, farm.exchange_version) == (True, 2222, "2019")


def test_no_error_repeats_a_secret() -> None:
    values = {**copy.deepcopy(GOOD), "operator": None, "servers": {}, "adminPasword": "not-shown-3"}
    with pytest.raises(arguments.InvalidStackFileError) as caught:
        arguments.read_arguments(values, location=None)
    assert "adminPasword" in str(caught.value)
    assert "not-shown" not in str(caught.value)


def test_a_row_without_a_value_is_a_row_of_defaults() -> None:
    rows = {"dns": {"private": None, "public": None}, "autoShutdown": None, "network": None}
    servers = {name: {**row, "publicAddress": True} for name, row in GOOD["servers"].items()}
    farm = arguments.read_arguments({**copy.deepcopy(GOOD), **rows, "servers": servers}, location="westeurope")
    assert farm.dns.public is not None
    assert farm.auto_shutdown is not None
    assert farm.auto_shutdown.time == "1900"


def test_a_secret_that_is_not_encrypted_is_refused_by_name() -> None:
    with pytest.raises(arguments.InvalidStackFileError) as caught:
        arguments.read_arguments(copy.deepcopy(GOOD), location="westeurope", exposed=["adminPassword"])
    assert "adminPassword: is not encrypted. Run: pulumi config set --secret adminPassword" in str(caught.value)
    assert "not-shown" not in str(caught.value)


@pytest.mark.parametrize("source", ["Internet", "0.0.0.0/0"])
def test_ssh_open_to_the_internet_is_warned_of(source: str) -> None:
    farm = arguments.read_arguments(
        {**copy.deepcopy(GOOD), "network": {"adminSources": [source]}}, location="westeurope"
    )
    assert any("whole Internet" in warning for warning in advice.list_warnings(farm))


@pytest.mark.parametrize(("ttl", "warned"), [(300, False), (301, True)])
def test_a_ttl_above_the_constant_is_warned_of(ttl: int, warned: bool) -> None:
    farm = arguments.read_arguments({**copy.deepcopy(GOOD), "dns": {"ttlSeconds": ttl}}, location="westeurope")
    assert any("ttlSeconds" in warning for warning in advice.list_warnings(farm)) is warned


@pytest.mark.parametrize(
    ("everywhere", "of_one", "in_rotation", "warned"),
    [(True, False, True, True), (True, False, False, False), (True, True, True, False), (False, False, True, False)],
)
def test_a_server_that_clients_meet_and_nothing_looks_at_is_warned_of(
    everywhere: bool, of_one: bool, in_rotation: bool, warned: bool
) -> None:
    values = copy.deepcopy(GOOD) | {"configureNamespace": everywhere, "allowSingleServer": True}
    values["servers"]["ex02"] |= {"configureNamespace": of_one, "inRotation": in_rotation}
    said = advice.list_warnings(arguments.read_arguments(values, location="westeurope"))
    assert any("servers.ex02.configureNamespace" in warning for warning in said) is warned


@pytest.mark.parametrize(("ttl", "given", "seconds"), [(300, None, 360), (60, None, 120), (60, 60, 60), (60, 600, 600)])
def test_a_server_goes_on_serving_for_the_ttl_and_a_minute_unless_the_stack_says_otherwise(
    ttl: int, given: int | None, seconds: int
) -> None:
    values = copy.deepcopy(GOOD)
    values["dns"] = {"ttlSeconds": ttl}
    values["rotation"] = {} if given is None else {"drainSeconds": given}
    assert arguments.read_arguments(values, location="westeurope").drain_seconds == seconds
