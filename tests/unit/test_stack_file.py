"""A stack file is read as the engine reads it, and written so that the engine reads it back unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import stack_file as rehearsed
from stacks import arguments, file
from stacks.problems import Problem
from tests.unit.yaml_scalars import SCALARS

pytestmark = pytest.mark.unit

EXAMPLE = rehearsed.find_stack_file("lab").read_text(encoding="utf-8")


def config(text: str) -> dict[str, Any]:
    return file.parse_stack_file(text.encode(), arguments.PROJECT).config


def messages(tmp_path: Path, lines: str) -> list[str]:
    """The rehearsal's messages for the lab example with these keys in it."""
    path = tmp_path / "Pulumi.lab.yaml"
    given = file.parse_stack_file(f"config:\n{lines}".encode(), arguments.PROJECT).config
    kept = {name: value for name, value in config(EXAMPLE).items() if name not in given}
    path.write_text(file.dump_stack_file({"config": kept}) + lines, encoding="utf-8")
    try:
        rehearsed.adapt_stack_file(path, ssh_port=2222, https_port=4443)
    except arguments.InvalidStackFileError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_has_the_value_that_the_engine_reads(text: str) -> None:
    found = config(f"config:\n  list:\n    - {text}\n")["exchange-cas:list"]
    assert [(type(value), value) for value in found] == [(type(SCALARS[text]), SCALARS[text])]


@pytest.mark.parametrize("text", [*SCALARS, "on", "1:2", "a: b", "# x", "", "ü", "two\nlines", "0x1F ", "2026-1-2"])
def test_a_text_that_is_written_is_read_back_unchanged(text: str) -> None:
    written = file.dump_stack_file({"config": {"exchange-cas:tags": {"name": text, text: "value"}}})
    assert config(written)["exchange-cas:tags"] == {"name": text, text: "value"}


@pytest.mark.parametrize("name", ["protect", "exchange-cas:protect", "exchange-cas:config:protect"])
def test_a_key_may_have_the_prefix_of_the_project_or_none(name: str) -> None:
    assert config(f"config:\n  {name}: true\n") == {"exchange-cas:protect": True}


def test_keys_are_texts_merges_are_merged_and_an_anchor_may_be_defined_again() -> None:
    text = """
x: &a {one: 1, two: 2}
config:
  t: {<<: *a, two: 3, 0123: y, null: z}
  u: &a 5
  v: *a
  w: {<<: [{one: 1}, {one: 2, three: 3}]}
"""
    assert config(text) == {
        "exchange-cas:t": {"one": 1, "two": 3, "83": "y", "<nil>": "z"},
        "exchange-cas:u": 5,
        "exchange-cas:v": 5,
        "exchange-cas:w": {"one": 1, "three": 3},
    }


@pytest.mark.parametrize("text", ["", "config:\n", "---\n", "Config:\n  a: 1\n", "config: {}\n---\nconfig: {a: 1}\n"])
def test_a_file_without_keys_is_accepted(text: str) -> None:
    assert config(text) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("config:\n  a: 1\n  a: 2\n", "line 3: the key a appears twice. Remove one."),
        ("config:\n  t: {1: x, '1': y}\n", "line 2: the key 1 appears twice. Remove one."),
        ("config:\n  t: {[1, 2]: x}\n", "cannot be a key"),
        ("config:\n  t: &t [*t]\n", "contains itself"),
        ("config:\n  t: .inf\n", "line 2: .inf is not a number"),
        ("config:\n  t: [.nan]\n", ".nan is not a number"),
        ("config:\n  t: !!bool yes\n", "yes is not a value of the type bool"),
        ("config:\n  t: !!int 1.5\n", "1.5 is not a value of the type int"),
        ("config:\n  t: !!binary '?'\n", "is not base64 of a text"),
        ("config:\n  a:b:c: 1\n", "a:b:c: is not a key of the form PROJECT:NAME"),
        ("config:\n  1: 1\n", "1: is not a key of the form PROJECT:NAME"),
        ("config: []\n  x", "line 2"),
        ("config: [1]\n", "is not a mapping"),
        ("- 1\n", "is not a mapping"),
        ("text", "is not a mapping"),
        ("config:\n\tt: 1\n", "line 2"),
        ("config:\n  t: a: b\n", "line 2"),
        ("config:\n  t: *none\n", "none"),
        ("config:\n  t: {<<: 5}\n", "merges only mappings"),
    ],
)
def test_a_file_that_the_engine_refuses_is_refused_in_one_line_with_its_path_and_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(file.UnreadableStackFileError) as caught:
        file.read_stack_file(path, arguments.PROJECT)
    assert str(caught.value).startswith(f"{path} cannot be read: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_bytes(b"config: {a: \xff}\n")
    with pytest.raises(file.UnreadableStackFileError, match="cannot be read"):
        file.read_stack_file(path, arguments.PROJECT)


def test_a_byte_order_mark_is_ignored() -> None:
    assert file.parse_stack_file(b"\xef\xbb\xbfconfig:\n  t: x\n", "p").config == {"p:t": "x"}


@pytest.mark.parametrize(
    ("lines", "key", "remedy"),
    [
        ("  exchange-cas:autoShutdown: {time: 0730}\n", "autoShutdown.time = 0730", "Put the text in quotes"),
        ("  exchange-cas:autoShutdown: {time: 1900}\n", "autoShutdown.time = 1900", "Put the text in quotes"),
        ("  exchange-cas:autoShutdown: {time: 19:00}\n", "autoShutdown.time = '19:00'", "HHMM"),
        ("  exchange-cas:tags: {cost: 00123}\n", "tags.cost = 00123", "Put the text in quotes"),
        ("  exchange-cas:tags: {account: 012345678912}\n", "tags.account = 012345678912", "Put the text in quotes"),
        ("  exchange-cas:tags: {since: 2026-01-02}\n", "tags.since = 2026-01-02", "is a date to YAML"),
        ("  exchange-cas:tags: {lab: True}\n", "tags.lab = True", "is true or false to YAML"),
        ("  exchange-cas:tags: {ratio: 1.50}\n", "tags.ratio = 1.50", "is a number to YAML"),
        ("  exchange-cas:protect: yes\n", "protect = 'yes'", "Write true or false"),
        ("  protect: yes\n", "protect = 'yes'", "Write true or false"),
        ("  exchange-cas:httpsPort: 0o700000\n", "httpsPort = 0o700000", "from 1 to 65535"),
        ("  exchange-cas:network: {clientPorts: [443, 0xFFFFF]}\n", "network.clientPorts[1] = 0xFFFFF", "65535"),
        (
            "  exchange-cas:servers: {ex01: {computerName: 0012, address: 10.40.0.11}}\n",
            "computerName = 0012",
            "quotes",
        ),
    ],
)
def test_a_message_shows_a_value_as_it_was_typed(tmp_path: Path, lines: str, key: str, remedy: str) -> None:
    found = [message for message in messages(tmp_path, lines) if key in message]
    assert found, messages(tmp_path, lines)
    assert remedy in found[0]


def test_the_program_reads_the_typed_texts_from_the_stacks_file(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.lab.yaml"
    path.write_text("config:\n  exchange-cas:tags: {cost: 00123, other: 1}\n", encoding="utf-8")
    typed = arguments.read_typed_texts(path)
    in_the_file, in_another_file = (Problem("tags.cost", value, "x") for value in (83, 84))
    assert str(arguments.show_as_typed(in_the_file, typed)) == "tags.cost = 00123: x"
    assert str(arguments.show_as_typed(in_another_file, typed)) == "tags.cost = 84: x", "the run used another file"
    path.write_text("config: [\n", encoding="utf-8")
    assert arguments.read_typed_texts(path) == arguments.read_typed_texts(tmp_path / "Pulumi.none.yaml") == {}


@pytest.mark.parametrize(
    ("passed", "value"),
    [("", None), ("x", "x"), ("{x", "{x"), ("[", "["), ('{"a": [1]}', {"a": [1]}), ("0730", "0730")],
)
def test_pulumi_passes_objects_and_lists_as_json_and_other_values_as_text(passed: str, value: Any) -> None:
    assert arguments.parse_config_value(passed) == value


def test_texts_in_quotes_are_texts(tmp_path: Path) -> None:
    lines = "  exchange-cas:tags: {cost: '00123', since: \"2026-01-02\", lab: 'true', empty: ''}\n"
    assert messages(tmp_path, lines) == []


def test_messages_of_the_rehearsal_show_the_addresses_of_the_file(tmp_path: Path) -> None:
    found = messages(tmp_path, "  exchange-cas:network: {subnetPrefix: 10.50.0.0/24}\n")
    assert any("10.50.0.0/24" in message and "10.40.0.0/16" in message for message in found)


@pytest.mark.parametrize(
    "lines", ["  exchange-cas:network: x\n", "  exchange-cas:servers: [1]\n", "  exchange-cas:ssh: 5\n"]
)
def test_a_value_of_another_type_is_one_problem(tmp_path: Path, lines: str) -> None:
    assert len(messages(tmp_path, lines)) == 1


def test_a_missing_file_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(file.UnreadableStackFileError, match=r"Pulumi\.none\.yaml cannot be read: No such file"):
        rehearsed.adapt_stack_file(tmp_path / "Pulumi.none.yaml", ssh_port=1, https_port=2)
