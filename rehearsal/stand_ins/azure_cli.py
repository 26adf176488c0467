"""The Azure CLI after `az login`: `az account show` and `az account get-access-token`, as JSON.

Run as `azure_cli.py ACCOUNT WORDS...`, with the standard library alone. Like the real CLI it refuses unknown
words (exit code 2), and a missing sign-in, another subscription, or `--subscription` together with `--tenant` (1).
"""

import argparse
import json
import shlex
import sys
import time
from datetime import datetime
from pathlib import Path

TENANT_ID = "00000000-0000-4000-8000-00000000000a"
RESOURCES = ("https://management.azure.com", "https://management.core.windows.net")


def write_azure_cli(folder: Path, *, subscription: str, token: str, seconds: int = 3600) -> None:
    """Writes `az` into the folder, for PATH, and `az.json` with a token that is valid for `seconds`.

    Without `az.json` it is signed out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account = folder / "az.json"
    account.touch(mode=0o600)
    account.write_text(json.dumps({"subscription": subscription, "token": token, "seconds": seconds}), encoding="ascii")
    launcher = folder / "az"
    words = shlex.join([sys.executable, "-I", str(Path(__file__).resolve()), str(account)])
    launcher.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    launcher.chmod(0o700)


class AzureCliError(Exception):
    """What `az` prints behind ERROR: before it ends with 1."""


def parse_words(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="az", allow_abbrev=False)
    account = parser.add_subparsers(required=True).add_parser("account").add_subparsers(dest="command", required=True)
    show, get_token = (account.add_parser(name, allow_abbrev=False) for name in ("show", "get-access-token"))
    for command in (show, get_token):
        command.add_argument("--output", "-o", choices=["json"], required=True)
        command.add_argument("--subscription", "-s")
    get_token.add_argument("--resource", required=True)
    get_token.add_argument("--tenant", "-t")
    return parser.parse_args(words)


def answer_words(account: Path, words: argparse.Namespace) -> dict[str, object]:
    if words.command == "get-access-token" and words.subscription and words.tenant:
        raise AzureCliError("Please specify only one of subscription and tenant, not both")
    try:
        signed_in = json.loads(account.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise AzureCliError("Please run 'az login' to setup account.") from None
    if words.subscription not in (None, signed_in["subscription"]):
        raise AzureCliError(
            f"Subscription '{words.subscription}' not found. Check the spelling and casing and try again."
        )
    if words.command == "show":
        values = {"environmentName": "AzureCloud", "isDefault": True, "state": "Enabled", "tenantId": TENANT_ID}
        return {**values, "id": signed_in["subscription"], "name": "Labs", "user": {"name": "anna", "type": "user"}}
    if words.tenant not in (None, TENANT_ID):
        raise AzureCliError(f"AADSTS90002: Tenant '{words.tenant}' not found.")
    if words.resource.rstrip("/") not in RESOURCES:
        raise AzureCliError(f"AADSTS500011: The resource principal named {words.resource} was not found in the tenant.")
    expires = int(time.time()) + signed_in["seconds"]
    return {
        "accessToken": signed_in["token"],
        "expiresOn": f"{datetime.fromtimestamp(expires):%Y-%m-%d %H:%M:%S.%f}",
        "expires_on": expires,
        "subscription": signed_in["subscription"],
        "tenant": TENANT_ID,
        "tokenType": "Bearer",
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(answer_words(Path(sys.argv[1]), parse_words(sys.argv[2:])), indent=2) + "\n")
    except AzureCliError as error:
        sys.exit(f"ERROR: {error}")
