"""Signs in to Azure with the account that azure-native uses: same settings, same variables, same order."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx

from operations.azure.resource_manager import ResourceManagerClient
from operations.stack import StackError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

# A key of azure-native's configuration -> the variable that it reads where the key is missing.
VARIABLES = {
    "subscriptionId": "ARM_SUBSCRIPTION_ID",
    "tenantId": "ARM_TENANT_ID",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
    "clientCertificatePath": "ARM_CLIENT_CERTIFICATE_PATH",
    "clientCertificatePassword": "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "environment": "ARM_ENVIRONMENT",
    "useDefaultAzureCredential": "ARM_USE_DEFAULT_AZURE_CREDENTIAL",
    "useOidc": "ARM_USE_OIDC",
    "oidcAudience": "ARM_OIDC_AUDIENCE",
    "oidcToken": "ARM_OIDC_TOKEN",
    "oidcTokenFilePath": "ARM_OIDC_TOKEN_FILE_PATH",
    "oidcRequestToken": "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "oidcRequestUrl": "ACTIONS_ID_TOKEN_REQUEST_URL",
    "useMsi": "ARM_USE_MSI",
}
AUDIENCE = "api://AzureADTokenExchange"
# The Azure CLI starts slowly on a busy computer.
SECONDS = 60
SPARE_SECONDS = 300


class AzureCloud(NamedTuple):
    """Where resources are managed, and where accounts sign in."""

    manager: str
    authority: str


# A value of azure-native:environment -> its addresses.
CLOUDS = {
    "public": AzureCloud("https://management.azure.com", "https://login.microsoftonline.com"),
    "usgovernment": AzureCloud("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "china": AzureCloud("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}


def sign_in(provider: Mapping[str, str], environment: Mapping[str, str]) -> ResourceManagerClient:
    """`provider` is azure-native's configuration without its prefix. Raises StackError if the account is refused."""
    from azure.identity import AzureCliCredential

    # Without a handler Python prints azure-identity's warnings, which the StackError repeats.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    settings = {key: provider.get(key) or environment.get(name, "") for key, name in VARIABLES.items()}
    cloud = choose_cloud(settings["environment"])
    with refusal_as_error():
        credential = choose_credential(settings, cloud.authority)
    tokens = AzureTokens(credential, f"{cloud.manager}/.default")
    tokens.get()
    subscription = settings["subscriptionId"]
    if not subscription and isinstance(credential, AzureCliCredential):
        subscription = read_cli_subscription(environment)
    if not subscription:
        raise StackError("Azure: the subscription is unknown: set azure-native:subscriptionId or ARM_SUBSCRIPTION_ID.")
    return ResourceManagerClient(manager_url(cloud, environment), subscription, tokens.get)


@contextmanager
def refusal_as_error() -> Iterator[None]:
    """Turns azure-identity's exceptions into a StackError, without a token or a secret in it."""
    from azure.core.exceptions import ClientAuthenticationError

    try:
        yield
    except (ClientAuthenticationError, ValueError, OSError, httpx.HTTPError) as error:
        raise StackError(f"Azure: the sign-in failed: {error} Run az login, or set the ARM_… variables.") from None


class AzureTokens:
    """An account's tokens for one scope; `pulumi destroy` may take longer than a token is valid."""

    def __init__(self, credential: TokenCredential, scope: str) -> None:
        self._credential, self._scope = credential, scope
        self._token: AccessToken | None = None

    def get(self) -> str:
        """A token that is valid for some minutes. Raises StackError."""
        if self._token is None or self._token.expires_on < time.time() + SPARE_SECONDS:
            with refusal_as_error():
                self._token = self._credential.get_token(self._scope)
        return self._token.token


def choose_cloud(name: str) -> AzureCloud:
    """`name` is a value of azure-native:environment; empty for the public cloud."""
    if (name or "public").lower() not in CLOUDS:
        raise StackError(f"azure-native:environment = {name!r}: choose one of {', '.join(CLOUDS)}.")
    return CLOUDS[(name or "public").lower()]


def manager_url(cloud: AzureCloud, environment: Mapping[str, str]) -> str:
    """Where Azure Resource Manager answers; a rehearsal's is on this computer."""
    return environment.get("LAB_RESOURCE_MANAGER") or cloud.manager


def choose_credential(settings: Mapping[str, str], authority: str) -> TokenCredential:
    """`settings`: every key of VARIABLES, empty where it is not set."""
    from azure import identity

    account = settings["tenantId"], settings["clientId"]
    if settings["useDefaultAzureCredential"] == "true":
        return identity.DefaultAzureCredential(authority=authority)
    if path := settings["clientCertificatePath"]:
        password = settings["clientCertificatePassword"] or None
        return identity.CertificateCredential(*account, path, password=password, authority=authority)
    if secret := settings["clientSecret"]:
        return identity.ClientSecretCredential(*account, secret, authority=authority)
    if settings["useOidc"] == "true":
        return identity.ClientAssertionCredential(*account, lambda: read_oidc_token(settings), authority=authority)
    if settings["useMsi"] == "true":
        return identity.ManagedIdentityCredential(client_id=settings["clientId"] or None)
    # A subscription selects its tenant; the Azure CLI refuses both at once.
    subscription, tenant = settings["subscriptionId"] or None, settings["tenantId"]
    return identity.AzureCliCredential(
        subscription=subscription, tenant_id="" if subscription else tenant, process_timeout=SECONDS
    )


def read_oidc_token(settings: Mapping[str, str]) -> str:
    """The token as it is, from its file, or from GitHub. Raises OSError, httpx.HTTPError."""
    if settings["oidcToken"]:
        return settings["oidcToken"]
    if settings["oidcTokenFilePath"]:
        return Path(settings["oidcTokenFilePath"]).read_text(encoding="utf-8")
    if not settings["oidcRequestUrl"]:
        raise StackError("Azure: ARM_USE_OIDC is set, but there is no token: give the job `id-token: write`.")
    audience = {"audience": settings["oidcAudience"] or AUDIENCE}
    answer = httpx.get(
        httpx.URL(settings["oidcRequestUrl"]).copy_merge_params(audience),
        headers={"Authorization": f"Bearer {settings['oidcRequestToken']}", "Accept": "application/json"},
        timeout=SECONDS,
    )
    answer.raise_for_status()
    return str(answer.json()["value"])


def read_cli_subscription(environment: Mapping[str, str]) -> str:
    """The subscription that the Azure CLI works in, empty where it does not say."""
    az = shutil.which("az", path=environment.get("PATH")) or "az"
    words = [az, "account", "show", "--output", "json"]
    try:
        shown = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        return str(json.loads(shown.stdout)["id"])
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return ""
