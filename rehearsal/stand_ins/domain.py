"""The Active Directory domain that machines join, as JsonADDomainExtension and Windows' NetJoinDomain do it.

A failure is written as a code to NetSetup.log of the machine; Azure shows one sentence for all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.exchange.state_files import read_state_file, write_state_file

# winerror.h and lmerr.h; the last is Microsoft's KB5020276.
OU_NOT_FOUND, WRONG_PASSWORD, NO_SUCH_DOMAIN, OTHER_DOMAIN, ACCOUNT_OF_ANOTHER = 2, 1326, 1355, 2691, 2732
LOG = "C/Windows/debug/NetSetup.log"


@dataclass(frozen=True, kw_only=True)
class JoinRequest:
    """The settings of the extension."""

    name: str
    account: str
    password: str
    ou_path: str | None


class DomainStandIn:
    """`controllers`: addresses of its name servers. `units`: the organisational units that exist.

    `file` keeps the computer accounts and who created each: they outlive their machines.
    """

    def __init__(self, file: Path, *, name: str, controllers: Iterable[str], units: Iterable[str]) -> None:
        self.name = name
        self.accounts = Accounts()
        self._file, self._controllers = file, frozenset(controllers)
        self._units = {unit.lower() for unit in units}
        self._joining = threading.Lock()

    @property
    def computers(self) -> dict[str, str]:
        """Computer name -> the account that created its computer account."""
        return read_state_file(self._file) if self._file.exists() else {}

    def join(self, root: Path, computer_name: str, request: JoinRequest) -> bool:
        """Whether the machine, whose Windows is in `root`, is in the domain now."""
        with self._joining:  # several machines may join at the same time
            return self._join(root, computer_name, request)

    def _join(self, root: Path, computer_name: str, request: JoinRequest) -> bool:
        present = windows_state.read_state(root).get("domain")
        if present == request.name:
            return True
        code = OTHER_DOMAIN if present else self._find_failure(root, computer_name, request)
        log = root / LOG
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"NetpDoDomainJoin: status: 0x{code:x}\n")
        if code:
            return False
        write_state_file(self._file, {**self.computers, computer_name.upper(): request.account.lower()})
        windows_state.change_state(root, domain=self.name)
        return True

    def _find_failure(self, root: Path, computer_name: str, request: JoinRequest) -> int:
        """The code of the first check that fails; 0 if none does."""
        name_servers = windows_state.read_state(root).get("dnsServers", [])
        if request.name != self.name or not self._controllers & set(name_servers):
            return NO_SUCH_DOMAIN
        if not self.accounts.knows_password(request.account, request.password):
            return WRONG_PASSWORD
        if request.ou_path and request.ou_path.lower() not in self._units:
            return OU_NOT_FOUND
        creator = self.computers.get(computer_name.upper(), request.account.lower())
        return 0 if creator == request.account.lower() else ACCOUNT_OF_ANOTHER
