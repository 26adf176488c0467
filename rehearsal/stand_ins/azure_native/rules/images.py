"""The image of a virtual machine."""

import re

from ..errors import ArmError
from ..put import Put
from ..store import Json

_SECOND_GENERATION = re.compile(r".*-(g2|gensecond|gen2)", re.IGNORECASE)
_WINDOWS_SERVER = re.compile(r"(2016|2019|2022|2025)-datacenter[a-z0-9-]*", re.IGNORECASE)
_VERSION = re.compile(r"latest|\d+\.\d+\.\d+")


def check_image(put: Put) -> None:
    """Trusted Launch needs generation 2: a custom image states it, a Marketplace image has it in its SKU."""
    reference: Json = put.value("storageProfile.imageReference")
    if reference.get("id"):
        image = put.store.get(reference["id"])
        second_generation = image is not None and image.body.get("hyperVGeneration") == "V2"
    else:
        _check_marketplace_image(reference, put.body["location"])
        second_generation = bool(_SECOND_GENERATION.fullmatch(reference["sku"]))
    trusted = put.value("securityProfile.securityType") == "TrustedLaunch"
    if trusted and not second_generation:
        raise ArmError(
            400, "BadRequest", "The selected image is not supported for Trusted Launch: it needs generation 2."
        )
    if put.value("securityProfile.uefiSettings") and not put.value("securityProfile.securityType"):
        raise ArmError(400, "BadRequest", "Use of UEFI settings needs securityProfile.securityType.")


def _check_marketplace_image(reference: Json, location: str) -> None:
    publisher, offer, sku, version = (str(reference.get(key, "")) for key in ("publisher", "offer", "sku", "version"))
    of_windows_server = (publisher.lower(), offer.lower()) == ("microsoftwindowsserver", "windowsserver")
    if not (of_windows_server and _WINDOWS_SERVER.fullmatch(sku) and _VERSION.fullmatch(version)):
        raise ArmError(
            404,
            "PlatformImageNotFound",
            f"The platform image '{publisher}:{offer}:{sku}:{version}' is not available in {location}.",
        )
