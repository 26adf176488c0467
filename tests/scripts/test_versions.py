from __future__ import annotations

from tests.scripts.servers import GET, SET, Servers, document, namespace


def test_every_version_gets_the_namespace_with_its_own_cmdlets(servers: Servers) -> None:
    versions = {"ex13": "2013", "ex19": "2019", "exse": "SE"}
    for name, version in versions.items():
        servers.organisation.add_server(name, version=version)
    outcomes = servers.run_all([(SET, document(name, version), name) for name, version in versions.items()])
    for (name, version), outcome in zip(versions.items(), outcomes, strict=True):
        assert outcome.exit_code == 0, outcome.stderr
        assert outcome.report["exchangeVersion"] == version
        assert outcome.report["skipped"] == {}
        assert servers.organisation.settings(name) == namespace()
    point_writers = {(c.server, c.cmdlet) for c in servers.organisation.calls() if c.cmdlet.startswith("Set-Client")}
    assert point_writers == {
        ("EX13", "Set-ClientAccessServer"),
        ("EX19", "Set-ClientAccessService"),
        ("EXSE", "Set-ClientAccessService"),
    }


def test_exchange_2013_without_service_pack_reports_that_mapi_is_skipped(servers: Servers) -> None:
    servers.organisation.add_server("ex1", version="2013RTM")
    outcome = servers.run(SET, document(version="2013"))
    assert outcome.exit_code == 0, outcome.stderr
    without_mapi = {service: settings for service, settings in namespace().items() if service != "mapi"}
    assert servers.organisation.settings("ex1") == without_mapi
    assert outcome.report["skipped"] == {
        "mapi": "Set-MapiVirtualDirectory exists from build 15.0.847 on; this server has 15.0.516.32"
    }
    assert servers.run(GET, document(version="2013")).report["skipped"] == outcome.report["skipped"]


def test_four_servers_at_the_same_time_do_not_disturb_each_other(servers: Servers) -> None:
    names = [f"ex{number}" for number in range(1, 5)]
    for name in names:
        servers.organisation.add_server(name)
    outcomes = servers.run_all([(SET, document(name), name) for name in names], at_a_time=4)
    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0, 0]
    for name, outcome in zip(names, outcomes, strict=True):
        assert servers.organisation.settings(name) == namespace()
        assert outcome.report["server"] == name.upper()
        calls = [call for call in servers.organisation.calls() if call.server == name.upper()]
        assert sum(call.cmdlet.startswith("Set-") for call in calls) == len(namespace())
