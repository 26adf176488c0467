"""The policy pack in its own environment, called over gRPC as the engine does, with breaches and without."""

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


class PolicyPackClient:
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
        return broken_policies(answer)

    def analyze_stack(self, *resources: tuple[str, Mapping[str, Any]]) -> set[str]:
        rows = [
            analyzer.AnalyzerResource(type=type, properties=struct(props), urn=f"urn:{number}", name=str(number))
            for number, (type, props) in enumerate(resources)
        ]
        return broken_policies(self._stub.AnalyzeStack(analyzer.AnalyzeStackRequest(resources=rows)))

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
    built = Struct()
    built.update(values)
    return built


def broken_policies(answer: Any) -> set[str]:
    """Names of the policies that stop the run. What a preview cannot judge is advisory, and left out."""
    return {row.policyName for row in answer.diagnostics if row.enforcementLevel == analyzer.MANDATORY}


@pytest.fixture(scope="module")
def started() -> Iterator[PolicyPackClient]:
    assert PYTHON.exists(), "The policies have no environment; run: make policies"
    process = subprocess.Popen(
        [PYTHON, "-u", "-m", "pulumi.policy", "127.0.0.1:1", PACK], stdout=subprocess.PIPE, text=True, cwd="/"
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield PolicyPackClient(AnalyzerStub(channel))
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def pack(started: PolicyPackClient) -> PolicyPackClient:
    started.configure()
    return started


def record_set(addresses: Any, label: str = "owa", type: str = PRIVATE, **more: Any) -> tuple[str, dict[str, Any]]:
    given = addresses if isinstance(addresses, str) else [{"ipv4Address": address} for address in addresses]
    zone = "privateZoneName" if type == PRIVATE else "zoneName"
    props = {"recordType": "A", "relativeRecordSetName": label, zone: "example.com", "ttl": 300, "aRecords": given}
    return type, {**props, **more}


def security_group(**changes: Any) -> tuple[str, dict[str, Any]]:
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


def command_with_url(url: str) -> tuple[str, dict[str, Any]]:
    return COMMAND, {"stdin": json.dumps({"settings": {"owa": {"InternalUrl": url, "Other": "http://no-url"}}})}


@pytest.mark.parametrize(
    ("policy", "breach", "fine"),
    [
        pytest.param(
            "ttl", record_set([ONE, TWO], ttl=301), record_set([ONE, TWO], ttl=300), id="TTL in a private zone"
        ),
        pytest.param(
            "ttl",
            record_set([ONE, TWO], type=PUBLIC, ttl=3600),
            record_set([ONE, TWO], type=PUBLIC),
            id="TTL in a public zone",
        ),
        pytest.param("two-addresses", record_set([ONE]), record_set([ONE, TWO]), id="one address"),
        pytest.param(
            "two-addresses", record_set([]), record_set([UNKNOWN, UNKNOWN]), id="no address, two unknown addresses"
        ),
        pytest.param(
            "two-addresses", record_set([UNKNOWN]), record_set(UNKNOWN), id="one unknown address, an unknown list"
        ),
        pytest.param("two-addresses", record_set([ONE], "autodiscover"), record_set([ONE], "www"), id="other names"),
        pytest.param(
            "https-urls",
            command_with_url("http://owa.example.com"),
            command_with_url("https://owa.example.com/owa"),
            id="document",
        ),
        pytest.param(
            "https-urls",
            (COMMAND, {"create": "Set-OwaVirtualDirectory 'EX01\\owa' -InternalUrl 'http://owa.example.com/owa'"}),
            (COMMAND, {"create": "Set-OwaVirtualDirectory 'EX01\\owa' -InternalUrl 'https://owa.example.com/owa'"}),
            id="cmdlet",
        ),
        pytest.param("management-ports", security_group(), security_group(destinationPortRanges=["443"]), id="port"),
        pytest.param(
            "management-ports", security_group(), security_group(sourceAddressPrefix="10.0.0.0/8"), id="source"
        ),
        pytest.param(
            "management-ports",
            ("azure-native:network:SecurityRule", security_group()[1]["securityRules"][0]),
            ("azure-native:network:SecurityRule", security_group(access="Deny")[1]["securityRules"][0]),
            id="a separate rule",
        ),
    ],
)
def test_a_resource_that_breaks_a_rule_is_reported_and_a_like_one_without_a_breach_is_not(
    pack: PolicyPackClient, policy: str, breach: tuple[str, Mapping[str, Any]], fine: tuple[str, Mapping[str, Any]]
) -> None:
    assert pack.analyze(*breach) == {policy}
    assert pack.analyze(*fine) == set()


def test_a_zone_of_a_production_stack_must_be_protected(pack: PolicyPackClient) -> None:
    assert pack.analyze(ZONE, {"zoneName": "example.com"}) == {"protected-zones"}
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, protect=True) == set()
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, stack="lab") == set()


def test_the_names_of_a_zone_must_have_the_same_addresses(pack: PolicyPackClient) -> None:
    both = [ONE, TWO]
    assert pack.analyze_stack(record_set(both), record_set([TWO, THREE], "autodiscover")) == {"same-addresses"}
    assert pack.analyze_stack(record_set(both), record_set(both[::-1], "autodiscover")) == set()
    assert pack.analyze_stack(record_set(both), record_set([THREE, "10.0.0.4"], "autodiscover", PUBLIC)) == set()
    assert pack.analyze_stack(record_set(both), record_set([ONE, UNKNOWN], "autodiscover")) == set()
    assert pack.analyze_stack(record_set(both), record_set([THREE], "www")) == set()


def test_the_names_and_the_production_stacks_can_be_configured(pack: PolicyPackClient) -> None:
    pack.configure(ttl={"labels": ["mail"]}, protected_zones={"stacks": ["lab"]})
    assert pack.analyze(*record_set([ONE, TWO], ttl=900)) == set()
    assert pack.analyze(*record_set([ONE, TWO], "mail", ttl=900)) == {"ttl"}
    assert pack.analyze(ZONE, {"zoneName": "example.com"}) == set()
    assert pack.analyze(ZONE, {"zoneName": "example.com"}, stack="lab") == {"protected-zones"}


def test_every_policy_stops_a_run_and_has_a_case_here(pack: PolicyPackClient) -> None:
    info = pack.info()
    assert info.name == yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8"))["name"]
    assert {policy.name: policy.enforcementLevel for policy in info.policies} == dict.fromkeys(
        ("ttl", "two-addresses", "same-addresses", "https-urls", "management-ports", "protected-zones"),
        analyzer.MANDATORY,
    )
