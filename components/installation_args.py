"""The keys of the installation of Exchange on virtual machines created here. No Pulumi here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from components.forms import URL, Form
from components.keys import args, key

SHA256 = Form(pattern=r"[0-9A-Fa-f]{64}", remedy="Write 64 hexadecimal digits.")
# One or more names, each after a backslash.
NAMES = r'(\\[^\\/:*?"<>|]+)+'
FOLDER = Form(rf"[A-Za-z]:{NAMES}", r"Write a folder of the server, such as D:\Exchange.")
MEDIA_PATH = Form(
    rf"[A-Za-z]:(\\|{NAMES}\\?)|\\\\[A-Za-z0-9][A-Za-z0-9._-]*{NAMES}\\?",
    r"Write an ISO file or a folder as the server sees it: D:\Exchange.iso, or \\files\exchange\Exchange.iso.",
)


@args
class MediaArgs:
    """Where a server finds Exchange's installation media: an ISO file, or a folder with what is in one."""

    path: str | None = key(
        "An ISO file or a folder on the server, or on a file share (UNC) that the operator can read. Write this or "
        "`url`.",
        default=None,
        form=MEDIA_PATH,
    )
    url: str | None = key(
        "From where the server downloads the ISO file. It is stored and shown in plain, so use none with an access "
        "token in it.",
        default=None,
        form=URL,
    )
    sha256: str | None = key("The SHA-256 of the ISO file; `url` needs it.", default=None, form=SHA256)


@args
class PackageArgs:
    """Another place for a package that Exchange needs."""

    url: str = key("From where the servers download the package. It is stored and shown in plain.", form=URL)
    sha256: str = key("The SHA-256 of that package.", form=SHA256)


@args
class InstallationArgs:
    """How Exchange is installed on virtual machines created here."""

    media: MediaArgs = key("Where the servers find Exchange's installation media.")
    roles: tuple[Literal["ClientAccess", "Mailbox"], ...] = key(
        "The roles of Exchange 2013: ClientAccess, Mailbox or both. Later versions have one role, Mailbox.",
        default=(),
        maxItems=2,
    )
    organisation_name: str | None = key(
        "The name of a new Exchange organisation. It cannot be changed later. Leave it out for one that exists.",
        default=None,
        form=Form(
            r"[A-Za-z0-9-]([A-Za-z0-9 -]*[A-Za-z0-9-])?",
            "Write at most 64 letters, digits, hyphens and inner spaces.",
        ),
        minLength=1,
        maxLength=64,
    )
    prepare_active_directory: bool = key(
        "true: one server extends the schema and prepares Active Directory, for which the operator must be in Schema "
        "Admins and Enterprise Admins; the others wait for it. false: somebody has prepared it.",
        default=False,
    )
    target_dir: str | None = key(
        "The folder that Exchange is installed into; Setup's own choice on drive C: if left out.",
        default=None,
        form=FOLDER,
    )
    extended_protection: bool = key(
        "false: Setup of Exchange 2019 CU14 or later, or of SE, leaves Windows Extended Protection off.", default=True
    )
    packages: Mapping[str, PackageArgs] = key(
        "Other places for packages that Exchange needs, by their names in components/scripts/prerequisites.json; each "
        "is downloaded from Microsoft if left out.",
        default_factory=dict,
    )
