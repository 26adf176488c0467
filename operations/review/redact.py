"""A last sieve: the review prints no secret by itself, but a preview made with --show-secrets brings them along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from operations.review.markdown import inert, one_line
from operations.review.preview import SECRET, Preview, is_unknown
from operations.review.values import parsed
from stacks import arguments

TELLING = re.compile(r"password|privatekey|secret|token|credential|accountkey|connectionstring", re.IGNORECASE)
# A shorter text would be found in words.
SHORTEST = 4


def hidden(text: str, preview: Preview) -> str:
    """Of a page or a text that becomes a part of one."""
    ways = {way for secret in secrets(preview) for way in spellings(secret)}
    for way in sorted(ways, key=len, reverse=True):
        text = text.replace(way, SECRET)
    return text


def spellings(secret: str) -> Iterator[str]:
    """As it is, and as a page has it: in one line, or where signs would break the page."""
    yield secret
    if len(line := one_line(secret)) >= SHORTEST:
        yield from (line, inert(line))


def secrets(preview: Preview) -> Iterator[str]:
    """Texts under keys that tell of a secret: in the configuration, and in what every resource was and would be."""
    for full_name, value in preview.config.items():
        if full_name.rpartition(":")[2] in arguments.SECRETS:
            yield from texts(value)
    for values in preview.values:
        yield from told(values)


def told(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from texts(part) if TELLING.search(key) else told(part)
    elif isinstance(value, list):
        for part in value:
            yield from told(part)
    elif isinstance(value, str):
        # A script's document, with a credential in it.
        yield from told(parsed(value))


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST and value != SECRET and not is_unknown(value):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from texts(part)
