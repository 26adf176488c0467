"""The stack file beside what is deployed: an edit that waits for its `up` is told, and changes no other finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.args import FarmArgs
from components.outputs import outputs
from operations.result import Finding, State
from stacks import arguments

# What operations need of the outputs beside the servers, and what is compared.
OUTPUTS = ("namespace", "dns", "exchangeVersion", "httpsPort", "ssh", "settings")


class StackFileComparison(Finding):
    """Never judged: an edit that waits for its `up` is no fault of a server."""

    @property
    def subject(self) -> str:
        return "stack file"


def compared(
    name: str, values: Mapping[str, Any], location: str | None, deployed: Mapping[str, Any]
) -> StackFileComparison:
    """`values`: the stack file's, by key; `deployed`: the outputs.

    Keys are named and never values: in a file with a mistake, one of them may be a secret in the wrong place.
    """
    how = f"See it: pulumi preview --stack {name}; deploy it: pulumi up --stack {name}"
    try:
        farm = arguments.read_arguments(values, location=location)
    except arguments.InvalidStackFileError as error:
        keys = ", ".join(dict.fromkeys(problem.key for problem in error.problems))
        detail = f"it has problems, so it could not be compared with what is deployed: {keys}. {how}"
        return StackFileComparison(state=State.SHOWN, detail=detail)
    if edits := list(differences(farm, deployed)):
        detail = f"it differs from what is deployed: {', '.join(edits)}. {how}"
        return StackFileComparison(state=State.SHOWN, detail=detail)
    return StackFileComparison(state=State.FINE)


def differences(farm: FarmArgs, deployed: Mapping[str, Any]) -> Iterator[str]:
    """The paths of what an `up` would change of all that operations look at."""
    wanted, held = outputs(farm), deployed["servers"]
    for key in OUTPUTS:
        place = "namespace.services" if key == "settings" else key
        if isinstance(wanted[key], Mapping):
            yield from (f"{place}.{part}" for part in differing(wanted[key], deployed[key]))
        elif wanted[key] != deployed[key]:
            yield place
    for key in sorted(farm.servers.keys() | held.keys()):
        if key in farm.servers and key in held:
            yield from (f"servers.{key}.{part}" for part in differing(server(farm, key), known(farm, key, held[key])))
        else:
            yield f"servers.{key}"


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in sorted(one.keys() | other.keys()) if bare(one.get(key)) != bare(other.get(key)))


def bare(value: object) -> object:
    """Without what is None, which a state may leave out."""
    return {k: bare(v) for k, v in value.items() if v is not None} if isinstance(value, Mapping) else value


def server(farm: FarmArgs, key: str) -> dict[str, object]:
    """What the stack file alone says of a server; an address or a host key that Azure gives is not known there."""
    args = farm.servers[key]
    return {
        "computerName": args.computer_name,
        "address": args.address,
        "inRotation": args.in_rotation,
        "configureNamespace": farm.configure_namespace and args.configure_namespace,
        **({"hostKey": args.host_key} if args.host_key else {}),
        **({} if args.public_address else {"publicAddress": args.external_address}),
    }


def known(farm: FarmArgs, key: str, output: Mapping[str, Any]) -> dict[str, object]:
    """The same of a server's output."""
    told = {**output, "configureNamespace": "namespaceUrn" in output}
    return {part: told.get(part) for part in server(farm, key)}
