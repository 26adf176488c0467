"""The Active Directory domain of the machines that the stack creates, at a first `up`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.args import FarmArgs
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN
from tests.plan.promises.reading import joined_servers
from tests.plan.wire import MarkedSecret


def each_new_machine_joins_as_the_stack_file_says(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """Keys and values as Microsoft's templates for the extension write them: it compares the case of its keys."""
    found = plan.of_type("VirtualMachineExtension")
    if found.keys() != {f"cas-{key}-join" for key in joined_servers(farm)}:
        yield f"{found.keys()}"
    for key in joined_servers(farm):
        assert farm.domain
        settings = {"Name": farm.domain.name, "User": farm.domain.account, "Restart": "true", "Options": "3"}
        if farm.domain.ou_path:
            settings["OUPath"] = farm.domain.ou_path
        wanted: dict[str, Any] = {
            "vmName": farm.servers[key].computer_name,
            "publisher": "Microsoft.Compute",
            "type": "JsonADDomainExtension",
            "typeHandlerVersion": "1.3",
            "autoUpgradeMinorVersion": True,
            "settings": settings,
            "protectedSettings": {"Password": MarkedSecret(GIVEN["domainPassword"])},
        }
        inputs = plan.find(f"cas-{key}-join").inputs
        for name, value in wanted.items():
            if inputs.get(name) != value:
                yield f"{key}: {name} = {inputs.get(name)}, not {value}"
        interface = plan.find(f"cas-{key}-nic").inputs
        if interface.get("dnsSettings") != {"dnsServers": list(farm.network.dns_servers)}:
            yield f"{key} boots without the domain's name servers: {interface.get('dnsSettings')}"


def a_join_is_made_once(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    """No change runs it on a joined machine. A failed one runs as a new resource, with the present values."""
    for name, one in plan.of_type("VirtualMachineExtension").items():
        names = {"resourceGroupName", "vmName", "vmExtensionName"}
        if runs_again := one.inputs.keys() - names - set(one.options["ignoreChanges"]):
            yield f"{name} runs again for another {', '.join(sorted(runs_again))}"
        if one.options.get("replaceOnChanges") != ["#initerror"] or one.options.get("deleteBeforeReplace") is not True:
            yield f"{name}: a failed join would keep its password: {one.options}"


def a_machine_is_in_its_domain_before_a_script_runs(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """The join restarts the machine, which would end a script; and a domain account could not log on before."""
    for key in joined_servers(farm):
        join = plan.find(f"cas-{key}-join")
        if not plan.waits_for(join, plan.find(f"cas-{key}-vm")):
            yield f"{key} joins before it exists"
        for one in plan.of_type("VirtualMachineRunCommandByVirtualMachine").values():
            if one.name.startswith(f"cas-{key}-") and not plan.waits_for(one, join):
                yield f"{one.name} does not wait for the join"


def the_outputs_say_which_machine_joined(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """The next `up` joins no other machine that exists."""
    shown = {key: row["domain"] for key, row in plan.outputs["servers"].items() if "domain" in row}
    if shown != dict.fromkeys(joined_servers(farm), farm.domain and farm.domain.name):
        yield f"{shown}"
