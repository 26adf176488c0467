"""What `lab up` and `lab down` refuse: zones, protected resources, labs of other owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from operations.labs.lab_state import LabState, find_foreign_zones, find_other_owner, find_protection
from operations.labs.names import Lab
from tests.unit.labs import (
    ANNA,
    GROUP,
    NOW,
    TAGS,
    deployment,
    resource,
    zone,
)
from tests.unit.labs import base as base

pytestmark = pytest.mark.unit


def foreign(known: LabState, *in_azure: str, tags: Mapping[str, str] | None = None) -> list[str]:
    there = {id: tags or {} for id in in_azure}
    return list(find_foreign_zones(known, ANNA, "exchange-cas-lab-anna", there))


def test_the_labs_own_zone_is_not_refused_created_or_interrupted() -> None:
    made = zone()
    assert foreign(deployment(made), made["id"].upper()) == []
    interrupted = {name: value for name, value in made.items() if name != "id"}
    assert foreign(deployment(pending=(interrupted,)), made["id"]) == []


@pytest.mark.parametrize(
    "row",
    [
        zone(external=True),
        zone(importID="x"),
        zone(tags={"purpose": "prod"}),
        zone(id="/subscriptions/s/resourceGroups/dns/providers/Microsoft.Network/privateDnsZones/mail-domain.com"),
    ],
    ids=["read", "imported", "without the lab's tag", "in another resource group"],
)
def test_a_zone_that_the_stack_did_not_create_is_named_with_the_remedy(row: dict[str, Any]) -> None:
    (problem,) = foreign(deployment(row))
    assert "did not create it" in problem
    assert "pulumi state delete" in problem


def test_record_sets_in_a_foreign_zone_are_refused() -> None:
    inputs = {"zoneName": "mail-domain.com", "relativeRecordSetName": "owa"}
    (problem,) = foreign(deployment(resource("azure-native:dns:RecordSet", "cas-owa-a", id="x", inputs=inputs)))
    assert problem.startswith("zone mail-domain.com: the stack has record sets in it but the stack did not create it")


def test_a_zone_that_somebody_put_into_the_resource_group_is_refused() -> None:
    (problem,) = foreign(deployment(zone()), f"{GROUP}/providers/Microsoft.Network/dnszones/mail-domain.com")
    assert problem.startswith("zone mail-domain.com: exchange-cas-lab-anna holds it")


def test_the_tag_tells_a_zone_that_the_state_has_lost_from_a_foreign_one() -> None:
    lost = zone()["id"]
    assert foreign(deployment(), lost, tags=TAGS) == []
    assert len(foreign(deployment(), lost, tags=Lab("ben").tags("ben", NOW))) == 1


def test_a_protected_resource_or_a_protected_file_is_one_problem() -> None:
    (problem,) = find_protection(deployment(zone(protect=True)), {"exchange-cas:protect": True})
    assert problem.startswith("protect = True (cas-private-zone)")
    assert list(find_protection(deployment(zone()), {})) == []


def test_another_owners_tag_is_one_problem_until_the_lab_expires() -> None:
    assert list(find_other_owner([{}, TAGS], "anna", NOW)) == []
    (problem,) = find_other_owner([{}, TAGS, TAGS], "ben", NOW)
    assert "tag owner = 'anna', you are 'ben'" in problem
    assert list(find_other_owner([TAGS], "ben", NOW + timedelta(hours=73))) == []
