"""The tables of a rehearsal on a narrow screen, and the size of the pictures in docs/."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console
from rich.table import Table

from rehearsal.stand_ins.dns import RecordSet
from rehearsal.tables import build_record_table, build_service_table, find_common_url
from rehearsal.tools import REPOSITORY

pytestmark = pytest.mark.unit

BASE = "https://owa.lab.mail-domain.com"
SETTINGS = {
    "activesync": dict.fromkeys(("ExternalUrl", "InternalUrl"), f"{BASE}/Microsoft-Server-ActiveSync"),
    "autodiscover": {"AutoDiscoverServiceInternalUri": "https://autodiscover.lab.mail-domain.com/autodiscover.xml"},
    "mapi": {"ExternalUrl": f"{BASE}/mapi", "InternalUrl": f"{BASE}/mapi", "IISAuthenticationMethods": "Ntlm, OAuth"},
    "outlookAnywhere": {
        "ExternalClientAuthenticationMethod": "Ntlm",
        "InternalClientAuthenticationMethod": "Ntlm",
        "SSLOffloading": "False",
    },
}


def print_at(width: int, table: Table) -> str:
    screen = Console(width=width, record=True, file=io.StringIO())
    screen.print(table)
    return screen.export_text()


def words(text: str) -> list[str]:
    return re.findall(r"[\w…:/.-]+", text)


def test_settings_of_one_service_with_one_value_are_one_row_and_the_common_url_is_shown_once() -> None:
    text = print_at(120, build_service_table({"EX01": SETTINGS, "EX02": SETTINGS}))
    rows = [line.split() for line in text.splitlines()]
    assert ["activesync", "ExternalUrl,", "InternalUrl", "…/Microsoft-Server-ActiveSync"] in rows
    assert ["IISAuthenticationMethods", "Ntlm,", "OAuth"] in rows, "the service is named in its first row"
    assert text.count(BASE) == 1
    assert f"Settings, the same on EX01, EX02 (… stands for {BASE})" in text
    assert "servers" not in text


def test_no_name_of_a_setting_or_a_record_is_cut_at_80_columns() -> None:
    names = {name for settings in SETTINGS.values() for name in settings}
    text = print_at(80, build_service_table({"EX01": SETTINGS, "EX02": SETTINGS}))
    assert names | SETTINGS.keys() <= set(words(text))
    assert max(map(len, text.splitlines())) <= 80
    for value in ("…/Microsoft-Server-ActiveSync", "https://autodiscover.lab.mail-domain.com/autodiscover.xml"):
        assert value in "".join(line[54:].strip() for line in text.splitlines()), "a long value wraps"
    record = RecordSet(
        zone="lab.mail-domain.com", name="autodiscover", type="A", ttl=300, values=("127.0.0.1",), private=True
    )
    shown = print_at(80, build_record_table([record]))
    assert {"autodiscover.lab.mail-domain.com", "private", "300", "127.0.0.1"} <= set(words(shown))


def test_a_setting_that_differs_is_a_row_for_each_value_with_its_servers() -> None:
    other = {**SETTINGS, "mapi": {**SETTINGS["mapi"], "InternalUrl": "https://ex02.corp.example/mapi"}}
    text = print_at(120, build_service_table({"EX01": SETTINGS, "EX02": other}))
    rows = [line.split() for line in text.splitlines()]
    assert ["InternalUrl", "https://ex02.corp.example/mapi", "EX02"] in rows
    assert ["InternalUrl", "…/mapi", "EX01"] in rows
    assert ["IISAuthenticationMethods", "Ntlm,", "OAuth", "all"] in rows
    assert "the same" not in text


def test_without_two_urls_of_one_host_no_url_is_shortened() -> None:
    assert find_common_url({"EX01": {"owa": {"InternalUrl": f"{BASE}/owa", "LogonFormat": "Domain"}}}) == ""
    assert find_common_url({}) == ""
    text = print_at(120, build_service_table({"EX01": {"owa": {"InternalUrl": f"{BASE}/owa"}}}))
    assert f"{BASE}/owa" in text
    assert "…" not in text


@pytest.mark.parametrize("name", ["failover", "rehearsal"])
def test_a_picture_of_the_documents_is_at_most_700_pixels_high_on_github_and_needs_no_network(name: str) -> None:
    text = (REPOSITORY / "docs" / f"{name}.svg").read_text(encoding="utf-8")
    box = Xml.fromstring(text).get("viewBox", "")  # noqa: S314 - our own
    _, _, width, height = map(float, box.split())
    assert height * min(1, 880 / width) <= 700
    assert not re.search(r"(src|href)=\"(?!#)|@import|@font-face|<script|url\((?!#)", text)
