from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.servers import ADDRESS, NAMES, Servers
from tests.scripts.web_site import GateSite, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("scripts")


@pytest.fixture(scope="session")
def pwsh(powershell: Path) -> str:
    """The program that runs the scripts."""
    return str(powershell)


@pytest.fixture
def servers(tmp_path: Path, pwsh: str) -> Iterator[Servers]:
    """An empty organisation for this test; at the end no script may have left a session open in it."""
    servers = Servers(tmp_path, pwsh)
    yield servers
    assert servers.organisation.open_sessions() == []


@pytest.fixture
def site(servers: Servers) -> Iterator[GateSite]:
    """ex1's web site, healthy, with a certificate that ex1 trusts for both names."""
    with serving(servers.folder, address=ADDRESS, names=NAMES) as site:
        servers.authority = site.authority
        yield site
