"""No value in a review breaks its Markdown, and the review fits a comment."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path

import pytest

from operations.review.markdown import LONGEST, code
from tests.unit import previews
from tests.unit.previews import (
    DRAINED,
    NAT,
    ONE,
    RECORDS,
    SERVER,
    THREE,
    TWO,
    VM,
    Review,
    Step,
    change,
    command,
    digest,
    machine,
    records,
    server,
    step,
)

pytestmark = pytest.mark.unit


HOSTILE = (
    "a|b`c <img src=x> @everyone [x](http://evil) **loud** \\| ![y](z) #1 \u202e&amp; "
    "www.evil.example https://evil.example me@evil.example"
)


LINKS = re.compile(r"www\.|://|(?:@|&#64;)\w")


def hostile(text: str) -> list[Step]:
    """Previews with this text in each place where a user's text may appear."""
    return [
        change(records("update", [ONE, TWO], [ONE], label=text)),
        change(records("update", [ONE, TWO], [text, "x|y"])),
        change(records("update", [ONE, TWO], [ONE, TWO], ttl=text)),
        change(records("update", [ONE, TWO], [THREE], ttl=text)),
        change(step("create", RECORDS, text, text)),
        change(step("delete", RECORDS, VM, text, {"hardwareProfile": {"vmSize": text}})),
        change(step("update", RECORDS, NAT, "nat", detailedDiff={text: {"kind": "update"}})),
        change(command("update", "ex01", "namespace", {"settings": {text: "a"}}, {"settings": {text: text}})),
        digest([DRAINED], {"ex01": server(1), text: server(2)}),
        change(DRAINED) | {"diagnostics": [{"severity": "warning", "message": text}]},
        change(
            previews.security("update", [previews.rule(text, 300, text, 443)], [previews.rule("b", 1, "c", 443)], text)
        ),
        change(previews.interface("update", "ex01", text, f"/{text}")),
        change(step("update", RECORDS, NAT, "nat", {text: [text], "b": [{"name": text}]}, {"b": [{text: text}]})),
        change(step(text, RECORDS, NAT, text)),
        change(records("create", None, [ONE, TWO], label=text)),
    ]


@pytest.mark.parametrize("content", [*hostile(HOSTILE), *hostile(re.sub(r"[`|\\]", "", HOSTILE))])
def test_no_value_becomes_markup_a_mention_a_link_or_a_cell(review: Review, content: Step) -> None:
    text = review(content).stdout
    # GitHub renders nothing else in code.
    without_code = re.sub(r"<code>(?:[^<>`|]|<!-- -->)*</code>|`[^`\n]*`", "CODE", text)
    for sign in ("<img", "@everyone", "](http", "![", "**loud**", "#1", "\u202e", "www.", "://", "@evil"):
        assert sign not in without_code
    # Except in tags, where it looks for links as in all other text.
    assert [tag for tag in re.findall(r"<code>(.*?)</code>", text) if LINKS.search(tag)] == []
    tables = re.findall(r"(?:^\|.*\n)+", without_code, re.MULTILINE)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "\u202e" not in text


@pytest.mark.parametrize("value", ["a|b", "a`b", "a\\|b", "``", "\\", "|me@www.example"])
def test_a_value_with_table_characters_can_be_read_back(value: str) -> None:
    assert html.unescape(code(value)).replace("<!-- -->", "") == f"<code>{value}</code>"


def many(count: int) -> Step:
    """A preview in which so many servers are made, with both names, and every setting of them changes."""
    servers = {f"ex{number:02}": server(number) for number in range(1, count + 1)}
    old = {
        "settings": {
            service: {f"Url{n}": f"https://{service}.old.example/{n}" for n in range(3)} for service in "abcdefg"
        }
    }
    new = json.loads(json.dumps(old).replace("old.example", "new.example"))
    steps = [records("update", [ONE], [row["address"] for row in servers.values()], label=one) for one in ("owa", "a")]
    for number, key in enumerate(servers):
        steps.append(machine("create", key))
        document = json.loads(json.dumps(new).replace("new", f"new-{number}"))
        steps += [command("update", key, what, old, document) for what in ("namespace", "rotation")]
        steps += [step("create", SERVER, NAT, f"cas-{key}-{index}") for index in range(20)]
    return digest(steps, servers)


def test_a_long_review_fits_a_comment_keeps_its_dangers_and_counts_what_is_left_out(review: Review) -> None:
    text = review(many(200)).stdout
    assert len(text.encode()) <= LONGEST < 65_536
    assert "more, left out because a comment would be too long" in text
    assert "**`enters-dns-as-made`**" in text
    assert text.rstrip().endswith("</sub>")
    assert text.count("<details>") == text.count("</details>") > 0


@pytest.mark.parametrize("sign", ["a", "|", "\U0001f600"])
def test_a_long_reason_is_shortened_so_that_the_review_fits_a_comment(review: Review, sign: str) -> None:
    both = change(records("delete", [ONE, TWO], None), machine("delete", "ex02"))
    names = ("no-address-left", "serving-server-lost")
    text = review(both, *(word for name in names for word in ("--allow", f"{name}={sign * 70_000}"))).stdout
    assert len(text.encode()) <= LONGEST
    assert html.unescape(text).count(f"{sign * 200}") == 2
    assert html.unescape(text).count("…") == 2


def test_a_long_table_is_folded_and_a_short_one_is_not(review: Review) -> None:
    assert "<details>" not in review(change(DRAINED)).stdout
    assert "<details>" in review(many(20)).stdout


def test_twice_the_servers_take_about_twice_the_work(tmp_path: Path) -> None:
    """The work grows linearly. Calls are counted, because a busy computer does not add to them."""

    def work(count: int) -> int:
        from operations.review.page import build_page

        preview = previews.preview(tmp_path, many(count))
        calls = 0

        def called(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(called)
        try:
            build_page(preview, {})
        finally:
            sys.setprofile(before)
        return calls

    work(1)
    few, more = work(20), work(40)
    assert few < 500_000
    assert more < 2.5 * few
