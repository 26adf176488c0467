"""azure-native's aliases, without those that cost time and say nothing."""

from __future__ import annotations

import re

import pulumi

# azure-native:network/v20240501:NetworkInterface. Version 3 of the provider has no such types, and this program never
# made one, so no state knows them.
VERSIONED = re.compile(r"azure-native:\w+/v\d+\w*:")


def drop_versioned_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation of resources: leaves out the aliases of a type's former API versions.

    The SDK lists 30 to 60 of them for each resource and computes a URN for each: most of what a preview would take.
    """
    aliases = args.opts.aliases
    if not isinstance(aliases, list):
        return None
    kept = [alias for alias in aliases if not (isinstance(alias, pulumi.Alias) and VERSIONED.match(str(alias.type_)))]
    opts = pulumi.ResourceOptions.merge(args.opts, None)
    opts.aliases = kept
    return pulumi.ResourceTransformationResult(args.props, opts)
