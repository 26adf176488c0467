"""verify, against server and DNS stand-ins over real sockets: each thing that can be wrong is found by its name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from operations.check.dns import name_servers_of
from operations.check.report import format_json
from operations.check.verify import Verification
from operations.result import State, exit_code
from rehearsal.stand_ins.dns import AzureDns
from tests.unit.deployment import Deployment, Record, of
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, PASSWORD, Farm

pytestmark = pytest.mark.unit


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    return Deployment(farm=farm)


def said(result: Verification, state: State = State.DIFFERENT) -> list[str]:
    """Every line of what is wrong."""
    return [f"{row.subject}: {row.detail}" for row in result.findings() if row.state is state and row.detail]


def test_a_stack_that_is_as_promised_is_fine_on_every_server_name_and_service(deployment: Deployment) -> None:
    result = deployment.verify()
    assert exit_code(result.findings()) == 0, [row for row in result.findings() if row.detail]
    seen = {
        (page.server, page.name, page.service, page.status, page.answered_by)
        for s in result.sites
        for page in s.services
    }
    services = ("owa", "ecp", "ews", "oab", "activesync", "mapi", "outlookAnywhere")
    expected = [(OWA, service) for service in services] + [(AUTODISCOVER, "autodiscover")]
    assert seen == {
        (server, name, service, 200, f"{server}.corp.example")
        for server in ("EX01", "EX02")
        for name, service in expected
    }
    assert {(s.certificate.names, s.certificate.state) for s in result.sites} == {((AUTODISCOVER, OWA), State.FINE)}
    assert len(result.dns) == 2
    assert [len(server.settings) for server in result.settings] == [21, 21]


def test_every_handshake_names_the_name_that_is_looked_at(deployment: Deployment) -> None:
    asked: list[str | None] = []

    def note(_socket: object, name: str | None, _context: object) -> None:
        asked.append(name)

    deployment.farm.certificates.server_context.sni_callback = note
    deployment.verify()
    assert set(asked) == {OWA, AUTODISCOVER}
    assert asked.count(AUTODISCOVER) == 2 * 2, "on each server the certificate and one page"


def test_a_service_that_answers_with_an_error_is_a_difference_of_that_server_and_service_alone(
    deployment: Deployment,
) -> None:
    deployment.farm.organisation.set_component("ex02", "EwsProxy", "Inactive", "HealthAPI")
    result = deployment.verify()
    assert said(result) == [f"EX02 ews on {OWA}: 503 Service Unavailable"]
    assert exit_code(result.findings()) == 1


def test_a_server_that_answers_in_the_place_of_another_is_a_difference(deployment: Deployment) -> None:
    deployment.outputs["ex01"]["address"], deployment.outputs["ex02"]["address"] = "127.40.1.2", "127.40.1.1"
    assert f"EX01 owa on {OWA}: answered by EX02.corp.example" in said(deployment.verify())


def test_a_stopped_web_site_is_a_difference_and_the_settings_are_still_read(deployment: Deployment) -> None:
    deployment.servers[0].reset_https()
    result = deployment.verify()
    assert said(result) == [f"EX01 certificate for {name}: the connection is refused" for name in (AUTODISCOVER, OWA)]
    assert len(result.settings[0].settings) == 21
    assert exit_code(result.findings()) == 1


def test_a_server_out_of_rotation_is_shown_and_not_judged_on_its_health(deployment: Deployment) -> None:
    deployment.outputs["ex02"]["inRotation"] = False
    deployment.rows[:] = [Record(name=name, values=("127.40.1.1",)) for name in ("owa", "autodiscover")]
    deployment.servers[1].reset_https()
    result = deployment.verify()
    assert exit_code(result.findings()) == 0
    assert f"EX02 certificate for {OWA}: the connection is refused" in said(result, State.SHOWN)


def test_the_settings_of_a_server_out_of_rotation_are_judged(deployment: Deployment) -> None:
    deployment.outputs["ex02"]["inRotation"] = False
    deployment.rows[:] = [Record(name=name, values=("127.40.1.1",)) for name in ("owa", "autodiscover")]
    deployment.farm.organisation.change("ex02", "ecp", "InternalUrl", "https://ex02/ecp")
    assert said(deployment.verify()) == [f"EX02 ecp.InternalUrl: expected https://{OWA}/ecp, found https://ex02/ecp"]


@pytest.mark.parametrize(
    ("names", "days", "trusted", "detail"),
    [
        ([OWA], 90, True, f"not for this name (it names {OWA})"),
        ([OWA, AUTODISCOVER], 90, False, "unable to get local issuer certificate"),
        ([OWA, AUTODISCOVER], -1, True, "certificate has expired"),
        ([OWA, AUTODISCOVER], 29, True, "ends in 29 days, fewer than 30"),
        ([OWA, AUTODISCOVER], 30, True, None),
        ([f"*.{DOMAIN}"], 90, True, None),
    ],
    ids=["a name missing", "an unknown authority", "expired", "soon to end", "just long enough", "a wildcard"],
)
def test_a_certificate_is_judged_as_clients_do_and_its_days_are_counted(
    deployment: Deployment, names: list[str], days: int, trusted: bool, detail: str | None
) -> None:
    authority, now = trustme.CA(), datetime.now(UTC)
    shown = authority.issue_cert(
        *names, not_before=now - timedelta(days=400), not_after=now + timedelta(days=days, hours=1)
    )
    shown.configure_cert(deployment.farm.certificates.server_context)
    context = deployment.trusted
    if trusted:
        authority.configure_trust(context)
    result = deployment.verify(trusted=context)
    found = [site.certificate for site in result.sites if site.name == AUTODISCOVER]
    assert {certificate.days_left for certificate in found} == {days}
    assert all(detail in certificate.detail if detail else not certificate.detail for certificate in found)
    assert exit_code(result.findings()) == (1 if detail else 0)
    assert all(page.state is State.FINE for site in result.sites for page in site.services)


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        ([Record(name="owa", values=("127.40.1.1",))], "answers 127.40.1.1 instead of 127.40.1.1, 127.40.1.2"),
        ([Record(name="owa", values=("127.40.1.1", "127.40.1.2"), ttl=301)], "TTL 301 s, more than 300 s"),
        ([Record(name="other", values=("127.40.1.1",))], "the name does not exist"),
        ([Record(name="owa", type="TXT", values=('"here"',))], "the name has no address"),
    ],
    ids=["an address missing", "kept too long", "no name", "no address"],
)
def test_what_the_resolver_answers_otherwise_is_a_difference(
    deployment: Deployment, rows: list[Record], detail: str
) -> None:
    deployment.rows[0:1] = rows
    (line,) = said(deployment.verify())
    assert line.startswith(f"{OWA} at resolver 127.0.0.1:")
    assert line.endswith(f": {detail}")


def test_a_resolvers_ttl_may_have_counted_down(deployment: Deployment) -> None:
    deployment.rows[0] = Record(name="owa", values=("127.40.1.1", "127.40.1.2"), ttl=1)
    assert exit_code(deployment.verify().findings()) == 0


def test_a_resolver_that_refuses_could_not_be_asked(deployment: Deployment) -> None:
    deployment.rows.clear()
    result = deployment.verify()
    assert len(said(result, State.UNSEEN)) == 2
    assert exit_code(result.findings()) == 2


@pytest.fixture
def outside(deployment: Deployment) -> Deployment:
    """A public zone beside the private one, with public addresses."""
    public = ("203.0.113.1", "203.0.113.2")
    deployment.values["dns"] = {"private": {"existingResourceGroup": "dns"}, "public": {"existingResourceGroup": "dns"}}
    for key, address in zip(deployment.outputs, public, strict=True):
        deployment.outputs[key]["publicAddress"] = address
        deployment.values["servers"][key]["externalAddress"] = address
    deployment.rows += [Record(name=name, values=public, private=False) for name in ("owa", "autodiscover")]
    return deployment


def test_name_servers_are_asked_for_the_public_addresses_and_the_very_ttl(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as first, AzureDns(lambda: outside.rows) as second:
        result = outside.verify(name_servers=[first, second])
        assert exit_code(result.findings()) == 0
        # All are asked at the same time, so in any order.
        for server in (first, second):
            assert sorted(query.name for query in server.queries) == [AUTODISCOVER, OWA]
    stale = [*outside.rows[:2], Record(name="owa", values=("203.0.113.1",), private=False, ttl=60), outside.rows[3]]
    with AzureDns(lambda: outside.rows) as first, AzureDns(lambda: stale) as second:
        result = outside.verify(name_servers=[first, second])
        assert said(result) == [
            f"{OWA} at 127.0.0.1:{second.port}: answers 203.0.113.1 instead of 203.0.113.1, 203.0.113.2; "
            "TTL 60 s instead of 300 s"
        ]


def test_the_name_servers_of_a_zone_are_found_by_asking_the_resolver(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as resolver:
        found = asyncio.run(name_servers_of(DOMAIN, of(resolver)))
    assert sorted(str(server) for server in found) == [
        "ns1-01.azure-dns.com",
        "ns2-01.azure-dns.net",
        "ns3-01.azure-dns.org",
        "ns4-01.azure-dns.info",
    ]


def test_where_the_private_zone_hides_the_public_one_its_name_servers_have_to_be_given(outside: Deployment) -> None:
    result = outside.verify()
    hidden = f"{DOMAIN} at its name servers: the resolver names none of them; give them as --name-server"
    assert said(result, State.UNSEEN) == [hidden]
    assert exit_code(result.findings()) == 2


def test_a_server_that_does_not_own_the_zone_is_no_name_server(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as owner:
        owner.resolve = without_authority(owner.resolve)  # type: ignore[method-assign]
        result = outside.verify(name_servers=[owner])
    assert [line.rpartition(": ")[2] for line in said(result)] == ["it answers, but does not own the zone"] * 2


def without_authority(resolve: Callable[..., object]) -> Callable[..., object]:
    def answer(*asked: object) -> object:
        reply = resolve(*asked)
        reply.header.aa = 0  # type: ignore[attr-defined]
        return reply

    return answer


def test_drift_of_a_setting_is_named_with_both_values(deployment: Deployment) -> None:
    deployment.farm.organisation.change("ex01", "mapi", "IISAuthenticationMethods", ["Basic"])
    result = deployment.verify()
    assert said(result) == ["EX01 mapi.IISAuthenticationMethods: expected Ntlm, OAuth, Negotiate, found Basic"]
    (row,) = result.settings[0].drifted
    assert (row.service, row.setting, row.actual) == ("mapi", "IISAuthenticationMethods", ["Basic"])


def test_a_server_whose_exchange_is_not_the_stacks_is_not_read(deployment: Deployment) -> None:
    del deployment.outputs["ex01"]["namespaceUrn"]
    deployment.farm.organisation.change("ex01", "owa", "InternalUrl", "https://other/owa")
    assert exit_code(deployment.verify().findings()) == 0
    assert deployment.servers[0].ssh.connections == []


def test_where_every_service_is_opted_out_no_server_is_read(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {**deployment.told(), "settings": {}}
    monkeypatch.setattr(deployment, "told", lambda: outputs)
    result = deployment.verify()
    assert exit_code(result.findings()) == 0
    assert [row.detail for row in result.settings] == ["every service is opted out: Exchange is not this stack's"] * 2
    assert [server.ssh.connections for server in deployment.servers] == [[], []]


@pytest.mark.parametrize(
    ("host_key", "password", "detail"),
    [
        (False, PASSWORD, "it shows another SSH host key than the stack holds"),
        (True, "wrong-Password-1", "it refuses the logon over SSH"),
    ],
)
def test_a_server_that_is_not_trusted_or_trusts_nobody_could_not_be_looked_at(
    deployment: Deployment, host_key: bool, password: str, detail: str
) -> None:
    if not host_key:
        deployment.outputs["ex01"]["hostKey"] = deployment.outputs["ex02"]["hostKey"]
    deployment.values["operatorPassword"] = password
    result = deployment.verify()
    assert f"EX01 settings: {detail}" in said(result, State.UNSEEN)
    assert exit_code(result.findings()) == 2
    assert deployment.servers[0].ssh.connections[0].commands == []


def test_a_key_that_cannot_be_read_means_that_nothing_could_be_looked_at_and_is_not_shown(
    deployment: Deployment,
) -> None:
    deployment.values["operatorPrivateKey"] = "no key at all"
    result = deployment.verify()
    assert exit_code(result.findings()) == 2
    assert any("private key" in text for text in said(result, State.UNSEEN))
    assert "no key at all" not in format_json(result)


def test_what_the_script_says_of_its_failure_is_handed_on(deployment: Deployment) -> None:
    deployment.farm.organisation.remove_server("ex01")
    lines = said(deployment.verify(), State.UNSEEN)
    assert any("exchange is not installed on ex01" in line.lower() for line in lines)


def test_verify_only_reads(deployment: Deployment) -> None:
    deployment.verify()
    for server in deployment.servers:
        assert {request.method for request in server.https.requests} == {"GET"}
        commands = [command for connection in server.ssh.connections for command in connection.commands]
        assert [command.rpartition("/")[2] for command in commands] == ["Get-ClientAccessNamespace.ps1"]
        assert [connection.files for connection in server.ssh.connections] == [[]]


def test_the_json_has_everything_and_no_secret(deployment: Deployment) -> None:
    deployment.farm.organisation.change("ex01", "owa", "InternalUrl", "https://other/owa")
    text = format_json(deployment.verify())
    told = json.loads(text)
    assert (told["verdict"], told["exitCode"]) == ("differences", 1)
    assert told["sites"][0]["certificate"]["daysLeft"] > 30
    assert [row for server in told["settings"] for row in server["settings"] if row["state"] == "different"] == [
        {
            "state": "different",
            "detail": f"expected https://{OWA}/owa, found https://other/owa",
            "server": "EX01",
            "service": "owa",
            "setting": "InternalUrl",
            "expected": f"https://{OWA}/owa",
            "actual": "https://other/owa",
        }
    ]
    assert PASSWORD not in text
    assert PASSWORD not in repr(deployment.stack())
