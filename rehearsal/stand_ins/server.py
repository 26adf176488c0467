"""The stand-in of one server: its Windows, SSH and web site, on its own loopback addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from anyio.from_thread import BlockingPortal

from rehearsal.stand_ins import autodiscover, sshd, windows_state
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.https import HttpsListener, WebSite
from rehearsal.stand_ins.script_results import CommandResult
from rehearsal.stand_ins.ssh import SshListener
from rehearsal.stand_ins.tls import Certificates
from rehearsal.stand_ins.windows import Windows
from rehearsal.stand_ins.windows_paths import Drive
from rehearsal.stand_ins.windows_restart import end_tasks, restart_windows, wants_restart


class ServerStandIn:
    """One server; all servers of a run share the event loop behind `portal` (anyio's `start_blocking_portal`).

    `root` holds drive C: and the state of Windows, and outlives the process. `addresses` are 127.x addresses that
    no other server has. `ssh_port` None: SSH is off until a script enables it. `names` returns the DNS names it can
    resolve. Methods block until they are done; call them from any thread except the loop's.
    """

    def __init__(
        self,
        computer_name: str,
        *,
        portal: BlockingPortal,
        root: Path,
        addresses: Iterable[str],
        organisation: Organisation,
        accounts: Accounts,
        certificates: Certificates,
        https_port: int,
        ssh_port: int | None = None,
        pwsh: str | None = None,
        names: Callable[[], Iterable[str]] = tuple,
        domain: str = "corp.example",
        mapi_http: bool = True,
    ) -> None:
        self.computer_name = computer_name
        self.fqdn = f"{computer_name.upper()}.{domain}"
        self._portal = portal
        self._https_port = https_port
        self._root = root
        self._on = False
        self._restarting: asyncio.Task[None] | None = None
        self.drive = Drive(root)
        if ssh_port is not None:
            sshd.enable_ssh(root, ssh_port)
        self.addresses = tuple(addresses)
        authority = root / "authority.pem"
        authority.write_text(certificates.authority_pem, encoding="ascii")
        self._windows = Windows(
            computer_name=computer_name,
            drive=self.drive,
            organisation=organisation,
            pwsh=pwsh,
            names=names,
            authority=authority,
            web_site_restarted=self._web_site_restarted,
        )
        self.ssh = SshListener(
            addresses=self.addresses,
            host_key=sshd.host_key_file(root),
            accounts=accounts,
            windows=self._windows,
            disconnected=self._disconnected,
        )
        site = WebSite(
            fqdn=self.fqdn,
            accounts=accounts,
            certificates=certificates,
            settings=lambda: _settings(organisation, computer_name),
            is_active=lambda service: organisation.is_active(computer_name, service),
            count_recycles=lambda: windows_state.count_recycles(root, autodiscover.POOL),
            mapi_http=mapi_http,
        )
        self.https = HttpsListener(addresses=self.addresses, site=site)

    @property
    def host_key(self) -> str:
        """The line that a connection pins: `ssh-ed25519 AAAA…`, without a comment."""
        return sshd.read_host_key(self._root)

    def start(self) -> None:
        """Power on: start the web site, and SSH if it is enabled. Resets connections that a silent server held open."""
        self._on = True
        self.start_https()
        self._start_ssh()

    def stop(self) -> None:
        """Shut down in order: close connections; all ports then refuse. `start` brings the server back."""
        self._on = False
        self._portal.call(self._await_restart)
        self._portal.call(self._close)
        end_tasks(self._root)

    def silence(self) -> None:
        """Lose the host: no port and no open connection answers until `start`."""
        self._on = False
        self._portal.call(self.https.silence)
        self._portal.call(self.ssh.silence)

    def start_https(self) -> None:
        self._portal.call(self.https.start, self._https_port)

    def stop_https(self) -> None:
        """Stop IIS in order: close connections; the firewall's stealth mode decides whether the port refuses."""
        self._portal.call(self._stop_https)

    def reset_https(self) -> None:
        """Send an RST on each open connection; the port then refuses connections."""
        self._portal.call(self.https.reset)

    def run_script(self, script: str, parameters: Mapping[str, str]) -> CommandResult:
        """Run a PowerShell text as SYSTEM; if it enabled SSH, start SSH."""
        result = self._portal.call(self._windows.run_script, script, parameters)
        self._start_ssh()
        return result

    def _start_ssh(self) -> None:
        self._portal.call(self._open_ssh)

    async def _open_ssh(self) -> None:
        port = sshd.find_ssh_port(self._root)
        if port is not None:
            await self.ssh.start(port)

    async def _close(self) -> None:
        await self.https.stop()
        await self.ssh.stop()

    def _disconnected(self) -> None:
        """A script that asks for a restart has answered when its connection ends."""
        if self._on and wants_restart(self._root) and (self._restarting is None or self._restarting.done()):
            self._restarting = asyncio.get_running_loop().create_task(self._restart())

    async def _restart(self) -> None:
        await self._close()
        restart_windows(self._root)
        await self.https.start(self._https_port)
        await self._open_ssh()

    async def _await_restart(self) -> None:
        if self._restarting is not None:
            await asyncio.wait({self._restarting})

    async def _stop_https(self) -> None:
        await self.https.stop(silent=not windows_state.rejects_closed_ports(self._root))

    async def _web_site_restarted(self) -> None:
        await self.https.restart(silent=not windows_state.rejects_closed_ports(self._root))


def _settings(organisation: Organisation, computer_name: str) -> Settings | None:
    try:
        return organisation.settings(computer_name)
    except KeyError:
        return None
