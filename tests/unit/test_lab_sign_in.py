"""The sign-in to Azure, in azure-native's order, against stand-ins of the Azure CLI, Microsoft Entra ID and GitHub."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from operations.azure import sign_in as module
from operations.azure.sign_in import AzureCloud, choose_cloud, choose_credential, sign_in
from operations.stack import StackError
from rehearsal.stand_ins.azure_cli import TENANT_ID, write_azure_cli
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from tests.unit.azure_native import Azure as StandIn

pytestmark = pytest.mark.unit

CLIENT_ID = "00000000-0000-4000-8000-0000000000c1"
SECRET = "cl1ent-Secret"  # noqa: S105 - opens nothing
ASSERTION = "header.claims.signature"
REQUEST_TOKEN = "ghs-request"  # noqa: S105


@pytest.fixture
def environment(azure: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables after `az login`; nothing else is set."""
    manager = azure.stand_in.resource_manager
    write_azure_cli(tmp_path / "cli", subscription=SUBSCRIPTION_ID, token=manager.token)
    monkeypatch.setenv("PATH", f"{tmp_path / 'cli'}{os.pathsep}{os.defpath}")
    return {"PATH": os.environ["PATH"], "LAB_RESOURCE_MANAGER": manager.endpoint}


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ({}, {}),
        ({"subscriptionId": SUBSCRIPTION_ID}, {}),
        ({}, {"ARM_TENANT_ID": TENANT_ID}),
        ({"tenantId": TENANT_ID}, {"ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID}),
    ],
    ids=["nothing is set", "subscription", "tenant", "both, which the Azure CLI refuses together"],
)
def test_after_az_login_the_token_and_the_subscription_come_from_the_azure_cli(
    environment: dict[str, str], provider: dict[str, str], variables: dict[str, str]
) -> None:
    with sign_in(provider, {**environment, **variables}) as client:
        assert client.group_tags("none") is None, "Azure took the token, in the subscription"


@pytest.mark.parametrize(("seconds", "is_accepted"), [(60, True), (3600, False)])
def test_a_token_is_replaced_shortly_before_it_expires(
    azure: StandIn, environment: dict[str, str], tmp_path: Path, seconds: int, is_accepted: bool
) -> None:
    manager = azure.stand_in.resource_manager
    write_azure_cli(tmp_path / "cli", subscription=SUBSCRIPTION_ID, token=manager.token, seconds=seconds)
    with sign_in({}, environment) as client:
        manager.token = "the-next-token"  # noqa: S105
        write_azure_cli(tmp_path / "cli", subscription=SUBSCRIPTION_ID, token=manager.token)
        if is_accepted:
            assert client.group_tags("none") is None
        else:
            with pytest.raises(StackError, match="401 InvalidAuthenticationToken"):
                client.group_tags("none")


def test_without_a_sign_in_the_error_names_the_remedies_and_no_token(
    azure: StandIn, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StackError, match="Subscription 'another' not found") as caught:
        sign_in({"subscriptionId": "another"}, environment)
    (tmp_path / "cli" / "az.json").unlink()
    with pytest.raises(StackError, match=r"'az login' to set up an account Run az login, or set the ARM_… variables"):
        sign_in({}, environment)
    monkeypatch.setenv("PATH", os.defpath)
    with pytest.raises(StackError, match="Azure CLI not found on path"):
        sign_in({}, environment)
    assert azure.stand_in.resource_manager.token not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ("account show --output json", 0, ""),
        ("account show --output json --tenant x", 2, "unrecognized arguments: --tenant x"),
        ("account get-access-token --output json", 2, "required: --resource"),
        ("group delete --name lab", 2, "invalid choice: 'group'"),
        ("account get-access-token --output json --resource https://vault.azure.net", 1, "ERROR: AADSTS500011"),
        (
            "account get-access-token --output json --resource https://management.azure.com -t x -s y",
            1,
            "ERROR: Please specify only one of subscription and tenant, not both",
        ),
    ],
)
def test_the_stand_in_of_the_azure_cli_refuses_as_the_real_one(
    environment: dict[str, str], tmp_path: Path, words: str, code: int, error: str
) -> None:
    az = str(tmp_path / "cli" / "az")
    done = subprocess.run([az, *words.split()], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, error in done.stderr) == (code, True), done.stderr
    assert (tmp_path / "cli" / "az.json").stat().st_mode & 0o077 == 0, "the token is its owner's"


EVERYTHING = {
    "useDefaultAzureCredential": "true",
    "clientCertificatePath": "",
    "clientSecret": SECRET,
    "useOidc": "true",
    "useMsi": "true",
}
ORDER = ["DefaultAzureCredential", "ClientSecretCredential", "ClientAssertionCredential", "ManagedIdentityCredential"]


def test_of_several_sign_ins_the_one_that_azure_native_prefers_is_chosen() -> None:
    settings = dict.fromkeys(module.VARIABLES, "") | {"tenantId": TENANT_ID, "clientId": CLIENT_ID} | EVERYTHING
    chosen = []
    for key in ("useDefaultAzureCredential", "clientSecret", "useOidc", "useMsi"):
        chosen.append(type(choose_credential(settings, "https://login.microsoftonline.com")).__name__)
        settings[key] = ""
    assert chosen == ORDER
    last = choose_credential(settings, "https://login.microsoftonline.com")
    assert type(last).__name__ == "AzureCliCredential"


def test_a_certificate_comes_before_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "account.pem"
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    certificate = authority.issue_cert("account.example", key_type=trustme.KeyType.RSA)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    settings = dict.fromkeys(module.VARIABLES, "") | {"tenantId": TENANT_ID, "clientId": CLIENT_ID}
    settings |= {"clientCertificatePath": str(path), "clientSecret": SECRET}
    credential = choose_credential(settings, "https://login.microsoftonline.com")
    assert type(credential).__name__ == "CertificateCredential"


def test_an_account_without_a_tenant_or_a_certificate_without_a_file_is_one_clear_error() -> None:
    with pytest.raises(StackError, match=r"Azure: the sign-in failed: .*tenant") as caught:
        sign_in({}, {"ARM_CLIENT_ID": CLIENT_ID, "ARM_CLIENT_SECRET": SECRET})
    assert SECRET not in str(caught.value)
    with pytest.raises(StackError, match=r"Azure: the sign-in failed: .*none\.pem"):
        sign_in({}, {"ARM_TENANT_ID": TENANT_ID, "ARM_CLIENT_ID": CLIENT_ID, "ARM_CLIENT_CERTIFICATE_PATH": "none.pem"})


Answer = tuple[int, dict[str, object]]


class TokenService:
    """Microsoft Entra ID's token endpoint (POST, over TLS) and GitHub's for OIDC (GET)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def exchange(self, path: str, form: Mapping[str, list[str]]) -> Answer:
        expected = {
            "client_id": [CLIENT_ID],
            "client_assertion": [ASSERTION],
            "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
            "grant_type": ["client_credentials"],
            "scope": ["https://management.azure.com/.default"],
        }
        if path != f"/{TENANT_ID}/oauth2/v2.0/token":
            return 400, {"error": "invalid_request", "error_description": f"AADSTS900144: {path}"}
        if any(form.get(key) != value for key, value in expected.items()):
            return 401, {"error": "invalid_client", "error_description": "AADSTS700212: no matching federated identity"}
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": self._token}

    def issue(self, target: str, authorization: str | None) -> Answer:
        query = parse_qs(urlsplit(target).query)
        if authorization != f"Bearer {REQUEST_TOKEN}":
            return 401, {"message": "unauthorized"}
        if query != {"api-version": ["2.0"], "audience": ["api://AzureADTokenExchange"]}:
            return 400, {"message": f"{query}"}
        return 200, {"value": ASSERTION}


@pytest.fixture
def serve() -> Iterator[Callable[[TokenService, ssl.SSLContext | None], str]]:
    """`serve(service, tls)`: the service's address on loopback."""
    servers = []

    def start(service: TokenService, tls: ssl.SSLContext | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(*service.issue(self.path, self.headers["Authorization"]))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(*service.exchange(self.path, parse_qs(body)))

            def _send(self, status: int, content: dict[str, object]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Prints nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def workflow(
    azure: StandIn,
    serve: Callable[..., str],
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The variables of a job in GitHub with `id-token: write`, whose Azure account trusts it."""
    service = TokenService(azure.stand_in.resource_manager.token)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setitem(module.CLOUDS, "public", AzureCloud("https://management.azure.com", serve(service, tls)))
    return {
        "LAB_RESOURCE_MANAGER": environment["LAB_RESOURCE_MANAGER"],
        "ARM_USE_OIDC": "true",
        "ARM_CLIENT_ID": CLIENT_ID,
        "ARM_TENANT_ID": TENANT_ID,
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{serve(service)}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
    }


def test_a_workflow_exchanges_githubs_token_for_azures(workflow: dict[str, str]) -> None:
    with sign_in({}, workflow) as client:
        assert client.group_tags("none") is None


def test_a_token_from_a_variable_or_a_file_needs_no_request(workflow: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "oidc-token"
    file.write_text(ASSERTION, encoding="ascii")
    given = {name: value for name, value in workflow.items() if not name.startswith("ACTIONS_")}
    for more in ({"ARM_OIDC_TOKEN": ASSERTION}, {"ARM_OIDC_TOKEN_FILE_PATH": str(file)}):
        with sign_in({}, {**given, **more}) as client:
            assert client.group_tags("none") is None
    with pytest.raises(StackError, match="give the job `id-token: write`"):
        sign_in({}, given)


def test_what_github_or_entra_id_refuse_is_one_error_without_a_token(workflow: dict[str, str]) -> None:
    with pytest.raises(StackError, match="401 Unauthorized") as unauthorized:
        sign_in({}, {**workflow, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "another"})
    with pytest.raises(StackError, match="AADSTS700212") as untrusted:
        sign_in({}, {**workflow, "ARM_CLIENT_ID": TENANT_ID})
    for error in (unauthorized, untrusted):
        assert not any(secret in str(error.value) for secret in (REQUEST_TOKEN, ASSERTION, "another"))


def test_another_account_never_gets_the_subscription_of_the_azure_cli(
    workflow: dict[str, str], environment: dict[str, str]
) -> None:
    del workflow["ARM_SUBSCRIPTION_ID"]
    workflow["PATH"] = environment["PATH"]
    with pytest.raises(StackError, match="set azure-native:subscriptionId or ARM_SUBSCRIPTION_ID"):
        sign_in({}, workflow)


def test_each_azure_cloud_has_its_own_address_and_an_unknown_one_is_refused() -> None:
    assert choose_cloud("").manager == "https://management.azure.com"
    assert choose_cloud("China").manager == "https://management.chinacloudapi.cn"
    assert choose_cloud("usgovernment").manager == "https://management.usgovcloudapi.net"
    with pytest.raises(StackError, match="choose one of public, usgovernment, china"):
        sign_in({}, {"ARM_ENVIRONMENT": "mars"})
    with pytest.raises(StackError, match="'venus'"):
        sign_in({"environment": "venus"}, {"ARM_ENVIRONMENT": "china"})
