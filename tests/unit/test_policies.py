"""The policy pack in its own environment, asked over gRPC as the engine asks it: breaches and their siblings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
import yaml
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as analyzer
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from rehearsal.tools import REPOSITORY

pytestmark = pytest.mark.unit

PACK = REPOSITORY / "policies"
PYTHON = PACK / ".venv" / "bin" / "python"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PRIVATE, PUBLIC = "azure-native:privatedns:PrivateRecordSet", "azure-native:dns:RecordSet"
ZONE, GROUP = "azure-native:dns:Zone", "azure-native:network:NetworkSecurityGroup"
COMMAND = "command:remote:Command"
ONE, TWO, THREE = "10.0.0.1", "10.0.0.2", "10.0.0.3"


class Pack:
    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def info(self) -> Any:
        return self._stub.GetAnalyzerInfo(Empty())

    def analyze(self, type: str, props: Mapping[str, Any], *, stack: str = "prod", protect: bool = False) -> set[str]:
        """Names of the policies that the resource breaks."""
        answer = self._stub.Analyze(
            analyzer.AnalyzeRequest(
                type=type,
                properties=struct(props),
                urn=f"urn:pulumi:{stack}::theirs::{type}::it",
                name="it",
                options=analyzer.AnalyzerResourceOptions(protect=protect),
            )
        )
        return broken(answer)

    def analyze_stack(self, *resources: tuple[str, Mapping[str, Any]]) -> set[str]:
        rows = [
            analyzer.AnalyzerResource(type=type, properties=struct(props), urn=f"urn:{number}", name=str(number))
            for number, (type, props) in enumerate(resources)
        ]
        return broken(self._stub.AnalyzeStack(analyzer.AnalyzeStackRequest(resources=rows)))

    def configure(self, **policies: Mapping[str, Any]) -> None:
        self._stub.Configure(
            analyzer.ConfigureAnalyzerRequest(
                policyConfig={
                    name.replace("_", "-"): analyzer.PolicyConfig(
                        enforcementLevel=analyzer.MANDATORY, properties=struct(values)
                    )
                    for name, values in policies.items()
                }
            )
        )


def struct(values: Mapping[str, Any]) -> Struct:
    found = Struct()
    found.update(values)
    return found


def broken(answer: Any) -> set[str]:
    """Only what stops a run; what could not be judged in a preview is advisory."""
    return {row.policyName for row in answer.diagnostics if row.enforcementLevel == analyzer.MANDATORY}


@pytest.fixture(scope="module")
def started() -> Iterator[Pack]:
    assert PYTHON.exists(), "The policies have no environment; run: make policies"
    process = subprocess.Popen(
        [PYTHON, "-u", "-m", "pulumi.policy", "127.0.0.1:1", PACK], stdout=subprocess.PIPE, text=True, cwd="/"
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Pack(AnalyzerStub(channel))
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def pack(started: Pack) -> Pack:
    started.configure()
    return started


def records(addresses: Any, label: str = "owa", type: str = PRIVATE, **more: Any) -> tuple[str, dict[str, Any]]:
    given = addresses if isinstance(addresses, str) else [{"ipv4Address": address} for address in addresses]
    zone = "privateZoneName" if type == PRIVATE else "zoneName"
    props = {"recordType": "A", "relativeRecordSetName": label, zone: "example.com", "ttl": 300, "aRecords": given}
    return type, {**props, **more}


def rule(**changes: Any) -> tuple[str, dict[str, Any]]:
    opened = {
        "name": "Admins",
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "Internet",
        "destinationPortRanges": ["443", "3389"],
        **changes,
    }
    return GROUP, {"securityRules": [opened]}


def told(url: str) -> tuple[str, dict[str, Any]]:
    return COMMAND, {"stdin": json.dumps({"settings": {"owa": {"InternalUrl": url, "Other": "http://no-url"}}})}


@pytest.mark.parametrize(
    ("policy", "breach", "fine"),
    [
        pytest.param("ttl", records([ONE, TWO], ttl=301), records([ONE, TWO], ttl=300), id="TTL inside"),
        pytest.param("ttl", records([ONE, TWO], type=PUBLIC, ttl=3600), records([ONE, TWO], type=PUBLIC), id="outside"),
        pytest.param("two-addresses", records([ONE]), records([ONE, TWO]), id="one address"),
        pytest.param("two-addresses", records([]), records([UNKNOWN, UNKNOWN]), id="two unknown ones are two"),
        pytest.param("two-addresses", records([UNKNOWN]), records(UNKNOWN), id="an unknown list is not judged yet"),
        pytest.param("two-addresses", records([ONE], "autodiscover"), records([ONE], "www"), id="other names"),
        pytest.param("https-urls", told("http://owa.example.com"), told("https://owa.example.com/owa"), id="document"),
        pytest.param(
            "https-urls",
            (COMMAND, {"create": "Set-OwaVirtualDirectory 'EX01\\owa' -InternalUrl 'http://owa.example.com/owa'"}),
            (COMMAND, {"create": "Set-OwaVirtualDirectory 'EX01\\owa' -InternalUrl 'https://owa.example.com/owa'"}),
            id="cmdlet",
        ),
        pytest.param("management-ports", rule(), rule(destinationPortRanges=["443"]), id="port"),
        pytest.param("management-ports", rule(), rule(sourceAddressPrefix="10.0.0.0/8"), id="source"),
        pytest.param(
            "management-ports",
            ("azure-native:network:SecurityRule", rule()[1]["securityRules"][0]),
            ("azure-native:network:SecurityRule", rule(access="Deny")[1]["securityRules"][0]),
            id="a rule by itself",
        ),
    ],
)
def test_a_resource_that_breaks_a_rule_is_reported_and_its_sibling_is_not(
    pack: Pack, policy: str, breach: tuple[str, Mapping[str, Any]], fine: tuple[str, Mapping[str, Any]]
) -> None:
    assert pack.analyze(*breach) == {policy}
    assert pack.analyze(*fine) == set()


def test_a_zone_of_production_is_to_be_protected(pack: Pack) -> None:
    assert pack.analyze(ZONE, {"zoneName": "example.com"}) == {"protected-zones"}
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, protect=True) == set()
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, stack="lab") == set()


def test_the_names_of_a_zone_have_the_same_addresses(pack: Pack) -> None:
    both = [ONE, TWO]
    assert pack.analyze_stack(records(both), records([TWO, THREE], "autodiscover")) == {"same-addresses"}
    assert pack.analyze_stack(records(both), records(both[::-1], "autodiscover")) == set()
    assert pack.analyze_stack(records(both), records([THREE, "10.0.0.4"], "autodiscover", PUBLIC)) == set()
    assert pack.analyze_stack(records(both), records([ONE, UNKNOWN], "autodiscover")) == set()
    assert pack.analyze_stack(records(both), records([THREE], "www")) == set()


def test_the_names_and_the_stacks_of_production_can_be_configured(pack: Pack) -> None:
    pack.configure(ttl={"labels": ["mail"]}, protected_zones={"stacks": ["lab"]})
    assert pack.analyze(*records([ONE, TWO], ttl=900)) == set()
    assert pack.analyze(*records([ONE, TWO], "mail", ttl=900)) == {"ttl"}
    assert pack.analyze(ZONE, {"zoneName": "example.com"}) == set()
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, stack="lab") == {"protected-zones"}


def test_every_policy_stops_a_run_and_has_a_case_here(pack: Pack) -> None:
    info = pack.info()
    assert info.name == yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8"))["name"]
    assert {policy.name: policy.enforcementLevel for policy in info.policies} == dict.fromkeys(
        ("ttl", "two-addresses", "same-addresses", "https-urls", "management-ports", "protected-zones"),
        analyzer.MANDATORY,
    )
