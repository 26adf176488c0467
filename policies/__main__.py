"""The policy pack: the rules of `components/rules.py` for stacks of any making. docs/review.md says how it is run."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

# The rules lie beside this folder, or inside of it where the pack was copied to be published.
sys.path.append(str(Path(__file__).resolve().parent.parent))
from components import rules

RECORD_SETS = {"azure-native:privatedns:PrivateRecordSet": "privateZoneName", "azure-native:dns:RecordSet": "zoneName"}
ZONES = {"azure-native:privatedns:PrivateZone": "privateZoneName", "azure-native:dns:Zone": "zoneName"}
SECURITY_GROUP, SECURITY_RULE = "azure-native:network:NetworkSecurityGroup", "azure-native:network:SecurityRule"
COMMANDS = ("command:remote:Command", "command:local:Command")
# How a cmdlet is told a URL, in a command's text.
URL_PARAMETER = re.compile(
    r"-(?:(?:Internal|External)Url|AutoDiscoverServiceInternalUri)[\s:]+['\"]?([^\s'\";]+)", re.I
)
LABELS = PolicyConfigSchema(
    properties={
        "labels": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["owa", "autodiscover"],
            "description": "The labels of the names that clients use; an empty list is every A record set.",
        }
    }
)
PRODUCTION = PolicyConfigSchema(
    properties={
        "stacks": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The stacks of production; if left out, those with prod or production in their names.",
        }
    }
)


def is_name(args: Any, config: Mapping[str, Any]) -> bool:
    """Whether a resource is an A record set of a name that clients use."""
    labels = config.get("labels", ["owa", "autodiscover"])
    props = args.props
    return (
        args.resource_type in RECORD_SETS
        and props.get("recordType") == "A"
        and (not labels or props.get("relativeRecordSetName") in labels)
    )


def addresses(props: Mapping[str, Any]) -> list[str]:
    """One that is known only after the run counts as an address of its own. Raises UnknownValueError if all are."""
    records = props.get("aRecords", [])
    found = []
    for index in range(len(records)):
        try:
            found.append(str(records[index]["ipv4Address"]))
        except UnknownValueError:
            found.append(f"unknown {index}")
    return found


def ttl(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if is_name(args, args.get_config() or {}) and "ttl" in args.props:
        say(report, rules.check_ttl(args.props["ttl"]))


def two_addresses(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if is_name(args, args.get_config() or {}):
        say(report, rules.check_address_count(addresses(args.props)))


def same_addresses(args: StackValidationArgs, report: ReportViolation) -> None:
    """The names of one zone; a zone with an address that is unknown yet is judged in the run."""
    zones: dict[tuple[str, str], dict[str, list[str]]] = {}
    for resource in args.resources:
        if is_name(resource, args.get_config() or {}):
            zone = resource.props[RECORD_SETS[resource.resource_type]]
            label = resource.props["relativeRecordSetName"]
            names = zones.setdefault((resource.resource_type, zone), {})
            names[f"{label}.{zone}"] = addresses(resource.props)
    for names in zones.values():
        if not any(address.startswith("unknown") for found in names.values() for address in found):
            say(report, rules.check_same_addresses(names))


def https_urls(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in COMMANDS:
        return
    for key in ("create", "update", "stdin"):
        if isinstance(text := args.props.get(key), str):
            for url in urls(text):
                say(report, rules.check_https_url(url))


def urls(text: str) -> Iterator[str]:
    """URLs that a text tells Exchange: parameters of cmdlets, or settings in a document of this project."""
    yield from URL_PARAMETER.findall(text)
    try:
        settings = json.loads(text)["settings"]
    except (ValueError, KeyError, TypeError):
        return
    for service in settings.values() if isinstance(settings, Mapping) else ():
        for name, value in service.items() if isinstance(service, Mapping) else ():
            if name.endswith(("Url", "Uri")) and isinstance(value, str):
                yield value


def management_ports(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == SECURITY_RULE:
        say(report, rules.find_open_management_ports([{"name": args.name, **dict(args.props)}]))
    elif args.resource_type == SECURITY_GROUP and "securityRules" in args.props:
        say(report, rules.find_open_management_ports(args.props["securityRules"]))


def protected_zones(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in ZONES:
        # The environment tells no stack; the URN does.
        stack = args.urn.removeprefix("urn:pulumi:").partition("::")[0]
        stacks = (args.get_config() or {}).get("stacks")
        production = rules.is_production(stack) if stacks is None else stack in stacks
        say(report, rules.check_zone_protection(args.name, protected=args.opts.protect, production=production))


def say(report: ReportViolation, breaches: Iterator[str]) -> None:
    for breach in breaches:
        report(breach)


PolicyPack(
    name="client-access",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            "ttl", "A client asks DNS again after at most five minutes.", ttl, config_schema=LABELS
        ),
        ResourceValidationPolicy(
            "two-addresses", "At least two addresses are behind each name.", two_addresses, config_schema=LABELS
        ),
        StackValidationPolicy(
            "same-addresses", "The same addresses are behind all names of a zone.", same_addresses, config_schema=LABELS
        ),
        ResourceValidationPolicy("https-urls", "Clients are told URLs that begin with https://.", https_urls),
        ResourceValidationPolicy("management-ports", "No management port is open to the Internet.", management_ports),
        ResourceValidationPolicy(
            "protected-zones", "A zone of production is protected.", protected_zones, config_schema=PRODUCTION
        ),
    ],
)
