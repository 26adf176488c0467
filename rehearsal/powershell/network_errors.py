"""Explains for people why a download failed: which host, and what it did. Standard library only."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

SILENCE_SECONDS = 4.0  # a connection that sends no byte for so long is given up


def explain_failure(error: Exception, url: str) -> str:
    """Half a sentence. Names only host and port of a proxy, because its address may hold a password."""
    host, proxy = str(urlsplit(url).hostname), find_proxy(url)
    peer = f"the proxy {proxy}" if proxy else host
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(error, HTTPError):
        is_from_proxy = error.code == http.client.PROXY_AUTHENTICATION_REQUIRED
        server = f"{host}, asked through {peer}," if proxy and not is_from_proxy else peer
        return f"{server} answered {error.code} {http.client.responses.get(error.code, '')}".rstrip()
    if isinstance(reason, socket.gaierror):
        return f"the name of {peer} cannot be resolved"
    if isinstance(reason, TimeoutError):
        return f"{peer} sent nothing for {SILENCE_SECONDS:g} s"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not one that Python trusts ({reason.verify_message})"
    if refused := re.search(r"Tunnel connection failed: (.*)", str(reason)):
        return f"{peer} refused to connect to {host} ({refused[1].strip()})"
    if isinstance(reason, OSError):
        return f"{peer} cannot be reached ({reason.strerror or reason})"
    if isinstance(reason, str):
        return f"{peer} cannot be used ({reason})"
    return f"{peer} gave no usable answer ({type(reason).__name__})"


def find_proxy(url: str) -> str | None:
    """host:port of the proxy that the environment sets for this URL, or None."""
    parts = urlsplit(url)
    address = urllib.request.getproxies().get(parts.scheme)
    if not address or urllib.request.proxy_bypass(parts.netloc):
        return None
    return address.rpartition("@")[2].rpartition("://")[2].partition("/")[0]
