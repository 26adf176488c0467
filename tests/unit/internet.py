"""A web site that answers Autodiscover with any bytes, clients for it, and documents of Autodiscover."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from xml.sax.saxutils import escape

import pytest

from operations.drill.outlook import (
    Connection,
    OutlookClient,
    Timers,
)
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.tls import Certificates
from tests.unit.raw_site import Answers, RawSite, http_answer
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, PASSWORD, USER
from tests.unit.test_dns_stand_in import Row
from tests.unit.test_drill_command import here as here

ADDRESS = "127.40.0.21"


OTHER, ELSEWHERE = f"other.{DOMAIN}", f"autodiscover.elsewhere.{DOMAIN}"


LABELS = ("autodiscover", "owa", "other", "autodiscover.elsewhere")


TIMER = 0.4  # seconds that a client waits for an answer


OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"


PLAIN = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"


def document(response: str, schema: str = OUTLOOK) -> bytes:
    inner = f'<Response xmlns="{schema}">{response}</Response>'
    return f'<?xml version="1.0"?><Autodiscover xmlns="{PLAIN}">{inner}</Autodiscover>'.encode()


def account(*protocols: str, action: str = "settings") -> bytes:
    return document(f"<Account><AccountType>email</AccountType><Action>{action}</Action>{''.join(protocols)}</Account>")


def mapi(**urls: str) -> str:
    """MAPI over HTTP for each side: InternalUrl, ExternalUrl."""
    elements = "".join(f"<{name}>{escape(url)}</{name}>" for name, url in urls.items())
    return f'<Protocol Type="mapiHttp" Version="1"><MailStore>{elements}</MailStore></Protocol>'


def over_http(kind: str, server: str) -> str:
    return f"<Protocol><Type>{kind}</Type><Server>{server}</Server></Protocol>"


def redirect_url(url: str) -> bytes:
    return account(f"<RedirectUrl>{escape(url)}</RedirectUrl>", action="redirectUrl")


def redirect_address(address: str) -> bytes:
    return account(f"<RedirectAddr>{escape(address)}</RedirectAddr>", action="redirectAddr")


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
    return http_answer(b"", status, f"Location: {location}")
