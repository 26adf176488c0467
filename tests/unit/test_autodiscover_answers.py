"""Whatever a server on the Internet answers to Autodiscover ends in an outcome that names it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import repeat
from xml.sax.saxutils import escape

import pytest
from typer.testing import Result

from operations.drill import ClientFaultError
from operations.drill.outlook import (
    AnswerError,
    Connection,
    HttpError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookClient,
    OutlookError,
    Timers,
)
from operations.drill.outlook.discovery import MOST_REDIRECTS, PATH
from operations.drill.outlook.response import LARGEST
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.tls import Certificates
from tests.unit.drill_namespace import Namespace, awaited
from tests.unit.raw_site import Answers, Asked, RawSite, page
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, PASSWORD, USER
from tests.unit.test_dns_stand_in import Row
from tests.unit.test_drill_command import here as here

pytestmark = pytest.mark.unit

ADDRESS = "127.40.0.21"
OTHER, ELSEWHERE = f"other.{DOMAIN}", f"autodiscover.elsewhere.{DOMAIN}"
LABELS = ("autodiscover", "owa", "other", "autodiscover.elsewhere")
TIMER = 0.4  # seconds that a client waits for an answer

OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
PLAIN = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def document(response: str, schema: str = OUTLOOK) -> bytes:
    inner = f'<Response xmlns="{schema}">{response}</Response>'
    return f'<?xml version="1.0"?><Autodiscover xmlns="{PLAIN}">{inner}</Autodiscover>'.encode()


def account(*protocols: str, action: str = "settings") -> bytes:
    return document(f"<Account><AccountType>email</AccountType><Action>{action}</Action>{''.join(protocols)}</Account>")


def mapi(**urls: str) -> str:
    """MAPI over HTTP for each side: InternalUrl, ExternalUrl."""
    told = "".join(f"<{name}>{escape(url)}</{name}>" for name, url in urls.items())
    return f'<Protocol Type="mapiHttp" Version="1"><MailStore>{told}</MailStore></Protocol>'


def over_http(kind: str, server: str) -> str:
    return f"<Protocol><Type>{kind}</Type><Server>{server}</Server></Protocol>"


def redirect_url(url: str) -> bytes:
    return account(f"<RedirectUrl>{escape(url)}</RedirectUrl>", action="redirectUrl")


def redirect_address(address: str) -> bytes:
    return account(f"<RedirectAddr>{escape(address)}</RedirectAddr>", action="redirectAddr")


def error_document(code: object, message: str, schema: str = OUTLOOK) -> bytes:
    return document(f"<Error><ErrorCode>{code}</ErrorCode><Message>{escape(message)}</Message></Error>", schema)


WITH_AN_ENTITY = (
    b'<!DOCTYPE Autodiscover [<!ENTITY e "x">]>' + error_document(1, "!").replace(b"!", b"&e;").partition(b"?>")[2]
)


class Internet:
    """One site behind every name, clients for it, and their name server."""

    def __init__(self, stack: ExitStack, certificates: Certificates) -> None:
        self._stack, self.certificates = stack, certificates
        rows = [Row(name=label, values=(ADDRESS,)) for label in LABELS]
        self.dns = stack.enter_context(AzureDns(lambda: rows))
        self.sites: list[RawSite] = []

    def site(self, answers: Answers) -> RawSite:
        made = RawSite(address=ADDRESS, certificates=self.certificates, answers=answers)
        self.sites.append(self._stack.enter_context(made))
        return made

    def connect(self, *, inside: bool = True) -> Connection:
        client = OutlookClient(
            mailbox=f"user@{DOMAIN}",
            user=USER,
            password=PASSWORD,
            dns=(self.dns.address, self.dns.port),
            authority_pem=self.certificates.authority_pem,
            ports={443: self.sites[0].port},
            inside=inside,
            timers=Timers(connect=TIMER, answer=TIMER),
        )
        with client:
            return client.connect()

    def asked(self) -> list[tuple[str, str]]:
        """Host without its port and path of every request, in order."""
        return [(asked.host.partition(":")[0], asked.path) for asked in self.sites[0].requests]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates([AUTODISCOVER, OWA, OTHER, ELSEWHERE])


@pytest.fixture
def internet(certificates: Certificates) -> Iterator[Internet]:
    with ExitStack() as stack:
        yield Internet(stack, certificates)


def always(*pieces: bytes) -> Answers:
    return lambda _asked: iter(pieces)


def moved(location: str, status: str = "302 Found") -> bytes:
    return page(b"", status, f"Location: {location}")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
USELESS = AnswerError, NoAddressAnswersError, HttpError, NameNotResolvedError


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (page(), AnswerError, "answered 200 with nothing"),
        (page(b" \r\n "), AnswerError, "answered 200 with nothing"),
        (page(b"<!DOCTYPE html><html><p>Log on</html>"), AnswerError, "it begins: <!DOCTYPE html><html><p>Log on"),
        (page(b"<html><p>Log on</p></html>"), AnswerError, "its root is html"),
        (page(b"plain words"), AnswerError, "it begins: plain words"),
        (page(account(mapi(InternalUrl=f"https://{OWA}/mapi"))[:-30]), AnswerError, "it begins: <?xml"),
        (page(account())[:-30], NoAddressAnswersError, f"{ADDRESS} failed at http: IncompleteRead"),
        (page(b"\xff\xfe\x00\x9b31m"), AnswerError, "not an Autodiscover document"),
        (page(b'<?xml version="1.0" encoding="klingon"?><a/>'), AnswerError, "not an Autodiscover document"),
        (page(b'<?xml version="1.0" encoding="euc-jp"?><a/>'), AnswerError, "not an Autodiscover document"),
        (page(f"{BOMB}]><a>&i;</a>".encode()), AnswerError, "it begins: <!DOCTYPE a [<!ENTITY a"),
        (page(WITH_AN_ENTITY), AnswerError, 'it begins: <!DOCTYPE Autodiscover [<!ENTITY e "x">]>'),
        (page(b"<a>" * 100_000 + b"</a>" * 100_000), AnswerError, "its root is a"),
        (page(b"a" * (LARGEST + 1)), AnswerError, "answers with more than 1 MiB"),
        (page(document("<User/>")), AnswerError, "describes no account"),
        (page(account()), AnswerError, "names no internal URL"),
        (page(error_document(600, "Invalid Request", PLAIN)), AnswerError, "Autodiscover's error 600: Invalid Request"),
        (page(error_document(500, "No such <mailbox>")), AnswerError, "error 500: No such <mailbox>"),
        (page(document("<Error/>")), AnswerError, "error ?: it does not say why"),
        (page(error_document(1, "\u202e\u009b31m" + " x" * 9000)), AnswerError, "error 1: 31m x x"),
        (page(b"", "403 \x1b[31mGo away"), HttpError, f"{ADDRESS} answered 403 [31mGo away"),
        (page(b"", "204 No Content"), HttpError, "answered 204 No Content"),
        (page(b"", "302 Found"), AnswerError, "answered 302 and does not say where to"),
        (moved(f"http://{OTHER}/a"), AnswerError, f"http://{OTHER}/a, which does not begin with https://"),
        (moved("ftp://there"), AnswerError, "ftp://there, which does not begin with https://"),
        (moved("https://"), AnswerError, "answered 302 and sends its clients to https:"),
        (moved("https://[1"), AnswerError, "answered 302 and sends its clients to https://[1, which is not a URL"),
        (moved(f"https://{OTHER}:99999/"), AnswerError, "which is not a URL"),
        (moved(f"https://{OTHER}:0/"), AnswerError, "whose port is 0"),
        (moved("https://a b/"), AnswerError, "https://a b/, whose host cannot be looked up"),
        (moved(f"https://nowhere.{DOMAIN}/"), NameNotResolvedError, f"nowhere.{DOMAIN}: "),
        (page(redirect_url(f"http://{OTHER}/")), AnswerError, f"sends its clients to http://{OTHER}/, which does not"),
        (page(redirect_url("")), AnswerError, "sends its clients to "),
        (page(redirect_address("")), AnswerError, "nothing, which is not a mail address"),
        (page(redirect_address("@there")), AnswerError, "@there, which is not a mail address"),
        (page(redirect_address("me@a/b")), AnswerError, "me@a/b, whose host cannot be looked up"),
        (page(redirect_address(f"me@nowhere.{DOMAIN}")), NameNotResolvedError, f"autodiscover.nowhere.{DOMAIN}: "),
        (b"", NoAddressAnswersError, f"{ADDRESS} failed at http: "),
        (b"SSH-2.0-OpenSSH_9.6 \x1b[31m\r\n\r\n", NoAddressAnswersError, "failed at http: SSH-2.0-OpenSSH_9.6"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", NoAddressAnswersError, "failed at http: "),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, NoAddressAnswersError, "more than 100 headers"),
        (CHUNKED + b"-5\r\n", NoAddressAnswersError, "failed at http: "),
        (CHUNKED + b"zz\r\n", NoAddressAnswersError, "failed at http: IncompleteRead"),
        (
            page(b"", "401 Unauthorized", "Connection: close"),
            NoAddressAnswersError,
            "it closes the connection with",
        ),
    ],
)
def test_an_answer_that_leads_nowhere_is_an_error_with_the_servers_own_words(
    internet: Internet, answer: bytes, kind: type[OutlookError], words: str
) -> None:
    internet.site(always(answer))
    with pytest.raises(OutlookError) as caught:
        internet.connect()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert words in text
    assert text.isprintable()
    assert len(text) < 500, "a server does not choose how long it is"


@pytest.mark.parametrize("endless", [b"HTTP/1.1 100 Continue\r\n\r\n", page(b"", "200 OK", "X: " + "y" * 9000)[:-2]])
def test_an_answer_without_an_end_is_cut_off(internet: Internet, endless: bytes) -> None:
    internet.site(lambda _asked: repeat(endless))
    with pytest.raises((AnswerError, NoAddressAnswersError), match=r"more than|failed at http"):
        internet.connect()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_an_answer_that_comes_drop_by_drop_is_given_up_after_the_answer_timer(internet: Internet, head: bytes) -> None:
    drops: list[float] = []

    def drip(_asked: Asked) -> Iterator[bytes]:
        yield head
        while not site.over.wait(TIMER / 10):
            drops.append(1)
            yield b"x"

    site = internet.site(drip)
    with pytest.raises(NoAddressAnswersError, match=f"{ADDRESS} failed at http: no answer"):
        internet.connect()
    assert len(drops) > 1, "it was not silent"


ENDPOINT = page(
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
        (page(redirect_url(f" https://{OTHER.upper()}/there/\u00e4 b ")), (OTHER, "/there/%C3%A4%20b")),
        (page(redirect_address(f"me@elsewhere.{DOMAIN}")), (ELSEWHERE, PATH)),
    ],
)
def test_a_redirect_is_followed_as_outlook_follows_it(
    internet: Internet, redirect: bytes, second: tuple[str, str]
) -> None:
    answers = iter([redirect, ENDPOINT, page()])
    site = internet.site(lambda _asked: iter([next(answers)]))
    assert internet.connect().host == OWA
    assert internet.asked() == [FIRST, second, LAST]
    mailboxes = [asked.body for asked in site.requests[:2]]
    expected = f"me@elsewhere.{DOMAIN}" if second[0] == ELSEWHERE else f"user@{DOMAIN}"
    assert f">user@{DOMAIN}<".encode() in mailboxes[0]
    assert f">{expected}<".encode() in mailboxes[1]


def test_a_port_in_a_url_is_the_one_that_is_dialled_and_named(internet: Internet) -> None:
    internet.site(lambda _asked: iter([moved(f"https://{OTHER}:{second.port}/x")]))
    third = internet.site(always(page()))
    there = f"https://{OWA}:{third.port}/mapi"
    second = internet.site(always(page(account(mapi(InternalUrl=there)))))
    assert internet.connect().host == OWA
    assert [(asked.host, asked.path) for asked in second.requests] == [(f"{OTHER}:{second.port}", "/x")]
    assert [(asked.host, asked.path) for asked in third.requests] == [(f"{OWA}:{third.port}", "/mapi")]


@pytest.mark.parametrize(
    "answers",
    [
        [moved(f"https://{AUTODISCOVER}{PATH}")],
        [page(redirect_url(f"https://{OTHER}/")), moved(f"https://{AUTODISCOVER}{PATH}")],
        [page(redirect_address(f"me@elsewhere.{DOMAIN}")), page(redirect_address(f"user@{DOMAIN}"))],
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


def test_redirects_without_an_end_are_followed_as_often_as_microsoft_says(internet: Internet) -> None:
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
    internet.site(always(page(account(mapi(InternalUrl=url)))))
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
def test_a_client_takes_what_is_for_its_side_and_never_the_other_sides(
    internet: Internet, protocols: list[str], inside: str | None, outside: str | None
) -> None:
    internet.site(lambda asked: iter([page(account(*protocols)) if asked.path == PATH else page()]))
    for side, host in ((True, inside), (False, outside)):
        if host:
            assert internet.connect(inside=side).host == host
            continue
        with pytest.raises(AnswerError) as caught:
            internet.connect(inside=side)
        name, other = ("internal", outside) if side else ("external", inside)
        assert f"names no {name} URL of MAPI over HTTP and no {name} host name of Outlook Anywhere" in str(caught.value)
        assert (f"{other}" in str(caught.value)) == bool(other), "what the other side has is told"


@pytest.fixture
def raw(namespace: Namespace) -> Iterator[Callable[[Answers], RawSite]]:
    """A site in the place of both servers."""
    with ExitStack() as stack:

        def site(answers: Answers) -> RawSite:
            namespace.addresses(ADDRESS)
            made = RawSite(
                address=ADDRESS, port=namespace.port, certificates=namespace.farm.certificates, answers=answers
            )
            return stack.enter_context(made)

        yield site


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(b"<html>Log on</html>"), "answered 200 with what is not an Autodiscover document: its root is html"),
        (page(account(mapi(InternalUrl=f"https://{OWA}/mapi"))), "names no external URL of MAPI over HTTP"),
    ],
)
def test_a_drill_that_autodiscover_leads_nowhere_ends_with_the_answer_and_asks_once(
    raw: Callable[[Answers], RawSite], here: Callable[..., Result], answer: bytes, words: str
) -> None:
    site = raw(always(answer))
    ended = here("--outside")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert len(site.requests) == 1


def test_a_client_that_dies_before_it_asked_ends_the_drill_with_its_error(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("operations.drill.client.discover", broken)
    ended = here()
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Unexpected ZeroDivisionError: a mistake of ours.")


@pytest.mark.parametrize(
    "place", ["read_server_name", "discover"], ids=["its own thread", "the thread of Autodiscover"]
)
def test_a_client_that_dies_later_ends_whatever_waits_for_it(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    died = threading.Event()

    def broken(*_: object, **__: object) -> str:
        died.set()
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("operations.drill.client.REDISCOVER", 0.3)
    with namespace.clients() as clients:
        assert clients.wait(60, 0.0)
        monkeypatch.setattr(f"operations.drill.client.{place}", broken)
        assert died.wait(60)
        awaited(lambda: any(client.fault for client in clients._clients))
        for waiting in (lambda: clients.wait(60, 1e12), lambda: clients.served(0.0), lambda: clients.observe("", 0.0)):
            with pytest.raises(ClientFaultError, match="ZeroDivisionError in a client: a mistake of ours"):
                waiting()
