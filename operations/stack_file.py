"""Compare the stack file with the outputs of the last `pulumi up`, to report edits that are not deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.args import FarmArgs
from components.outputs import stack_file_outputs
from operations.result import Finding, State
from stacks import arguments

# The outputs that operations need and that are compared, beside `servers`.
OUTPUTS = ("namespace", "dns", "exchangeVersion", "httpsPort", "ssh", "settings")


class StackFileComparison(Finding):
    """Shown only: an edit that is not deployed is not a fault of a server."""

    @property
    def subject(self) -> str:
        return "stack file"


def compare_stack_file(
    name: str, values: Mapping[str, Any], location: str | None, deployed: Mapping[str, Any]
) -> StackFileComparison:
    """`values`: the stack file's by key; `deployed`: the outputs.

    The result names keys, never values: in a file with a mistake, a value may be a secret under the wrong key.
    """
    next_step = f"See it: pulumi preview --stack {name}; deploy it: pulumi up --stack {name}"
    try:
        farm = arguments.read_arguments(values, location=location)
    except arguments.InvalidStackFileError as error:
        keys = ", ".join(dict.fromkeys(problem.key for problem in error.problems))
        detail = f"it has errors, so it could not be compared with what is deployed: {keys}. {next_step}"
        return StackFileComparison(state=State.SHOWN, detail=detail)
    if edits := list(find_edits(farm, deployed)):
        detail = f"it differs from what is deployed: {', '.join(edits)}. {next_step}"
        return StackFileComparison(state=State.SHOWN, detail=detail)
    return StackFileComparison(state=State.FINE)


def find_edits(farm: FarmArgs, deployed: Mapping[str, Any]) -> Iterator[str]:
    """Paths in the stack file of everything that operations use and the next `up` would change."""
    wanted, held = stack_file_outputs(farm), deployed["servers"]
    for key in OUTPUTS:
        place = "namespace.services" if key == "settings" else key
        if isinstance(wanted[key], Mapping):
            yield from (f"{place}.{part}" for part in differing_keys(wanted[key], deployed[key]))
        elif wanted[key] != deployed[key]:
            yield place
    for key in sorted(farm.servers.keys() | held.keys()):
        if key in farm.servers and key in held:
            both = server_in_file(farm, key), server_in_output(farm, key, held[key])
            yield from (f"servers.{key}.{part}" for part in differing_keys(*both))
        else:
            yield f"servers.{key}"


def differing_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in sorted(one.keys() | other.keys()) if drop_none(one.get(key)) != drop_none(other.get(key)))


def drop_none(value: object) -> object:
    """A state may leave out keys whose value is None."""
    return {k: drop_none(v) for k, v in value.items() if v is not None} if isinstance(value, Mapping) else value


def server_in_file(farm: FarmArgs, key: str) -> dict[str, object]:
    """A server as the stack file has it, without addresses and host keys that are known only after Azure made them."""
    args = farm.servers[key]
    return {
        "computerName": args.computer_name,
        "address": args.address,
        "inRotation": args.in_rotation,
        "configureNamespace": farm.configure_namespace and args.configure_namespace,
        **({"hostKey": args.host_key} if args.host_key else {}),
        **({} if args.public_address else {"publicAddress": args.external_address}),
    }


def server_in_output(farm: FarmArgs, key: str, output: Mapping[str, Any]) -> dict[str, object]:
    """The same keys of a server's output."""
    deployed = {**output, "configureNamespace": "namespaceUrn" in output}
    return {part: deployed.get(part) for part in server_in_file(farm, key)}
