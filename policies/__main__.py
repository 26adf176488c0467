"""A policy pack with the rules of `components/rules.py`, for any stack. docs/review.md shows how to run it."""

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

# `components` is beside this folder in the repository, and inside it in a published copy of the pack.
sys.path.append(str(Path(__file__).resolve().parent.parent))
from components import rules

RECORD_SETS = {"azure-native:privatedns:PrivateRecordSet": "privateZoneName", "azure-native:dns:RecordSet": "zoneName"}
ZONES = {"azure-native:privatedns:PrivateZone": "privateZoneName", "azure-native:dns:Zone": "zoneName"}
SECURITY_GROUP, SECURITY_RULE = "azure-native:network:NetworkSecurityGroup", "azure-native:network:SecurityRule"
COMMANDS = ("command:remote:Command", "command:local:Command")
# A cmdlet's parameter for a URL, in the text of a command.
URL_PARAMETER = re.compile(
    r"-(?:(?:Internal|External)Url|AutoDiscoverServiceInternalUri)[\s:]+['\"]?([^\s'\";]+)", re.I
)
LABELS = PolicyConfigSchema(
    properties={
        "labels": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["owa", "autodiscover"],
            "description": "The labels of the names that clients use; an empty list means every A record set.",
        }
    }
)
PRODUCTION = PolicyConfigSchema(
    properties={
        "stacks": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The production stacks; if left out, those with prod or production in their names.",
        }
    }
)


def is_client_name(args: Any, config: Mapping[str, Any]) -> bool:
    """Whether a resource is an A record set of a name that clients use."""
    labels = config.get("labels", ["owa", "autodiscover"])
    props = args.props
    return (
        args.resource_type in RECORD_SETS
        and props.get("recordType") == "A"
        and (not labels or props.get("relativeRecordSetName") in labels)
    )


def read_addresses(props: Mapping[str, Any]) -> list[str]:
    """An unknown address counts as a different one. Raises UnknownValueError if the whole list is unknown."""
    records = props.get("aRecords", [])
    addresses = []
    for index in range(len(records)):
        try:
            addresses.append(str(records[index]["ipv4Address"]))
        except UnknownValueError:
            addresses.append(f"unknown {index}")
    return addresses


def validate_ttl(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if is_client_name(args, args.get_config() or {}) and "ttl" in args.props:
        report_breaches(report, rules.check_ttl(args.props["ttl"]))


def validate_number_of_addresses(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if is_client_name(args, args.get_config() or {}):
        report_breaches(report, rules.check_address_count(read_addresses(args.props)))


def validate_same_addresses(args: StackValidationArgs, report: ReportViolation) -> None:
    """Compares the names of each zone. A zone with an unknown address is checked during `up`, not in a preview."""
    zones: dict[tuple[str, str], dict[str, list[str]]] = {}
    for resource in args.resources:
        if is_client_name(resource, args.get_config() or {}):
            zone = resource.props[RECORD_SETS[resource.resource_type]]
            label = resource.props["relativeRecordSetName"]
            names = zones.setdefault((resource.resource_type, zone), {})
            names[f"{label}.{zone}"] = read_addresses(resource.props)
    for names in zones.values():
        if not any(address.startswith("unknown") for addresses in names.values() for address in addresses):
            report_breaches(report, rules.check_same_addresses(names))


def validate_urls(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in COMMANDS:
        return
    for key in ("create", "update", "stdin"):
        if isinstance(text := args.props.get(key), str):
            for url in find_urls(text):
                report_breaches(report, rules.check_https_url(url))


def find_urls(text: str) -> Iterator[str]:
    """URLs for Exchange: cmdlets' parameters in a command, or settings in a document of this project."""
    yield from URL_PARAMETER.findall(text)
    try:
        settings = json.loads(text)["settings"]
    except (ValueError, KeyError, TypeError):
        return
    for service in settings.values() if isinstance(settings, Mapping) else ():
        for name, value in service.items() if isinstance(service, Mapping) else ():
            if name.endswith(("Url", "Uri")) and isinstance(value, str):
                yield value


def validate_management_ports(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == SECURITY_RULE:
        report_breaches(report, rules.find_open_management_ports([{"name": args.name, **dict(args.props)}]))
    elif args.resource_type == SECURITY_GROUP and "securityRules" in args.props:
        report_breaches(report, rules.find_open_management_ports(args.props["securityRules"]))


def validate_protected_zones(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in ZONES:
        # The pack does not get the stack's name; the URN contains it.
        stack = args.urn.removeprefix("urn:pulumi:").partition("::")[0]
        stacks = (args.get_config() or {}).get("stacks")
        production = rules.is_production(stack) if stacks is None else stack in stacks
        report_breaches(
            report, rules.check_zone_protection(args.name, protected=args.opts.protect, production=production)
        )


def report_breaches(report: ReportViolation, breaches: Iterator[str]) -> None:
    for breach in breaches:
        report(breach)


PolicyPack(
    name="client-access",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            "ttl", "A client asks DNS again after at most five minutes.", validate_ttl, config_schema=LABELS
        ),
        ResourceValidationPolicy(
            "two-addresses", "Each name has at least two addresses.", validate_number_of_addresses, config_schema=LABELS
        ),
        StackValidationPolicy(
            "same-addresses",
            "All names of a zone have the same addresses.",
            validate_same_addresses,
            config_schema=LABELS,
        ),
        ResourceValidationPolicy("https-urls", "Clients get URLs that begin with https://.", validate_urls),
        ResourceValidationPolicy(
            "management-ports", "No management port is open to the Internet.", validate_management_ports
        ),
        ResourceValidationPolicy(
            "protected-zones",
            "The zones of a production stack are protected.",
            validate_protected_zones,
            config_schema=PRODUCTION,
        ),
    ],
)
