"""When a setting that a server holds is the one that the stack promised."""

from __future__ import annotations

import pytest

from operations.comparison import same

pytestmark = pytest.mark.unit

OWA = "https://mail.example.com/owa"


@pytest.mark.parametrize(
    ("promised", "held"),
    [
        ("HTTPS://Mail.Example.COM/OWA", OWA),
        ("https://mail.example.com:443/owa", OWA),
        ("https://mail.example.com", "https://mail.example.com/"),
        ("https://mail.example.com:443", "https://mail.example.com/"),
        ("http://mail.example.com:80/owa", "http://mail.example.com/owa"),
        (["Ntlm", "OAuth", "ntlm"], ["OAuth", "Ntlm"]),
        ("Mail.example.com", "mail.example.com"),
        (True, True),
        (None, None),
    ],
)
def test_what_exchange_writes_otherwise_but_means_the_same_is_no_drift(promised: object, held: object) -> None:
    assert same(promised, held)
    assert same(held, promised)


@pytest.mark.parametrize(
    ("promised", "held"),
    [
        (OWA, f"{OWA}/"),
        (OWA, "http://mail.example.com/owa"),
        (OWA, "https://mail.example.com:444/owa"),
        (OWA, "https://mail.example.com:80/owa"),
        (OWA, "https://mail.example.com/"),
        (OWA, "https://mail1.example.com/owa"),
        ("https://mail.example.com/ecp?x=1", "https://mail.example.com/ecp"),
        (OWA, None),
        (["Ntlm", "OAuth"], ["Ntlm"]),
        (["Ntlm"], ["Ntlm", "Basic"]),
        (["Ntlm"], []),
        (["Ntlm"], None),
        ("mail.example.com", "mail.example.com:443"),
        (True, False),
    ],
)
def test_what_clients_would_meet_otherwise_is_drift(promised: object, held: object) -> None:
    assert not same(promised, held)
    assert not same(held, promised)
