"""The addresses and servers that a review reads from the steps of a preview."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit import previews
from tests.unit.previews import (
    ONE,
    OUT,
    PUBLIC,
    RESTORE,
    THREE,
    THREE_SERVERS,
    TWO,
    TWO_SERVERS,
    UNKNOWN,
    digest,
    machine,
    outside,
    public_address,
    records,
    step,
)

pytestmark = pytest.mark.unit


def test_a_rebuilt_server_that_enters_dns_in_the_same_run_counts_as_new(tmp_path: Path) -> None:
    steps = [machine("replace", "ex02"), records("update", [ONE], [ONE, TWO])]
    names = {danger.name for danger in previews.found(tmp_path, digest(steps, TWO_SERVERS, OUT))}
    assert names == {"enters-dns-as-made"}


def test_a_new_server_has_one_danger_for_all_of_its_names(tmp_path: Path) -> None:
    steps = [machine("create", "ex03")] + [
        records("update", [ONE, TWO], [ONE, TWO, THREE], label=label, type=type)
        for label in ("owa", "autodiscover")
        for type in (previews.PRIVATE, PUBLIC)
    ]
    (danger,) = previews.found(tmp_path, digest(steps, THREE_SERVERS, TWO_SERVERS))
    assert danger.subject == "ex03"
    assert "`autodiscover.mail-domain.com` and `owa.mail-domain.com`" in danger.reason


def test_lost_addresses_are_counted_for_each_record_set(tmp_path: Path) -> None:
    steps = [records("update", [ONE, TWO], [ONE]), records("delete", [ONE, TWO], None, label="autodiscover")]
    (danger,) = previews.found(tmp_path, digest(steps, TWO_SERVERS))
    assert (danger.name, danger.subject) == ("no-address-left", "autodiscover.mail-domain.com (inside)")


def test_unknown_addresses_do_not_count_as_the_old_ones(tmp_path: Path) -> None:
    """Two of three addresses are replaced: the preview has one known address, as if the others were removed."""
    steps = [
        public_address("replace", "ex01", ONE),
        public_address("replace", "ex02", TWO),
        outside([ONE, TWO, THREE], [UNKNOWN, UNKNOWN, THREE], "ex01", "ex02"),
    ]
    names = {danger.name for danger in previews.found(tmp_path, digest(steps, THREE_SERVERS))}
    assert names == {"most-addresses-gone", "not-known-yet"}


def test_if_sources_are_missing_all_unknown_addresses_stay_unknown(tmp_path: Path) -> None:
    steps = [public_address("update", "ex02", TWO), outside([ONE, TWO], [UNKNOWN, UNKNOWN], "ex02")]
    names = {danger.name for danger in previews.found(tmp_path, digest(steps, TWO_SERVERS))}
    assert names == {"no-address-left", "not-known-yet"}


def test_a_record_set_that_moves_in_the_program_keeps_its_addresses(tmp_path: Path) -> None:
    moved = records("create", None, [ONE, TWO])
    moved["urn"] = moved["urn"].replace("cas-owa-a", "cas-mail-a")
    assert previews.found(tmp_path, digest([records("delete", [ONE, TWO], None), moved], TWO_SERVERS)) == []


def test_another_label_is_another_name_and_the_old_one_has_no_address_left(tmp_path: Path) -> None:
    step = records("replace", [ONE, TWO], [ONE, TWO])
    step["newState"]["inputs"]["relativeRecordSetName"] = "mail"
    (danger,) = previews.found(tmp_path, digest([step], TWO_SERVERS))
    assert (danger.name, danger.subject) == ("no-address-left", "owa.mail-domain.com (inside)")


def test_the_rest_of_an_interrupted_run_is_not_a_lost_server(tmp_path: Path) -> None:
    left_over = machine("delete", "ex02", old={"delete": True})
    assert previews.found(tmp_path, digest([left_over], TWO_SERVERS)) == []


def test_a_replacement_in_three_steps_is_one_danger(tmp_path: Path) -> None:
    steps = [machine(operation, "ex02") for operation in ("create-replacement", "replace", "delete-replaced")]
    (danger,) = previews.found(tmp_path, digest(steps, TWO_SERVERS))
    assert danger.name == "serving-server-lost"


def test_the_restoration_of_an_existing_server_is_not_a_server(tmp_path: Path) -> None:
    parent = previews.NAMESPACE
    steps = [step("create", parent, RESTORE, "cas-ex-cas16-1-restore"), records("update", [ONE], [ONE, TWO])]
    assert previews.found(tmp_path, digest(steps, TWO_SERVERS)) == []
