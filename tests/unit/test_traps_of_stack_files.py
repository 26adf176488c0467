"""What people wrote into stack files and was taken without a word: refused, warned of, or taken as it was meant."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks import advice, arguments, time_zones
from tests.unit.test_settings import GOOD, HOST_KEY, Edit, problems, put, server

pytestmark = pytest.mark.unit

P = arguments.PROJECT
SUBSCRIPTION = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"


def of_file(*more: str, location: str | None = "azure-native:location") -> dict[str, str]:
    """Problems of a good file with more keys, by full name."""
    config = {f"{P}:{name}": value for name, value in copy.deepcopy(GOOD).items()}
    config |= {location: "westeurope"} if location else {}
    try:
        arguments.read_config_block({**config, **dict.fromkeys(more, "true")})
    except arguments.InvalidStackFileError as error:
        return {problem.key: problem.remedy for problem in error.problems}
    return {}


def warnings(**changes: Any) -> str:
    return "\n".join(
        advice.list_warnings(arguments.read_arguments({**copy.deepcopy(GOOD), **changes}, location="westeurope"))
    )


def service(name: str, **own: Any) -> Edit:
    return put(namespace={"domain": "mail-domain.com", "services": {name: own}})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("exchange_cas:protect", f"{P}:protect"),
        ("Exchange-CAS:protect", f"{P}:protect"),
        ("exchange-cas :protect", f"{P}:protect"),
        ("exchangecas:protect", f"{P}:protect"),
        ("exchange-csa:protect", f"{P}:protect"),
        ("exchange:protect", f"{P}:protect"),
        ("cas:vmSize", f"{P}:vmSize"),
        ("pulumi:protect", f"{P}:protect"),
        ("exchange_cas:protekt", f"{P}:protekt"),
        ("azure_native:subscriptionId", "azure-native:subscriptionId"),
        ("azurenative:tenantId", "azure-native:tenantId"),
    ],
)
def test_a_key_that_the_program_would_not_see_under_its_prefix_is_refused(name: str, meant: str) -> None:
    assert of_file(name) == {name: f"is not read under this prefix. Write {meant}."}


@pytest.mark.parametrize("name", ["pulumi:tags", "azure-native:subscriptionId", "command:x", "aws:region"])
def test_a_key_of_somebody_elses_is_left_alone(name: str) -> None:
    assert of_file(name) == {}


@pytest.mark.parametrize("name", ["azure:location", "azure_native:location", "AZURE-NATIVE:location"])
def test_a_region_under_another_prefix_is_one_problem(name: str) -> None:
    assert of_file(location=name) == {name: "is not read under this prefix. Write azure-native:location."}


@pytest.mark.parametrize("region", [5, ["westeurope"], {"x": "y"}, "west/europe"])
def test_a_region_that_is_not_a_name_is_refused(region: Any) -> None:
    with pytest.raises(arguments.InvalidStackFileError, match="is not an Azure region"):
        arguments.read_arguments(GOOD, location=region)


@pytest.mark.parametrize(
    "operator",
    [
        "CORP\\\\svc", "svc exch", "CORP\\svc exch", "CORP\\", "\\svc", "CORP/svc", "svc", "@corp.com", "svc@",
        " CORP\\svc", "CORP\\svc\n", "svc@corp.com@corp.com", "CORP\\a\\b", "svc@corp..com",
    ],
)  # fmt: skip
def test_an_operator_that_no_domain_knows_is_refused(operator: str) -> None:
    found = problems(put(operator=operator))
    assert list(found) == ["operator"]
    assert "with one backslash" in found["operator"].remedy


@pytest.mark.parametrize("operator", ["CORP\\svc", "corp.example\\svc-x", "svc.x@corp.example", "CORP\\söñke", "A\\b"])
def test_an_operator_is_written_in_either_way(operator: str) -> None:
    assert problems(put(operator=operator)) == {}


def test_a_text_is_shown_with_the_backslashes_that_it_has() -> None:
    assert str(problems(put(operator="CORP\\\\svc"))["operator"]).startswith("operator = 'CORP\\\\svc':")
    assert str(problems(put(operator="CORP\\svc\n"))["operator"]).startswith("operator = 'CORP\\svc\\n':")


def test_client_ports_without_the_servers_own_are_refused_where_servers_are_made() -> None:
    assert list(problems(put(network={"clientPorts": [80]}))) == ["network.clientPorts"]
    assert list(problems(put(httpsPort=8443))) == ["network.clientPorts"]
    assert problems(put(httpsPort=8443, network={"clientPorts": [8443]})) == {}

    def existing(values: dict[str, Any]) -> None:
        for row in values["servers"].values():
            row |= {"existing": True, "hostKey": HOST_KEY}
        values |= {"httpsPort": 8443, "dns": {"private": {"existingResourceGroup": "dns"}}}

    assert problems(existing) == {}, "who reaches an existing server is not this stack's"


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("europe/berlin", "W. Europe Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("w. europe standard time", "W. Europe Standard Time"),
        ("W Europe Standard Time", "W. Europe Standard Time"),
        ("Etc/UTC", "UTC"),
        ("qqqq", "tzutil /l"),
    ],
)
def test_a_time_zone_that_windows_does_not_know_is_refused_with_the_one_that_was_meant(zone: str, meant: str) -> None:
    found = problems(put(autoShutdown={"timeZone": zone}))
    assert list(found) == ["autoShutdown.timeZone"]
    assert meant in found["autoShutdown.timeZone"].remedy


@pytest.mark.parametrize("zone", ["UTC", "W. Europe Standard Time", "Tokyo Standard Time", "UTC-11"])
def test_a_time_zone_of_windows_is_taken(zone: str) -> None:
    assert problems(put(autoShutdown={"timeZone": zone})) == {}
    assert len(time_zones.known()) > 130


@pytest.mark.parametrize("space", ["224.0.0.0/4", "169.254.0.0/16", "168.63.129.0/24", "240.0.0.0/4", "0.0.0.0/0"])
def test_an_address_space_that_azure_refuses_is_refused(space: str) -> None:
    found = problems(put(network={"addressSpace": space, "subnetPrefix": space}))
    said = {key: problem.remedy for key, problem in found.items()}
    wanted = "255.255.255.255/32" if space == "240.0.0.0/4" else "which Azure refuses"
    assert wanted in said["network.addressSpace"]
    assert wanted in said["network.subnetPrefix"]


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "169.254.1.1", "255.255.255.255"])  # noqa: S104
def test_an_address_that_no_server_has_is_refused(address: str) -> None:
    elsewhere = server("ex01", existing=True, hostKey=HOST_KEY, address=address)
    assert list(problems(elsewhere)) == ["servers.ex01.address"]


@pytest.mark.parametrize("prefix", ["10.40.0.0/30", "10.40.0.8/31", "10.40.0.8/32"])
def test_a_subnet_without_room_is_one_problem(prefix: str) -> None:
    found = problems(put(network={"subnetPrefix": prefix}))
    assert list(found) == ["network.subnetPrefix"]
    assert "/29" in found["network.subnetPrefix"].remedy


def test_a_managed_image_has_no_trusted_launch() -> None:
    managed = {"id": f"{SUBSCRIPTION}/images/2012r2", "trustedLaunch": True}
    assert list(problems(put(image=managed))) == ["image.trustedLaunch"]
    assert problems(put(image={**managed, "trustedLaunch": False})) == {}
    gallery = f"{SUBSCRIPTION}/galleries/g/images/2025/versions/1.0.0"
    assert problems(put(image={"id": gallery, "trustedLaunch": True})) == {}


@pytest.mark.parametrize("host", ["mail.contoso.exmaple", "mail.mail-domain.com", "10.40.0.11"])
def test_a_host_without_a_record_of_this_stack_is_warned_of(host: str) -> None:
    services = {"ews": {"externalUrl": f"https://{host}/EWS/Exchange.asmx"}}
    said = warnings(namespace={"domain": "mail-domain.com", "services": services})
    assert f"namespace.services.ews.externalUrl = https://{host}/EWS/Exchange.asmx: clients are sent to {host}" in said
    if host[0].isalpha():
        anywhere = {"outlookAnywhere": {"externalHostname": host}}
        assert f"outlookAnywhere.externalHostname = {host}" in warnings(
            namespace={"domain": "mail-domain.com", "services": anywhere}
        )


def test_a_host_of_this_stack_is_not_warned_of() -> None:
    services = {
        "ews": {"externalUrl": "https://OWA.mail-domain.com/ews/exchange.asmx"},
        "oab": {"enabled": False, "internalUrl": "https://elsewhere.com/OAB"},
        "autodiscover": {"serviceInternalUri": "https://autodiscover.mail-domain.com/autodiscover/autodiscover.xml"},
    }
    assert "record" not in warnings(namespace={"domain": "mail-domain.com", "services": services})


@pytest.mark.parametrize(
    ("name", "key", "url"),
    [
        ("owa", "internalUrl", "https://a.com"),
        ("owa", "externalUrl", "https://a.com/"),
        ("owa", "internalUrl", "https://a.com/owaa"),
        ("ecp", "internalUrl", "https://a.com/owa"),
        ("ews", "internalUrl", "https://a.com/ews"),
        ("oab", "internalUrl", "https://a.com/x/OAB"),
        ("activesync", "externalUrl", "https://a.com/activesync"),
        ("mapi", "externalUrl", "https://a.com/mapi-http"),
        ("autodiscover", "serviceInternalUri", "https://a.com/autodiscover"),
    ],
)
def test_a_url_without_the_services_path_is_refused(name: str, key: str, url: str) -> None:
    found = problems(service(name, **{key: url}))
    assert list(found) == [f"namespace.services.{name}.{key}"]
    assert "where Exchange has this service" in found[f"namespace.services.{name}.{key}"].remedy


@pytest.mark.parametrize(
    "url", ["https://a.com/owa", "https://a.com/OWA/", "https://a.com:8443/owa", "https://a.com/owa/x"]
)
def test_a_url_with_the_services_path_is_taken_in_any_case(url: str) -> None:
    assert problems(service("owa", internalUrl=url)) == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://a.com:99999/owa", "is not a URL"),
        ("https://a.com:x/owa", "is not a URL"),
        ("https://me:secret@a.com/owa", "holds an account"),
        ("https://bücher.example/owa", "xn--bcher-kva.example"),
        ("https://a_b.com/owa", "not a host name"),
        ("https://mail/owa", "not a host name"),
    ],
)
def test_a_url_that_clients_cannot_use_is_refused_with_the_reason(url: str, said: str) -> None:
    assert said in problems(service("owa", internalUrl=url))["namespace.services.owa.internalUrl"].remedy


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("Mail-Domain.com", "mail-domain.com"),
        ("mail-domain.com.", "mail-domain.com"),
    ],
)
def test_a_domain_in_another_spelling_is_refused_with_the_one_that_dns_has(given: str, meant: str) -> None:
    found = problems(put(namespace={"domain": given}))
    assert [problem.remedy for problem in found.values()] == [f"Write it as DNS has it: {meant}."]
    label = problems(put(namespace={"domain": "a.com", "clientName": "ÖWA"}))
    assert label["namespace.clientName"].remedy == "Write it as DNS has it: xn--wa-eka."


@pytest.mark.parametrize(
    "pasted",
    [
        f"10.16.0.11 {HOST_KEY}",
        f"[10.16.0.11]:2222 {HOST_KEY}",
        f"ex01.corp.example,10.16.0.11 {HOST_KEY}",
        f"{HOST_KEY} nt authority\\system@EX01",
        f"{HOST_KEY}\n",
        f"  {HOST_KEY}  ",
    ],
)
def test_a_host_key_is_taken_as_ssh_keyscan_and_a_pub_file_have_it(pasted: str) -> None:
    values = copy.deepcopy(GOOD)
    values["servers"]["ex01"] |= {"existing": True, "hostKey": pasted}
    assert arguments.read_arguments(values, location="westeurope").servers["ex01"].host_key == HOST_KEY


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (HOST_KEY[:-4], "not a whole key"),
        (HOST_KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256"), "not a whole key"),
        (HOST_KEY[:30], "not a whole key"),
        (HOST_KEY.replace("IGrm", "I*rm"), "ed25519"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "ed25519"),
        ("# 10.16.0.11:22 SSH-2.0-OpenSSH_for_Windows", "ed25519"),
    ],
)
def test_a_host_key_that_is_damaged_or_of_another_kind_is_one_problem(given: str, said: str) -> None:
    found = problems(server("ex01", existing=True, hostKey=given))
    assert list(found) == ["servers.ex01.hostKey"]
    assert said in found["servers.ex01.hostKey"].remedy


@pytest.mark.parametrize("key", ["internalNLBBypassUrl", "InternalNLBBypassUrl"])
def test_the_bypass_url_is_not_said_to_be_of_exchange_2010(key: str) -> None:
    remedy = problems(service("ews", **{key: "https://a.com/ews"}))[f"namespace.services.ews.{key}"].remedy
    assert "server's own address" in remedy
    assert "2010" not in remedy


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"hostKey": "ssh-ed25519 AAAA", "existing": True}, ["servers.ex01.hostKey"]),
        ({"externalAddress": "x"}, ["servers.ex01.externalAddress"]),
        ({"existing": "perhaps"}, ["servers.ex01.existing"]),
        ({"inRotation": "perhaps"}, ["servers.ex01.inRotation"]),
    ],
)
def test_what_could_not_be_read_is_reported_once(changes: dict[str, Any], keys: list[str]) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["servers"]["ex01"] |= {"publicAddress": False, **changes}
        values["servers"]["ex02"] |= {"externalAddress": "198.51.100.2"}
        values["dns"] = {"public": {}}
        if "externalAddress" not in changes:
            values["servers"]["ex01"]["externalAddress"] = "198.51.100.1"

    assert list(problems(edit)) == keys


def test_a_linked_network_that_is_a_name_is_one_problem() -> None:
    assert list(problems(put(dns={"private": {"linkedNetworks": ["hub-vnet"]}}))) == ["dns.private.linkedNetworks[0]"]


def test_one_value_that_cannot_be_read_hides_no_other_problem() -> None:
    def edit(values: dict[str, Any]) -> None:
        values["servers"]["ex01"]["computerName"] = ["x"]
        values["servers"]["ex02"]["address"] = "10.41.0.1"
        values["dns"] = "public"
        values["rollout"] = {"canary": "ex09"}

    assert sorted(problems(edit)) == ["dns", "rollout.canary", "servers.ex01.computerName", "servers.ex02.address"]


def tags(*names: str) -> Edit:
    return put(tags=dict.fromkeys(names, "x"))


def existing_zone(edit: Edit) -> Edit:
    def both(values: dict[str, Any]) -> None:
        edit(values)
        values["dns"] = {"private": {"existingResourceGroup": "dns"}}
        subnet = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
        values["network"] = {"subnetId": subnet}

    return both


def test_a_zone_and_a_link_take_fifteen_tags_and_others_fifty() -> None:
    fifteen, fifty = ([f"t{number}" for number in range(count)] for count in (15, 50))
    assert problems(tags(*fifteen)) == {}
    assert "15 on a DNS zone" in problems(tags(*fifteen, "more"))["tags"].remedy
    assert problems(existing_zone(tags(*fifty))) == {}
    assert "50 on a resource" in problems(existing_zone(tags(*fifty, "more")))["tags"].remedy


@pytest.mark.parametrize(
    "name", ["<a>", "a%", "a&b", "a\\b", "a?", "a/b", "a\x01", "azure-x", "Microsoft.x", "windows"]
)
def test_a_tag_that_azure_refuses_is_named(name: str) -> None:
    assert list(problems(existing_zone(tags(name)))) == [f"tags.{name}"]


@pytest.mark.parametrize("name", ["cost centre", "1st"])
def test_a_zone_made_here_takes_fewer_names(name: str) -> None:
    assert list(problems(tags(name))) == [f"tags.{name}"]
    assert problems(existing_zone(tags(name))) == {}


def test_tags_that_differ_in_case_only_are_one_to_azure() -> None:
    assert sorted(problems(tags("Owner", "owner", "other"))) == ["tags.Owner", "tags.owner"]


def test_the_lengths_of_tags_are_azures() -> None:
    assert problems(put(tags={"n" * 512: "v" * 256, "empty": ""})) == {}
    assert list(problems(put(tags={"n" * 513: "v"}))) == [f"tags.{'n' * 513}"]
    assert list(problems(put(tags={"n": "v" * 257}))) == ["tags.n"]
