"""The commands on the servers, and how the servers are reached."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from components.args import FarmArgs
from components.namespace_args import DERIVED
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN
from tests.plan.promises.reading import configured_servers, existing_servers, expected_public_address
from tests.plan.recorder import Registration
from tests.plan.wire import MarkedArchive, MarkedSecret, strip_secrets

SCRIPTS = {"namespace": "Set-ClientAccessNamespace", "rotation": "Set-ClientAccessRotation"}
FOLDER = re.compile(r"C:/ProgramData/ExchangeCas/[^/]+/[0-9a-f]{8}/")
# As Exchange's virtual directories have them.
PATHS = {
    "owa": "/owa",
    "ecp": "/ecp",
    "ews": "/EWS/Exchange.asmx",
    "oab": "/OAB",
    "activesync": "/Microsoft-Server-ActiveSync",
    "mapi": "/mapi",
}


def remote_commands(plan: RecordedPlan) -> dict[str, Registration]:
    return {**plan.of_type("remote:Command"), **plan.of_type("remote:CopyToRemote")}


def has_certificate(farm: FarmArgs) -> bool:
    return farm.certificate is not None or farm.certificate_pfx is not None


def scripts_of(farm: FarmArgs) -> dict[str, str]:
    return SCRIPTS | ({"certificate": "Set-ClientAccessCertificate"} if has_certificate(farm) else {})


def every_configured_server_has_its_scripts_and_its_commands(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    scripts = scripts_of(farm)
    wanted = {f"cas-{key}-{what}" for key in configured_servers(farm) for what in ("scripts", *scripts)}
    if remote_commands(plan).keys() != wanted:
        yield f"{remote_commands(plan).keys() ^ wanted}"
    for key in configured_servers(farm):
        copied = plan.find(f"cas-{key}-scripts").inputs
        folder = copied["remotePath"]
        if copied["source"] != MarkedArchive("components/scripts/") or not FOLDER.fullmatch(folder):
            yield f"{key}: {copied['source']} into {folder}"
        if not farm.servers[key].existing and f"/<vmId of cas-{key}-vm>/" not in folder:
            yield f"{key}: a rebuilt machine would get no scripts: {folder}"
        if not farm.servers[key].existing and not plan.waits_for(
            plan.find(f"cas-{key}-scripts"), plan.find(f"cas-{key}-ssh")
        ):
            yield f"{key} is dialled before SSH is on"
        for what, script in scripts.items():
            line = plan.find(f"cas-{key}-{what}").inputs["create"]
            if line != f"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {folder}{script}.ps1":
                yield f"{key}: {line}"


def each_server_is_dialled_as_the_stack_file_says(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    for key in configured_servers(farm):
        for what in ("scripts", *scripts_of(farm)):
            connection = plan.find(f"cas-{key}-{what}").inputs["connection"]
            if not isinstance(connection, MarkedSecret):
                yield f"{key} {what}: the connection is in plain"
            if (found := strip_secrets(connection)) != (wanted := expected_connection(farm, key)):
                yield f"{key} {what}: {found}, not {wanted}"


def a_host_key_is_read_after_the_run_command_reported_it(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """Azure shows the key after the run command has ended, so the connection depends on it."""
    for key, server in configured_servers(farm).items():
        for what in () if server.existing or server.host_key else ("scripts", *scripts_of(farm)):
            one = plan.find(f"cas-{key}-{what}")
            if plan.find(f"cas-{key}-ssh").urn not in one.input_dependencies["connection"]:
                yield f"{one.name} does not wait for the host key"


def expected_connection(farm: FarmArgs, key: str) -> dict[str, Any]:
    ssh, server = farm.ssh, farm.servers[key]
    outside = expected_public_address(farm, key) if ssh.address == "public" else None
    # Long enough for a short silence; a dead server is reported within a minute.
    patience = {"dialErrorLimit": 4, "perDialTimeout": 10}
    connection: dict[str, Any] = {
        # Behind a jump host one dial: with more, the provider reports EOF instead of the reason.
        **(patience | {"dialErrorLimit": 0} if ssh.jump_host else patience),
        "host": outside or server.address,
        "port": ssh.port,
        "user": farm.operator,
        "hostKey": server.host_key or f"<host key of {server.computer_name}>",
    }
    name = "operatorPrivateKey" if farm.operator_private_key else "operatorPassword"
    connection["privateKey" if farm.operator_private_key else "password"] = GIVEN[name]
    if jump := ssh.jump_host:
        through = {**patience, "host": jump.host, "port": jump.port, "user": jump.user, "hostKey": jump.host_key}
        if farm.jump_host_password:
            through["password"] = GIVEN["jumpHostPassword"]
        if farm.jump_host_private_key:
            through["privateKey"] = GIVEN["jumpHostPrivateKey"]
        connection["proxy"] = through
    return connection


def a_teardown_needs_no_live_server(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """No delete text. Commands on a machine created here are deleted with it; what Azure keeps without it is not."""
    for one in plan.resources.values():
        owner = next((key for key in farm.servers if one.name.startswith(f"cas-{key}-")), None)
        on_a_machine = one.type.startswith("command:") or one.type.endswith(
            ("RunCommandByVirtualMachine", "VirtualMachineExtension")
        )
        machine = None
        if on_a_machine and owner and not farm.servers[owner].existing:
            machine = plan.find(f"cas-{owner}-vm").urn
        if one.options.get("deletedWith") != machine:
            yield f"{one.name} is deleted with {one.options.get('deletedWith')}"
        if one.type.startswith("command:remote") and {"delete", "update", "environment"} & one.inputs.keys():
            yield f"{one.name}: {one.inputs.keys()}"
        if {"hooks", "retainOnDelete", "importId"} & one.options.keys():
            yield f"{one.name}: {one.options.keys()}"


def commands_log_standard_error_only(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    for one in (*plan.of_type("remote:Command").values(), *plan.of_type("local:Command").values()):
        if (one.inputs["logging"], one.inputs["addPreviousOutputInEnv"]) != ("stderr", False):
            yield f"{one.name}: {one.inputs['logging']}, {one.inputs['addPreviousOutputInEnv']}"


def each_script_gets_its_document(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    expected = expected_settings(farm)
    for key, server in configured_servers(farm).items():
        namespace, rotation = (read_stdin(plan.find(f"cas-{key}-{what}")) for what in SCRIPTS)
        common = {"server": server.computer_name, "exchangeVersion": farm.exchange_version}
        if namespace != {**common, "recycleAppPools": farm.recycle_app_pools, "settings": namespace["settings"]}:
            yield f"{key} namespace: {namespace}"
        if any(namespace["settings"].get(service) != values for service, values in expected.items()):
            yield f"{key} namespace: {namespace['settings']}"
        if namespace["settings"] != plan.outputs["settings"]:
            yield f"{key} namespace: other settings than in the stack's outputs"
        drain, names = farm.rotation.drain_seconds, rotation["health"].pop("names")
        if rotation != {
            **common,
            "inRotation": server.in_rotation,
            "rejectClosedPorts": farm.reject_closed_ports,
            # Azure DNS may take a minute to show a change.
            "drainSeconds": farm.dns.ttl_seconds + 60 if drain is None else drain,
            "health": {
                "address": server.address,
                "port": farm.https_port,
                "seconds": farm.rotation.health_seconds,
            },
        }:
            yield f"{key} rotation: {rotation}"
        inside = ("InternalUrl", "InternalHostname", "AutoDiscoverServiceInternalUri")
        entered = {name for name, values in namespace["settings"].items() if any(values.get(one) for one in inside)}
        if not entered <= names.keys() <= namespace["settings"].keys():
            yield f"{key} rotation: asked for {names.keys()}"
        for service, hosts in expected_hosts(farm).items():
            if names[service] != hosts:
                yield f"{key} rotation: {service} under {names[service]}, not {hosts}"


def each_server_gets_the_certificate_before_its_gate(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    if not has_certificate(farm):
        return
    row = farm.certificate
    source: dict[str, Any] = {"thumbprint": row.thumbprint.upper()} if row and row.thumbprint else {}
    if farm.certificate_pfx is not None:
        source = {"pfx": GIVEN["certificatePfx"], "password": GIVEN["certificatePassword"]}
    for key, server in configured_servers(farm).items():
        one, rotation = plan.find(f"cas-{key}-certificate"), plan.find(f"cas-{key}-rotation")
        if not plan.waits_for(rotation, one):
            yield f"{key} is rotated before its certificate is there"
        asked = {name for names in read_stdin(rotation)["health"]["names"].values() for name in names}
        document = read_stdin(one)
        if document != {
            "server": server.computer_name,
            "exchangeVersion": farm.exchange_version,
            "certificate": source,
            "services": ["IIS", "SMTP"] if row and row.smtp else ["IIS"],
            "names": sorted(asked),
            "drain": bool(row and row.drain and server.in_rotation),
        }:
            yield f"{key}: {document}"
        if one.options["deleteBeforeReplace"] is not True or len(one.inputs["triggers"]) != 1:
            yield f"{key}: an interrupted change would not be repeated"
        if farm.certificate_pfx is not None and not isinstance(one.inputs["triggers"][0], MarkedSecret):
            yield f"{key}: a hash of the PFX is in plain"


def read_stdin(command: Registration) -> dict[str, Any]:
    """A script's document without its credential."""
    found: dict[str, Any] = json.loads(strip_secrets(command.inputs["stdin"]))
    found.pop("credential", None)
    return found


def expected_settings(farm: FarmArgs) -> dict[str, dict[str, str]]:
    """The settings of the services with two URLs; None for a service that is opted out."""
    names = farm.namespace
    inside = f"https://{names.client_name}.{names.domain}"
    outside = f"https://{names.external_client_name or names.client_name}.{names.external_domain or names.domain}"
    found: dict[str, Any] = {}
    for service, path in PATHS.items():
        own = getattr(names.services, service)
        urls = {
            "InternalUrl": inside + path if own.internal_url is DERIVED else own.internal_url,
            "ExternalUrl": outside + path if own.external_url is DERIVED else own.external_url,
        }
        if service == "mapi":
            urls["IISAuthenticationMethods"] = list(own.iis_authentication_methods)
        found[service] = urls if own.enabled else None
    return found


def expected_hosts(farm: FarmArgs) -> dict[str, list[str]]:
    """Service -> hosts, if both its URLs are derived; a name outside counts if its record sets are created here."""
    names = farm.namespace
    inside = f"{names.client_name}.{names.domain}"
    outside = f"{names.external_client_name or names.client_name}.{names.external_domain or names.domain}"
    hosts = [inside, outside] if outside != inside and farm.dns.public else [inside]
    found = {}
    for service in PATHS:
        own = getattr(names.services, service)
        if own.enabled and own.internal_url is own.external_url is DERIVED:
            found[service] = hosts
    return found


def a_credential_is_sent_only_if_a_key_logs_on(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    wanted = {"userName": farm.operator, "password": GIVEN["operatorPassword"]} if farm.operator_private_key else None
    for one in plan.of_type("remote:Command").values():
        stdin = one.inputs["stdin"]
        if json.loads(strip_secrets(stdin)).get("credential") != wanted:
            yield f"{one.name}: another credential"
        is_pfx = one.name.endswith("-certificate") and farm.certificate_pfx is not None
        if isinstance(stdin, MarkedSecret) != (wanted is not None or is_pfx):
            yield f"{one.name}: {'secret' if wanted is None else 'plain'} standard input"


def a_server_that_leaves_is_restored_if_its_row_wants_it(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = {name: one for name, one in plan.of_type("local:Command").items() if not name.endswith("-installation")}
    names = {f"cas-{server.computer_name.lower()}-restore": key for key, server in existing_servers(farm).items()}
    if found.keys() != names.keys():
        yield f"{found.keys()}"
    for name, key in names.items():
        inputs = found[name].inputs
        if not farm.servers[key].restore_on_remove:
            if inputs.keys() != {"logging", "addPreviousOutputInEnv"}:
                yield f"{name}: {inputs.keys()}"
            continue
        if not re.fullmatch(r"\.venv[/\\](bin|Scripts)[/\\]python -m restoration", str(inputs.get("delete"))):
            yield f"{name} runs {inputs.get('delete')}"
        if not isinstance(inputs.get("stdin"), MarkedSecret):
            yield f"{name}: its standard input is in plain"
        elif (document := json.loads(strip_secrets(inputs["stdin"]))) != (wanted := expected_restoration(farm, key)):
            yield f"{name}: {document}, not {wanted}"
        if "create" in inputs or "update" in inputs:
            yield f"{name} does something before it is deleted"


def expected_restoration(farm: FarmArgs, key: str) -> dict[str, Any]:
    """The document of `python -m restoration`."""
    return {
        "server": farm.servers[key].computer_name,
        "exchangeVersion": farm.exchange_version,
        "recycleAppPools": farm.recycle_app_pools,
        **expected_access(farm, key),
    }


def expected_access(farm: FarmArgs, key: str) -> dict[str, Any]:
    """How a program on this computer reaches the server."""
    server, ssh, jump = farm.servers[key], farm.ssh, farm.ssh.jump_host
    outside = expected_public_address(farm, key) if ssh.address == "public" else None
    return {
        "host": outside or server.address,
        "port": ssh.port,
        "hostKey": server.host_key or f"<host key of {server.computer_name}>",
        "user": farm.operator,
        "password": GIVEN["operatorPassword"],
        "privateKey": GIVEN["operatorPrivateKey"] if farm.operator_private_key else None,
        "jumpHost": jump
        and {
            "host": jump.host,
            "port": jump.port,
            "hostKey": jump.host_key,
            "user": jump.user,
            "password": GIVEN["jumpHostPassword"] if farm.jump_host_password else None,
            "privateKey": GIVEN["jumpHostPrivateKey"] if farm.jump_host_private_key else None,
        },
    }
