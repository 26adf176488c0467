"""Every answer to Autodiscover that names no endpoint is an error with the server's own words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from xml.sax.saxutils import escape

import pytest

from operations.drill.outlook import (
    AnswerError,
    HttpError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookError,
)
from operations.drill.outlook.response import LARGEST
from tests.unit.internet import (
    ADDRESS,
    OTHER,
    OUTLOOK,
    PLAIN,
    TIMER,
    Internet,
    account,
    always,
    document,
    mapi,
    moved,
    redirect_address,
    redirect_url,
)
from tests.unit.internet import certificates as certificates
from tests.unit.internet import internet as internet
from tests.unit.raw_site import RawRequest, http_answer
from tests.unit.servers import DOMAIN, OWA
from tests.unit.test_drill_command import here as here

pytestmark = pytest.mark.unit

BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def error_document(code: object, message: str, schema: str = OUTLOOK) -> bytes:
    return document(f"<Error><ErrorCode>{code}</ErrorCode><Message>{escape(message)}</Message></Error>", schema)


WITH_AN_ENTITY = (
    b'<!DOCTYPE Autodiscover [<!ENTITY e "x">]>' + error_document(1, "!").replace(b"!", b"&e;").partition(b"?>")[2]
)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


USELESS = AnswerError, NoAddressAnswersError, HttpError, NameNotResolvedError


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (http_answer(), AnswerError, "answered 200 with nothing"),
        (http_answer(b" \r\n "), AnswerError, "answered 200 with nothing"),
        (
            http_answer(b"<!DOCTYPE html><html><p>Log on</html>"),
            AnswerError,
            "it begins: <!DOCTYPE html><html><p>Log on",
        ),
        (http_answer(b"<html><p>Log on</p></html>"), AnswerError, "its root is html"),
        (http_answer(b"plain words"), AnswerError, "it begins: plain words"),
        (http_answer(account(mapi(InternalUrl=f"https://{OWA}/mapi"))[:-30]), AnswerError, "it begins: <?xml"),
        (http_answer(account())[:-30], NoAddressAnswersError, f"{ADDRESS} failed at http: IncompleteRead"),
        (http_answer(b"\xff\xfe\x00\x9b31m"), AnswerError, "not an Autodiscover document"),
        (http_answer(b'<?xml version="1.0" encoding="klingon"?><a/>'), AnswerError, "not an Autodiscover document"),
        (http_answer(b'<?xml version="1.0" encoding="euc-jp"?><a/>'), AnswerError, "not an Autodiscover document"),
        (http_answer(f"{BOMB}]><a>&i;</a>".encode()), AnswerError, "it begins: <!DOCTYPE a [<!ENTITY a"),
        (http_answer(WITH_AN_ENTITY), AnswerError, 'it begins: <!DOCTYPE Autodiscover [<!ENTITY e "x">]>'),
        (http_answer(b"<a>" * 100_000 + b"</a>" * 100_000), AnswerError, "its root is a"),
        (http_answer(b"a" * (LARGEST + 1)), AnswerError, "answers with more than 1 MiB"),
        (http_answer(document("<User/>")), AnswerError, "describes no account"),
        (http_answer(account()), AnswerError, "names no internal URL"),
        (
            http_answer(error_document(600, "Invalid Request", PLAIN)),
            AnswerError,
            "Autodiscover's error 600: Invalid Request",
        ),
        (http_answer(error_document(500, "No such <mailbox>")), AnswerError, "error 500: No such <mailbox>"),
        (http_answer(document("<Error/>")), AnswerError, "error ?: it does not say why"),
        (http_answer(error_document(1, "\u202e\u009b31m" + " x" * 9000)), AnswerError, "error 1: 31m x x"),
        (http_answer(b"", "403 \x1b[31mGo away"), HttpError, f"{ADDRESS} answered 403 [31mGo away"),
        (http_answer(b"", "204 No Content"), HttpError, "answered 204 No Content"),
        (http_answer(b"", "302 Found"), AnswerError, "answered 302 and does not say where to"),
        (moved(f"http://{OTHER}/a"), AnswerError, f"http://{OTHER}/a, which does not begin with https://"),
        (moved("ftp://there"), AnswerError, "ftp://there, which does not begin with https://"),
        (moved("https://"), AnswerError, "answered 302 and sends its clients to https:"),
        (moved("https://[1"), AnswerError, "answered 302 and sends its clients to https://[1, which is not a URL"),
        (moved(f"https://{OTHER}:99999/"), AnswerError, "which is not a URL"),
        (moved(f"https://{OTHER}:0/"), AnswerError, "whose port is 0"),
        (moved("https://a b/"), AnswerError, "https://a b/, whose host cannot be looked up"),
        (moved(f"https://nowhere.{DOMAIN}/"), NameNotResolvedError, f"nowhere.{DOMAIN}: "),
        (
            http_answer(redirect_url(f"http://{OTHER}/")),
            AnswerError,
            f"sends its clients to http://{OTHER}/, which does not",
        ),
        (http_answer(redirect_url("")), AnswerError, "sends its clients to "),
        (http_answer(redirect_address("")), AnswerError, "nothing, which is not a mail address"),
        (http_answer(redirect_address("@there")), AnswerError, "@there, which is not a mail address"),
        (http_answer(redirect_address("me@a/b")), AnswerError, "me@a/b, whose host cannot be looked up"),
        (
            http_answer(redirect_address(f"me@nowhere.{DOMAIN}")),
            NameNotResolvedError,
            f"autodiscover.nowhere.{DOMAIN}: ",
        ),
        (b"", NoAddressAnswersError, f"{ADDRESS} failed at http: "),
        (b"SSH-2.0-OpenSSH_9.6 \x1b[31m\r\n\r\n", NoAddressAnswersError, "failed at http: SSH-2.0-OpenSSH_9.6"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", NoAddressAnswersError, "failed at http: "),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, NoAddressAnswersError, "more than 100 headers"),
        (CHUNKED + b"-5\r\n", NoAddressAnswersError, "failed at http: "),
        (CHUNKED + b"zz\r\n", NoAddressAnswersError, "failed at http: IncompleteRead"),
        (
            http_answer(b"", "401 Unauthorized", "Connection: close"),
            NoAddressAnswersError,
            "it closes the connection with",
        ),
    ],
)
def test_an_answer_without_an_endpoint_is_an_error_with_the_servers_own_words(
    internet: Internet, answer: bytes, kind: type[OutlookError], words: str
) -> None:
    internet.site(always(answer))
    with pytest.raises(OutlookError) as caught:
        internet.connect()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert words in text
    assert text.isprintable()
    assert len(text) < 500, "a server cannot make it longer"


@pytest.mark.parametrize(
    "endless", [b"HTTP/1.1 100 Continue\r\n\r\n", http_answer(b"", "200 OK", "X: " + "y" * 9000)[:-2]]
)
def test_an_answer_without_an_end_is_cut_off(internet: Internet, endless: bytes) -> None:
    internet.site(lambda _asked: repeat(endless))
    with pytest.raises((AnswerError, NoAddressAnswersError), match=r"more than|failed at http"):
        internet.connect()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_the_answer_timer_ends_an_answer_that_arrives_byte_by_byte(internet: Internet, head: bytes) -> None:
    drops: list[float] = []

    def drip(_asked: RawRequest) -> Iterator[bytes]:
        yield head
        while not site.over.wait(TIMER / 10):
            drops.append(1)
            yield b"x"

    site = internet.site(drip)
    with pytest.raises(NoAddressAnswersError, match=f"{ADDRESS} failed at http: no answer"):
        internet.connect()
    assert len(drops) > 1, "it was not silent"
