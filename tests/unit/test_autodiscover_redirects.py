"""Outlook-like clients follow redirects of Autodiscover, and take the endpoint for their side."""

from __future__ import annotations

import pytest

from operations.drill.outlook import (
    AnswerError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookError,
)
from operations.drill.outlook.discovery import MOST_REDIRECTS, PATH
from tests.unit.internet import (
    ELSEWHERE,
    OTHER,
    Internet,
    account,
    always,
    mapi,
    moved,
    over_http,
    redirect_address,
    redirect_url,
)
from tests.unit.internet import certificates as certificates
from tests.unit.internet import internet as internet
from tests.unit.raw_site import http_answer
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA
from tests.unit.test_drill_command import here as here

pytestmark = pytest.mark.unit

ENDPOINT = http_answer(
    account(mapi(InternalUrl=f"https://{OWA}/mapi/emsmdb/?MailboxId=1@x", ExternalUrl=f"https://{OTHER}/m"))
)


FIRST, LAST = (AUTODISCOVER, PATH), (OWA, "/mapi/emsmdb/?MailboxId=1@x")


@pytest.mark.parametrize(
    ("redirect", "second"),
    [
        (moved(f"https://{OTHER}/there.xml"), (OTHER, "/there.xml")),
        (moved(f"https://{OTHER}/there.xml", "301 Moved Permanently"), (OTHER, "/there.xml")),
        (moved(f"https://{OTHER}/there.xml", "307 Temporary Redirect"), (OTHER, "/there.xml")),
        (moved("/there.xml"), (AUTODISCOVER, "/there.xml")),
        (moved(f"//{OTHER}/a%20b?c=d"), (OTHER, "/a%20b?c=d")),
        (http_answer(redirect_url(f" https://{OTHER.upper()}/there/\u00e4 b ")), (OTHER, "/there/%C3%A4%20b")),
        (http_answer(redirect_address(f"me@elsewhere.{DOMAIN}")), (ELSEWHERE, PATH)),
    ],
)
def test_a_redirect_is_followed_as_outlook_follows_it(
    internet: Internet, redirect: bytes, second: tuple[str, str]
) -> None:
    answers = iter([redirect, ENDPOINT, http_answer()])
    site = internet.site(lambda _asked: iter([next(answers)]))
    assert internet.connect().host == OWA
    assert internet.asked() == [FIRST, second, LAST]
    mailboxes = [asked.body for asked in site.requests[:2]]
    expected = f"me@elsewhere.{DOMAIN}" if second[0] == ELSEWHERE else f"user@{DOMAIN}"
    assert f">user@{DOMAIN}<".encode() in mailboxes[0]
    assert f">{expected}<".encode() in mailboxes[1]


def test_a_client_uses_the_port_of_a_url_and_sends_it_as_its_host(internet: Internet) -> None:
    internet.site(lambda _asked: iter([moved(f"https://{OTHER}:{second.port}/x")]))
    third = internet.site(always(http_answer()))
    there = f"https://{OWA}:{third.port}/mapi"
    second = internet.site(always(http_answer(account(mapi(InternalUrl=there)))))
    assert internet.connect().host == OWA
    assert [(asked.host, asked.path) for asked in second.requests] == [(f"{OTHER}:{second.port}", "/x")]
    assert [(asked.host, asked.path) for asked in third.requests] == [(f"{OWA}:{third.port}", "/mapi")]


@pytest.mark.parametrize(
    "answers",
    [
        [moved(f"https://{AUTODISCOVER}{PATH}")],
        [http_answer(redirect_url(f"https://{OTHER}/")), moved(f"https://{AUTODISCOVER}{PATH}")],
        [http_answer(redirect_address(f"me@elsewhere.{DOMAIN}")), http_answer(redirect_address(f"user@{DOMAIN}"))],
    ],
)
def test_redirects_in_a_circle_are_followed_once(internet: Internet, answers: list[bytes]) -> None:
    coming = iter(answers)
    internet.site(lambda _asked: iter([next(coming)]))
    with pytest.raises(
        AnswerError, match=f"{AUTODISCOVER}: Autodiscover redirects in a circle, back to https://{AUTODISCOVER}"
    ):
        internet.connect()
    assert len(internet.asked()) == len(answers)


def test_a_client_follows_at_most_ten_redirects_as_microsoft_says(internet: Internet) -> None:
    internet.site(lambda asked: iter([moved(f"{asked.path}x")]))
    with pytest.raises(AnswerError, match=f"redirects more than {MOST_REDIRECTS} times"):
        internet.connect()
    assert len(internet.asked()) == 1 + 10


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        (f"https://nowhere.{DOMAIN}/mapi", NameNotResolvedError, f"nowhere.{DOMAIN}: "),
        ("https://b\u00fccher.example/mapi", NameNotResolvedError, "xn--bcher-kva.example: "),
        (f"https://{'a' * 64}.example/mapi", AnswerError, "whose host cannot be looked up"),
        ("https://a..b/mapi", AnswerError, "https://a..b/mapi, whose host cannot be looked up"),
        ("https://-/mapi", AnswerError, "whose host cannot be looked up"),
        ("https:///mapi", AnswerError, "whose host cannot be looked up"),
        ("https://[::1]/mapi", AnswerError, "whose host cannot be looked up"),
        ("https://127.40.0.98/mapi", NoAddressAnswersError, "127.40.0.98 failed at connect: "),
        (f"http://{OWA}/mapi", AnswerError, f"http://{OWA}/mapi, which does not begin with https://"),
        (f"{OWA}/mapi", AnswerError, "which does not begin with https://"),
    ],
)
def test_an_endpoint_that_cannot_be_looked_up_is_named(
    internet: Internet, url: str, kind: type[OutlookError], words: str
) -> None:
    internet.site(always(http_answer(account(mapi(InternalUrl=url)))))
    with pytest.raises(OutlookError) as caught:
        internet.connect()
    assert type(caught.value) is kind
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("protocols", "inside", "outside"),
    [
        ([mapi(InternalUrl=f"https://{OWA}/m")], OWA, None),
        ([mapi(ExternalUrl=f"https://{OWA}/m")], None, OWA),
        ([mapi(InternalUrl=f"https://{OWA}/m"), over_http("EXPR", OTHER)], OWA, OTHER),
        ([over_http("EXHTTP", OWA)], OWA, None),
        ([over_http("EXPR", OTHER), over_http("EXHTTP", OTHER), over_http("EXHTTP", OWA)], OWA, OTHER),
        ([over_http("EXHTTP", OWA), over_http("EXHTTP", OTHER), over_http("EXPR", OTHER)], OWA, OTHER),
        ([over_http("EXPR", OWA), over_http("EXHTTP", OWA)], OWA, OWA),
        ([over_http("EXCH", f"1@{DOMAIN}")], None, None),
    ],
)
def test_a_client_takes_the_endpoint_for_its_side_and_never_the_other_one(
    internet: Internet, protocols: list[str], inside: str | None, outside: str | None
) -> None:
    internet.site(lambda asked: iter([http_answer(account(*protocols)) if asked.path == PATH else http_answer()]))
    for side, host in ((True, inside), (False, outside)):
        if host:
            assert internet.connect(inside=side).host == host
            continue
        with pytest.raises(AnswerError) as caught:
            internet.connect(inside=side)
        name, other = ("internal", outside) if side else ("external", inside)
        assert f"names no {name} URL of MAPI over HTTP and no {name} host name of Outlook Anywhere" in str(caught.value)
        assert (f"{other}" in str(caught.value)) == bool(other), "the error names the endpoint of the other side"
