"""How a row of a stack file is described: one declaration for type, default, description, bounds and remedy.

`stacks.reading` reads rows by it, `stacks.schema` makes the JSON Schema and the reference from it. Field names are the
stack file's keys in snake_case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, dataclass_transform

from components.rules import HTTPS_URL

if TYPE_CHECKING:
    from pulumi import Input

    Secret = Input[str]
else:

    class Secret:
        """Marks a field whose value is passed through unread, so that it is never printed."""


T = TypeVar("T")

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"({LABEL}\.)+{LABEL}"
OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"({OCTET}\.){{3}}{OCTET}"
CIDR = rf"{IPV4}/(3[0-2]|[12]?\d)"


class Form(NamedTuple):
    """A regular expression that a whole text must match, and what to write when it does not."""

    pattern: str
    remedy: str


URL = Form(HTTPS_URL, "Write an absolute URL that begins with https://.")
ADDRESS = Form(IPV4, "Write an IPv4 address such as 10.40.0.11.")
NAME = Form(LABEL, "Write one DNS label: a-z, 0-9 and inner hyphens, at most 63 characters.")
ZONE = Form(DOMAIN, "Write a domain in lower case, such as mail-domain.com.")
PREFIX = Form(CIDR, "Write a prefix such as 10.40.0.0/24.")
SOURCE = Form(
    rf"{CIDR}|{IPV4}|VirtualNetwork|Internet",
    "Write a prefix (203.0.113.0/24), an address, VirtualNetwork or Internet.",
)
GROUP = Form(
    r"[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]", "Write at most 90 letters, digits and - _ . ( ), and no dot at the end."
)
IMAGE = Form(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/"
    r"(images/[^/]+|galleries/[^/]+/images/[^/]+(/versions/[^/]+)?)",
    "Write an image's id: /subscriptions/…/images/NAME, or /subscriptions/…/galleries/…/images/NAME/versions/VERSION.",
)
HOST_KEY = Form(
    r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*",
    "Write the server's ed25519 or ECDSA line (ssh-keyscan -t ed25519 ADDRESS), compared on the server itself.",
)


class Key(NamedTuple):
    """What a stack file's key is documented and judged by; bounds are JSON Schema's words (minimum, maxLength …)."""

    description: str
    form: Form | None
    bounds: Mapping[str, int]


def key(
    description: str,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    form: Form | None = None,
    **bounds: int,
) -> Any:
    """A documented field of a row; form and bounds hold for each item of a list."""
    return field(default=default, default_factory=default_factory, metadata={"key": Key(description, form, bounds)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def args(cls: type[T]) -> type[T]:
    return dataclass(frozen=True, kw_only=True)(cls)
