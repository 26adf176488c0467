"""The rules of a stack file for its certificate."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.arguments import InvalidStackFileError, read_config_block
from tests.plan.stack_files import read_stack_config

THUMBPRINT = "5113AE0233A72FCCB75B1D0198628675333D010E"
SECRET = {"secure": "v1"}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"certificate": {"thumbprint": THUMBPRINT}, "certificatePfx": SECRET}, "contradicts certificatePfx"),
        ({"certificatePfx": SECRET}, "certificatePassword: is missing"),
        ({"certificatePassword": SECRET}, "belongs to certificatePfx"),
        ({"certificate": {"smtp": True}}, "names no certificate"),
        ({"certificate": {"thumbprint": f"\u200e51 13{THUMBPRINT[4:]}"}}, f"Write {THUMBPRINT}."),
        ({"certificate": {"thumbprint": "5113"}}, "Write the 40 hexadecimal digits"),
    ],
    ids=["both", "no password", "no PFX", "neither", "copied from the dialogue", "too short"],
)
def test_a_certificate_that_cannot_be_used_is_refused_with_a_remedy(keys: dict[str, Any], found: str) -> None:
    config = read_stack_config("lab") | {f"exchange-cas:{key}": value for key, value in keys.items()}
    with pytest.raises(InvalidStackFileError) as refused:
        read_config_block(config)
    assert found in str(refused.value)
