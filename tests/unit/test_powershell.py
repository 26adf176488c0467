"""What is sent to a server, and how its reports are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components import powershell
from components.args import RolloutArgs, ServerArgs, SshArgs
from components.azure_args import DnsArgs
from components.exchange import ClientAccessNamespaceArgs, rotation_document
from components.namespace import exchange_settings, namespace_document
from components.namespace_args import NamespaceArgs, ServicesArgs, UrlServiceArgs
from components.server import Server
from components.shell import ServerAccess

pytestmark = pytest.mark.unit

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"


def namespace_stdin(credential: dict[str, str] | None = None) -> str:
    document = namespace_document(
        server="EX01",
        exchange_version="2016",
        recycle_app_pools=True,
        settings=exchange_settings(NamespaceArgs(domain="mail-domain.com")),
    )
    return powershell.write_document(document, credential)


def test_each_setting_is_on_a_separate_line() -> None:
    lines = [line for line in namespace_stdin().splitlines() if "https://owa.mail-domain.com/EWS/Exchange.asmx" in line]
    assert [line.split(":")[0].strip() for line in lines] == ['"InternalUrl"', '"ExternalUrl"']


def test_a_credential_is_sent_only_if_one_is_given() -> None:
    assert "credential" not in json.loads(namespace_stdin())
    given = {"userName": "CORP\\operator", "password": "x"}
    assert json.loads(namespace_stdin(given))["credential"] == given


def test_a_command_line_holds_no_quotes_and_fits_into_cmd() -> None:
    line = powershell.command_line(
        powershell.scripts_folder("9f0c0a3e-4f3a-4d6d-9d30-0d4c2f9c7c11"), "Set-ClientAccessNamespace"
    )
    assert not set(line) & set("\"'%&|<>^")
    assert len(line) < 8191
    folder = f"C:/ProgramData/ExchangeCas/9f0c0a3e-4f3a-4d6d-9d30-0d4c2f9c7c11/{powershell.scripts_version()}"
    assert line.endswith(f" -File {folder}/Set-ClientAccessNamespace.ps1")


def test_the_folder_follows_the_texts_of_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> str:
        powershell.scripts_version.cache_clear()
        return powershell.scripts_version()

    monkeypatch.setattr(powershell, "SCRIPTS", tmp_path)
    (tmp_path / "a.ps1").write_text("one")
    first = version()
    assert version() == first
    (tmp_path / "a.ps1").write_text("two")
    assert version() != first
    powershell.scripts_version.cache_clear()


REPORT = json.dumps({"settings": {"owa": {"InternalUrl": {"before": "a", "after": "b", "changed": True}}}}, indent=2)
BEGINS, ENDS = "=== exchange-cas report 1 begins ===", "=== exchange-cas report 1 ends ==="
MARKED = f"{BEGINS}\n{REPORT}\n{ENDS}\n"
BANNER = "Property of CORP. {Authorised} users only\n"


def test_each_script_with_a_report_prints_the_marks() -> None:
    for script in ("ClientAccess", "Enable-OpenSsh"):
        text = powershell.read_script(script)
        assert (text.count(BEGINS), text.count(ENDS)) == (1, 1)


@pytest.mark.parametrize(
    "printed",
    [
        MARKED,
        BANNER + MARKED,
        BANNER.strip() + MARKED,
        MARKED + BANNER,
        BANNER + MARKED.strip() + BANNER,
        (BANNER + MARKED).replace("\n", "\r\n"),
        "\ufeff" + MARKED,
        f"{BEGINS}\n\ufeff{REPORT}\n{ENDS}",
        '{"settings": {}}\n' + MARKED,
        f"{BEGINS}\ntorn" + MARKED,
        REPORT,
        "\ufeff" + REPORT.replace("\n", "\r\n") + "\r\n",
        f"installed\n{json.dumps(json.loads(REPORT))}\n",
    ],
)
def test_a_report_is_found_among_other_output_and_without_the_marks_of_later_versions(
    printed: str,
) -> None:
    assert powershell.read_report(printed, "settings") == json.loads(REPORT)
    assert powershell.read_changes(printed) == {"owa.InternalUrl": {"before": "a", "after": "b"}}


@pytest.mark.parametrize(
    "printed",
    [
        None,
        "",
        BANNER,
        BANNER + REPORT,
        MARKED.removesuffix(f"{ENDS}\n"),
        f"{BEGINS}\n[1]\n{ENDS}",
        f"{BEGINS}\n{ENDS}",
        f"{BEGINS}\n{{}}\n{ENDS}",
        f'{BEGINS}\n{{"settings": ["owa"]}}\n{ENDS}',
        f'{BEGINS}\n{{"settings": {{"owa": "x"}}}}\n{ENDS}',
        f"{BEGINS}\n{'[' * 100_000}\n{ENDS}",
    ],
)
def test_without_a_report_the_error_says_where_to_look_and_the_list_of_changes_never_fails(printed: str | None) -> None:
    with pytest.raises(powershell.NoReportError) as refused:
        powershell.read_report(printed, "settings")
    changes = powershell.read_changes(printed)
    assert isinstance(changes, str)
    for sentence in (str(refused.value), changes):
        for place in ("AutoRun", "PowerShell profiles", "ForceCommand and DefaultShell"):
            assert place in sentence


@pytest.mark.parametrize("cell", ["x", 1, None, {"changed": True}])
def test_a_setting_in_an_unknown_form_raises_nothing(cell: object) -> None:
    printed = f"{BEGINS}\n{json.dumps({'settings': {'owa': {'InternalUrl': cell}}})}\n{ENDS}"
    assert isinstance(powershell.read_changes(printed), str)


@pytest.mark.parametrize(
    "printed",
    [
        f'{BANNER}{BEGINS}\n{{"hostKey": "{KEY}"}}\n{ENDS}\n{BANNER}',
        f'installed\n{{"hostKey": "{KEY}"}}\n',
    ],
)
def test_the_host_key_is_in_the_report_or_in_the_last_line_of_an_earlier_version(printed: str) -> None:
    assert powershell.read_reported_host_key("EX01", printed) == KEY


@pytest.mark.parametrize(
    "output",
    [None, "", "sshd is running", '{"other": 1}', "[1]", '{"hostKey": null}', '{"hostKey": ""}', '{"hostKey": [1]}'],
)
def test_a_missing_host_key_is_an_error_that_names_the_server_and_the_remedy(output: str | None) -> None:
    with pytest.raises(ValueError, match=r"EX01.*hostKey"):
        powershell.read_reported_host_key("EX01", output)


def test_a_run_command_that_printed_something_else_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(ValueError, match="AutoRun"):
        powershell.read_reported_host_key("EX01", BANNER)


def test_only_changed_settings_are_listed() -> None:
    url = {"before": "https://ex01/owa", "expected": "https://owa.a.com/owa", "after": "https://owa.a.com/owa"}
    answer = {"settings": {"owa": {"InternalUrl": {**url, "changed": True}, "ExternalUrl": {**url, "changed": False}}}}
    assert powershell.read_changes(json.dumps(answer)) == {
        "owa.InternalUrl": {"before": "https://ex01/owa", "after": "https://owa.a.com/owa"}
    }


def test_a_rotation_document_holds_the_address_and_the_names_for_the_health_check() -> None:
    row = ServerArgs(computer_name="EX01", address="10.40.0.11", in_rotation=False)
    server = Server(key="ex01", args=row, public_address=None, host_key=None, machine_id="0")
    services = ServicesArgs(owa=UrlServiceArgs(internal_url="https://mail.mail-domain.com/owa"))
    args = ClientAccessNamespaceArgs(
        namespace=NamespaceArgs(domain="mail-domain.com", services=services),
        dns=DnsArgs(),
        exchange_version="2016",
        installation=None,
        recycle_app_pools=True,
        https_port=443,
        reject_closed_ports=False,
        drain_seconds=360,
        health_seconds=300,
        rollout=RolloutArgs(),
        access=ServerAccess(
            ssh=SshArgs(),
            operator="CORP\\operator",
            operator_password="x",  # noqa: S106 (never sent)
            operator_private_key=None,
            jump_host_password=None,
            jump_host_private_key=None,
        ),
    )
    document = rotation_document(args, server)
    names = document["health"].pop("names")
    assert names["owa"] == ["mail.mail-domain.com", "owa.mail-domain.com"]
    assert document["health"] == {"address": "10.40.0.11", "port": 443, "seconds": 300}
    assert (document["inRotation"], document["drainSeconds"]) == (False, 360)
    assert "credential" not in document
