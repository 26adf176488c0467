"""Forms of the other keys of a stack file, and the rules between them."""

from __future__ import annotations

import copy

import pytest

from tests.unit.good_stack_file import GOOD, HOST_KEY, Edit, assert_problem, change_keys, find_problems, read_good

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(
            change_keys(rotation={"drainSeconds": 299}),
            "rotation.drainSeconds",
            "dns.ttlSeconds = 300",
            id="drain too short",
        ),
        pytest.param(
            change_keys(rotation={"healthSeconds": 0}), "rotation.healthSeconds", "1", id="no time to become healthy"
        ),
        pytest.param(change_keys(httpsPort=65536), "httpsPort", "65535", id="not a port"),
        pytest.param(
            lambda values: values.update(
                rollout={"canary": "ex02"},
                servers=values["servers"] | {"ex02": {**values["servers"]["ex02"], "configureNamespace": False}},
            ),
            "rollout.canary",
            "another server would go first",
            id="canary that is not configured",
        ),
        pytest.param(
            change_keys(resourceGroup={"name": "mail."}),
            "resourceGroup.name",
            "no dot",
            id="group with a dot at the end",
        ),
        pytest.param(
            change_keys(resourceGroup={"name": "mail group"}), "resourceGroup.name", "letters", id="group with a space"
        ),
        pytest.param(
            change_keys(resourceGroup={"name": "g" * 91}), "resourceGroup.name", "90 characters", id="group too long"
        ),
        pytest.param(
            change_keys(dns={"public": {"existingResourceGroup": "/subscriptions/s/resourceGroups/dns"}}),
            "dns.public.existingResourceGroup",
            "For a zone in another subscription, either set azure-native:subscriptionId",
            id="zone of another subscription",
        ),
        pytest.param(
            change_keys(dns={"private": {"existingResourceGroup": "dns/zones"}}),
            "dns.private.existingResourceGroup",
            "letters",
            id="group with a slash",
        ),
        pytest.param(
            change_keys(ssh={"jumpHost": {"host": "jump", "user": "me", "hostKey": HOST_KEY}}),
            "jumpHostPassword",
            "config set --secret",
            id="jump host without a secret",
        ),
        pytest.param(
            change_keys(ssh={"jumpHost": None}), "ssh.jumpHost.host", "missing", id="jump host without anything"
        ),
        pytest.param(change_keys(serverz={}), "serverz", "Did you mean servers", id="unknown key at the top"),
        pytest.param(
            change_keys(exchangeVersion="2010"), "exchangeVersion", "2013, 2016, 2019, SE", id="Exchange 2010"
        ),
        pytest.param(
            change_keys(ssh={"packageUrl": "https://a.com/x.zip"}),
            "ssh.packageSha256",
            "together",
            id="package without hash",
        ),
        pytest.param(change_keys(ssh={"port": 70000}), "ssh.port", "1 to 65535", id="not a port"),
        pytest.param(change_keys(dns={"ttlSeconds": 0}), "dns.ttlSeconds", "1 to 3600", id="TTL 0"),
        pytest.param(change_keys(dns={"ttlSeconds": 3601}), "dns.ttlSeconds", "1 to 3600", id="TTL above an hour"),
        pytest.param(change_keys(dns="public"), "dns", "mapping", id="text for a mapping"),
        pytest.param(change_keys(rollout={"canary": "ex03"}), "rollout.canary", "ex01, ex02", id="unknown canary"),
        pytest.param(lambda values: values.pop("operator"), "operator", "missing", id="no operator"),
        pytest.param(change_keys(protect="perhaps"), "protect", "true or false", id="not a truth value"),
    ],
)
def test_a_mistake_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


@pytest.mark.parametrize(
    "operator",
    [
        "CORP\\\\svc", "svc exch", "CORP\\svc exch", "CORP\\", "\\svc", "CORP/svc", "svc", "@corp.com", "svc@",
        " CORP\\svc", "CORP\\svc\n", "svc@corp.com@corp.com", "CORP\\a\\b", "svc@corp..com",
    ],
)  # fmt: skip
def test_an_operator_that_is_not_a_domain_account_is_refused(operator: str) -> None:
    found = find_problems(change_keys(operator=operator))
    assert list(found) == ["operator"]
    assert "with one backslash" in found["operator"].remedy


@pytest.mark.parametrize("operator", ["CORP\\svc", "corp.example\\svc-x", "svc.x@corp.example", "CORP\\söñke", "A\\b"])
def test_both_forms_of_a_domain_account_are_accepted(operator: str) -> None:
    assert find_problems(change_keys(operator=operator)) == {}


def test_a_canary_is_accepted_before_exchange_is_installed() -> None:
    assert find_problems(change_keys(rollout={"canary": "ex02"}, configureNamespace=False)) == {}


@pytest.mark.parametrize("name", ["a", "g" * 90, "Mail_(prod).west-1"])
def test_a_resource_group_may_have_every_name_that_azure_accepts(name: str) -> None:
    assert find_problems(change_keys(resourceGroup={"name": name})) == {}


@pytest.mark.parametrize(("ttl", "given", "seconds"), [(300, None, 360), (60, None, 120), (60, 60, 60), (60, 600, 600)])
def test_the_default_drain_time_is_the_ttl_and_a_minute(ttl: int, given: int | None, seconds: int) -> None:
    values = copy.deepcopy(GOOD)
    values["dns"] = {"ttlSeconds": ttl}
    values["rotation"] = {} if given is None else {"drainSeconds": given}
    assert read_good(**values).drain_seconds == seconds
