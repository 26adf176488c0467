"""Replace secrets in the finished page: a preview made with --show-secrets contains them in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from operations.review.markdown import escape_signs, join_lines
from operations.review.preview import SECRET, Preview, is_unknown, parse_object
from stacks import arguments

SECRET_NAME = re.compile(r"password|privatekey|secret|token|credential|accountkey|connectionstring", re.IGNORECASE)
# Shorter secrets would match parts of ordinary words.
SHORTEST = 4


def hide_secrets(text: str, preview: Preview) -> str:
    """`text`: a page or a part of one."""
    spellings = {spelling for secret in find_secrets(preview) for spelling in spell_secret(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, SECRET)
    return text


def spell_secret(secret: str) -> Iterator[str]:
    """As it is, in one line, and with the escapes of Markdown."""
    yield secret
    if len(line := join_lines(secret)) >= SHORTEST:
        yield from (line, escape_signs(line))


def find_secrets(preview: Preview) -> Iterator[str]:
    """Texts under keys that name a secret: in the configuration, and in old and new values of every resource."""
    for full_name, value in preview.config.items():
        if full_name.rpartition(":")[2] in arguments.SECRETS:
            yield from list_texts(value)
    for values in preview.values:
        yield from find_secret_values(values)


def find_secret_values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from list_texts(part) if SECRET_NAME.search(key) else find_secret_values(part)
    elif isinstance(value, list):
        for part in value:
            yield from find_secret_values(part)
    elif isinstance(value, str):
        # A script's document contains a credential.
        yield from find_secret_values(parse_object(value))


def list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST and value != SECRET and not is_unknown(value):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from list_texts(part)
