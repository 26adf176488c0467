"""The command line of Setup.exe, as it accepts and refuses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rehearsal.stand_ins.exchange.setup.releases import NEW_LICENCES, OLD_LICENCE, ExchangeRelease

# Short name -> name.
SHORT_NAMES = {
    "m": "mode",
    "r": "roles",
    "on": "organizationname",
    "ps": "prepareschema",
    "p": "preparead",
    "pad": "preparealldomains",
    "pd": "preparedomain",
    "t": "targetdir",
    "dc": "domaincontroller",
}
ROLE_NAMES = {"ca": "clientaccess", "mb": "mailbox", "mt": "managementtools", "c": "clientaccess", "m": "mailbox"}
WITH_VALUE = {"mode", "roles", "organizationname", "targetdir", "domaincontroller", "logfolderpath", "mdbname"}
PREPARATIONS = ("prepareschema", "preparead", "preparealldomains", "preparedomain")
SWITCHES = {*PREPARATIONS, "installwindowscomponents", "donotstarttransport", "disableamfiltering"}
PROTECTION = ("donotenableep", "donotenableep_feews")
ORGANISATION_NAME = re.compile(r"[A-Za-z0-9 -]{1,64}")


class ArgumentsError(Exception):
    """Setup refuses its command line; the text is the sentence that it writes."""


@dataclass(frozen=True, kw_only=True)
class SetupArguments:
    """`values`: parameter in lower case -> its value, empty for a switch."""

    values: dict[str, str]

    @property
    def installs(self) -> bool:
        return "mode" in self.values

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(_split_roles(self.values.get("roles", "mailbox")))

    @property
    def preparations(self) -> tuple[str, ...]:
        return tuple(name for name in PREPARATIONS if name in self.values)

    @property
    def domain_controller(self) -> str | None:
        return self.values.get("domaincontroller")


def parse_setup_arguments(words: Sequence[str], release: ExchangeRelease) -> SetupArguments:
    """Raises ArgumentsError."""
    values: dict[str, str] = {}
    for word in words:
        found = re.fullmatch(r"/([A-Za-z_]+)(?::(.*))?", word)
        if not found:
            raise ArgumentsError(f"The command line parameter '{word}' isn't valid.")
        name = SHORT_NAMES.get(found[1].lower(), found[1].lower())
        _check_parameter(name, found[2], release)
        if name in values:
            raise ArgumentsError(f"The parameter '{name}' was specified more than once.")
        values[name] = (found[2] or "").strip('"')
    arguments = SetupArguments(values=values)
    _check_together(arguments, release)
    return arguments


def _check_parameter(name: str, value: str | None, release: ExchangeRelease) -> None:
    known = WITH_VALUE | SWITCHES | set(release.licences)
    if release.is_newest:
        known |= set(PROTECTION)
    if name in (OLD_LICENCE, *NEW_LICENCES) and name not in known:
        raise ArgumentsError(f"The parameter '{name}' has been removed or isn't valid for this version of Exchange.")
    if name not in known:
        raise ArgumentsError(f"The parameter '{name}' isn't valid. Run Setup /? for the valid parameters.")
    if name in WITH_VALUE and not value:
        raise ArgumentsError(f"The parameter '{name}' needs a value.")
    if name not in WITH_VALUE and value and name != "preparedomain":
        raise ArgumentsError(f"The parameter '{name}' doesn't have a value.")


def _check_together(arguments: SetupArguments, release: ExchangeRelease) -> None:
    values = arguments.values
    if not values:
        raise ArgumentsError("No command line parameter was specified, and the wizard can't start without a desktop.")
    if not set(values) & set(release.licences):
        raise ArgumentsError(f"You must accept the license agreement: /{release.licences[-1]}.")
    if arguments.installs == bool(arguments.preparations):
        raise ArgumentsError("Specify one of Mode, PrepareSchema, PrepareAD, PrepareDomain and PrepareAllDomains.")
    if arguments.installs and values["mode"].lower() != "install":
        raise ArgumentsError(f"This stand-in of setup installs only: Mode '{values['mode']}' isn't valid.")
    if "roles" in values and not arguments.installs:
        raise ArgumentsError("The parameter 'roles' isn't valid without 'mode'.")
    for role in arguments.roles:
        if role not in release.roles:
            raise ArgumentsError(f"The role '{role}' isn't valid for Exchange Server {release.product}.")
    name = values.get("organizationname")
    if name is not None and (not ORGANISATION_NAME.fullmatch(name) or name != name.strip()):
        raise ArgumentsError(f"The organization name '{name}' has characters that aren't valid.")


def _split_roles(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    return [ROLE_NAMES.get(name, name) for name in names]
