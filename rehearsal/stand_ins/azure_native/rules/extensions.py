"""Extensions of virtual machines: JsonADDomainExtension, which joins a machine to a domain.

Its keys and their case are those of Microsoft's quickstart 201-vm-domain-join. Azure hands any settings on, and the
extension reports each mistake in them as the same failed join, so the stand-in refuses them by name.
"""

import re

from rehearsal.stand_ins.provider.servicer import ProviderError

from ..errors import ArmError
from ..put import Put
from ..store import Json, normalise_location

_HANDLER = ("Microsoft.Compute", "JsonADDomainExtension")
_REQUIRED = {"Name", "User", "Restart", "Options"}
_OPTIONAL = {"OUPath"}
# Join (1) and create the account (2), or join with an account that exists.
_OPTIONS = ("1", "3")


def apply_extension(put: Put) -> None:
    put.require("publisher", "type", "typeHandlerVersion", "location")
    if (put.value("publisher"), put.value("type")) != _HANDLER:
        raise ProviderError(f"{put.name}: the stand-in runs {'.'.join(_HANDLER)} only.")
    if not re.fullmatch(r"1\.\d+", put.value("typeHandlerVersion")):
        raise ArmError(
            400,
            "VMExtensionHandlerNonTransientError",
            f"The extension with publisher '{_HANDLER[0]}', type '{_HANDLER[1]}', and type handler version "
            f"'{put.value('typeHandlerVersion')}' could not be found in the extension repository.",
        )
    # The stand-in runs one handler, so every other extension of the machine has it, too.
    if any(put.siblings()):
        raise ArmError(
            400,
            "BadRequest",
            f"Multiple VMExtensions per handler not supported for OS type 'Windows'. VMExtension '{put.name}' with "
            f"handler '{'.'.join(_HANDLER)}' already added or specified in input.",
        )
    machine = put.store.get(put.parent_id)
    if machine is not None and machine.location != normalise_location(put.body["location"]):
        raise ArmError(409, "InvalidResourceLocation", f"{put.name} is not in the location of its virtual machine.")
    _check_settings(put, put.value("settings") or {})
    secret = put.value("protectedSettings") or {}
    if secret.keys() != {"Password"} or not isinstance(secret["Password"], str) or not secret["Password"]:
        raise ArmError(400, "InvalidParameter", f"{put.name}: protectedSettings holds Password, a text, alone.")


def _check_settings(put: Put, settings: Json) -> None:
    wrong = sorted((_REQUIRED - settings.keys()) | (settings.keys() - _REQUIRED - _OPTIONAL))
    if wrong:
        raise ArmError(
            400,
            "InvalidParameter",
            f"{put.name}: settings are missing or unknown: {', '.join(wrong)}.",
        )
    texts = [name for name, value in settings.items() if not isinstance(value, str) or not value]
    if texts:
        raise ArmError(400, "InvalidParameter", f"{put.name}: settings must be texts: {', '.join(sorted(texts))}.")
    if settings["Restart"].lower() not in ("true", "false") or settings["Options"] not in _OPTIONS:
        raise ArmError(
            400, "InvalidParameter", f"{put.name}: Restart is true or false, Options is one of {', '.join(_OPTIONS)}."
        )
