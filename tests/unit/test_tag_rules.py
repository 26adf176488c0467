"""What Azure accepts as tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.good_stack_file import Edit, change_keys, find_problems

pytestmark = pytest.mark.unit


def tags(*names: str) -> Edit:
    return change_keys(tags=dict.fromkeys(names, "x"))


def with_existing_zone(edit: Edit) -> Edit:
    def both(values: dict[str, Any]) -> None:
        edit(values)
        values["dns"] = {"private": {"existingResourceGroup": "dns"}}
        subnet = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
        values["network"] = {"subnetId": subnet}

    return both


def test_a_zone_and_a_link_accept_fifteen_tags_and_other_resources_fifty() -> None:
    fifteen, fifty = ([f"t{number}" for number in range(count)] for count in (15, 50))
    assert find_problems(tags(*fifteen)) == {}
    assert "15 on a DNS zone" in find_problems(tags(*fifteen, "more"))["tags"].remedy
    assert find_problems(with_existing_zone(tags(*fifty))) == {}
    assert "50 on a resource" in find_problems(with_existing_zone(tags(*fifty, "more")))["tags"].remedy


@pytest.mark.parametrize(
    "name", ["<a>", "a%", "a&b", "a\\b", "a?", "a/b", "a\x01", "azure-x", "Microsoft.x", "windows"]
)
def test_a_tag_that_azure_refuses_is_reported_by_name(name: str) -> None:
    assert list(find_problems(with_existing_zone(tags(name)))) == [f"tags.{name}"]


@pytest.mark.parametrize("name", ["cost centre", "1st"])
def test_a_name_that_azure_refuses_on_a_zone_is_accepted_with_an_existing_zone(name: str) -> None:
    assert list(find_problems(tags(name))) == [f"tags.{name}"]
    assert find_problems(with_existing_zone(tags(name))) == {}


def test_tags_that_differ_only_in_case_are_refused() -> None:
    assert sorted(find_problems(tags("Owner", "owner", "other"))) == ["tags.Owner", "tags.owner"]


def test_the_longest_names_and_values_are_those_of_azure() -> None:
    assert find_problems(change_keys(tags={"n" * 512: "v" * 256, "empty": ""})) == {}
    assert list(find_problems(change_keys(tags={"n" * 513: "v"}))) == [f"tags.{'n' * 513}"]
    assert list(find_problems(change_keys(tags={"n": "v" * 257}))) == ["tags.n"]
