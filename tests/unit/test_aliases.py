"""Which aliases a resource keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pytest

from components.engine import drop_versioned_aliases

pytestmark = pytest.mark.unit


def kept_aliases(*types: str) -> Iterator[str]:
    options = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=type_) for type_ in types], protect=True)
    args = pulumi.ResourceTransformationArgs(
        resource=pulumi.Resource.__new__(pulumi.Resource), type_="t", name="n", props={}, opts=options
    )
    result = drop_versioned_aliases(args)
    assert result is not None
    assert result.opts.protect is True, "other options stay"
    aliases = result.opts.aliases
    assert isinstance(aliases, list)
    return (str(alias.type_) for alias in aliases if isinstance(alias, pulumi.Alias))


def test_aliases_of_api_versions_are_dropped_and_those_of_former_modules_stay() -> None:
    found = kept_aliases(
        "azure-native:network/v20240501:PrivateZone",
        "azure-native:privatedns/v20180901:PrivateZone",
        "azure-native:network/v20150501preview:PrivateZone",
        "azure-native:network:PrivateZone",
    )
    assert list(found) == ["azure-native:network:PrivateZone"]


def test_a_resource_without_aliases_does_not_change() -> None:
    args = pulumi.ResourceTransformationArgs(
        resource=pulumi.Resource.__new__(pulumi.Resource), type_="t", name="n", props={}, opts=pulumi.ResourceOptions()
    )
    assert drop_versioned_aliases(args) is None
