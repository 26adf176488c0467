"""What setup does in Active Directory: it chooses a domain controller, and prepares schema and organisation."""

from __future__ import annotations

from rehearsal.stand_ins.exchange.setup.arguments import SetupArguments
from rehearsal.stand_ins.exchange.setup.log import SetupLog
from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY, SetupMachine
from rehearsal.stand_ins.exchange.setup.releases import ExchangeRelease
from rehearsal.stand_ins.exchange.setup.rules import read_schema_version


class DirectoryError(Exception):
    """Setup cannot use Active Directory; the text is what it writes as [ERROR]."""


def choose_controller(machine: SetupMachine, release: ExchangeRelease, arguments: SetupArguments, log: SetupLog) -> str:
    """The name of the domain controller. Raises DirectoryError."""
    state = machine.directory.read()
    log.write("Setup is choosing the domain controller to use")
    master = str(state["schemaMaster"])
    wanted = arguments.domain_controller or (master if arguments.preparations else next(iter(state["controllers"])))
    controller = state["controllers"].get(wanted)
    if not controller or not controller["online"]:
        raise DirectoryError(f"The domain controller '{wanted}' isn't available. Unable to set shared config DC.")
    if arguments.preparations:
        _check_preparation(machine, arguments, wanted, master)
    else:
        _check_installation(machine, release, wanted, log)
    log.write(f"Setup will use the domain controller '{wanted}'.")
    return wanted


def _check_preparation(machine: SetupMachine, arguments: SetupArguments, wanted: str, master: str) -> None:
    directory = machine.directory
    if wanted != master:
        raise DirectoryError(f"The domain controller '{wanted}' isn't the schema master, which is '{master}'.")
    if directory.read()["controllers"][master]["site"] != directory.site(machine.name):
        raise DirectoryError("This computer isn't in the same domain and site as the schema master.")
    exists = directory.organisation_dn(master) is not None
    names = arguments.values.get("organizationname")
    if "preparead" in arguments.preparations and not exists and not names:
        raise DirectoryError("You must specify an organization name: /OrganizationName.")
    if exists and names:
        raise DirectoryError("An Exchange organization exists already, and its name can't be changed.")


def _check_installation(machine: SetupMachine, release: ExchangeRelease, wanted: str, log: SetupLog) -> None:
    directory = machine.directory
    objects = directory.objects(wanted)
    organisation = directory.organisation_dn(wanted)
    prepared = organisation and objects[organisation]["objectVersion"] >= release.organisation
    domain = objects.get(directory.system_objects_dn, {}).get("objectVersion", 0)
    if not prepared or domain < release.domain or read_schema_version(machine, wanted) < release.schema:
        raise DirectoryError(
            "PrepareAD has either not been run or has not replicated to the domain controller used by Setup."
        )
    log.write(f"Exchange organization container for the organization is '{organisation}'.")
    left_over = directory.server_dn(wanted, machine.name)
    if left_over and machine.registry_key(f"{EXCHANGE_KEY}\\Setup") is None:
        raise DirectoryError(
            "The Exchange server is in an inconsistent state. Only disaster recovery mode is available. Please use "
            "Setup /m:RecoverServer to recover this Exchange server."
        )


def prepare_directory(
    phase: str, machine: SetupMachine, release: ExchangeRelease, arguments: SetupArguments, controller: str
) -> None:
    """A phase of /PrepareSchema or /PrepareAD."""
    directory = machine.directory
    if phase == "Extending Active Directory schema" and read_schema_version(machine, controller) < release.schema:
        directory.extend_schema(controller, release.schema)
    if phase == "Organization Preparation" and "preparead" in arguments.preparations:
        name = arguments.values.get("organizationname", "")
        directory.prepare_organisation(controller, release.domain, release.organisation, name)
