"""Active Directory of the stand-in: objects with one copy on each domain controller, in the organisation's folder.

ActiveDirectory.ps1 reads and writes the same file.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.exchange.state_files import lock_state, read_state_file, write_state_file

SITE = "Default-First-Site-Name"
SCP_CLASS = "serviceConnectionPoint"
GROUP_IDS = {"Domain Admins": 512, "Schema Admins": 518, "Enterprise Admins": 519, "Organization Management": 1118}

Values = dict[str, Any]


class Directory:
    """One forest of one domain. Several processes can use it at the same time."""

    def __init__(self, organisation: Path) -> None:
        """`organisation`: the folder of an `Organisation`. Its domain controllers get the first site."""
        self._folder = organisation
        self._file = organisation / "directory.json"
        with lock_state(organisation / "locks", "directory"):
            if not self._file.exists():
                write_state_file(self._file, self._create())

    def _create(self) -> Values:
        kept = read_state_file(self._folder / "organisation.json")
        names: list[str] = kept["domainControllers"]
        domain = names[0].split(".", 1)[1]
        controller = {"site": SITE, "domain": domain, "online": True, "readOnly": False, "globalCatalog": True}
        root = join_names(f"DC={part}" for part in domain.split("."))
        objects = {
            root: {"objectClass": "domainDNS"},
            f"CN=Configuration,{root}": {"objectClass": "configuration"},
            f"CN=Services,CN=Configuration,{root}": {"objectClass": "container"},
            f"CN=Schema,CN=Configuration,{root}": {"objectClass": "dMD"},
        }
        return {
            "domain": domain,
            "root": root,
            "schemaMaster": names[0],
            "replicationSeconds": kept["replicationSeconds"],
            "controllers": {name: dict(controller) for name in names},
            "sites": {},
            "groups": {},
            "copies": {name: copy.deepcopy(objects) for name in names},
            "pending": [],
        }

    @property
    def domain(self) -> str:
        return str(self.read()["domain"])

    @property
    def root(self) -> str:
        return str(self.read()["root"])

    @property
    def schema_version_dn(self) -> str:
        return f"CN=ms-Exch-Schema-Version-Pt,CN=Schema,CN=Configuration,{self.root}"

    @property
    def system_objects_dn(self) -> str:
        return f"CN=Microsoft Exchange System Objects,{self.root}"

    def read(self) -> Values:
        """The state, with all changes that are due."""
        return _replicate(read_state_file(self._file))

    def objects(self, controller: str) -> dict[str, Values]:
        """Distinguished name -> attributes on this domain controller."""
        objects: dict[str, Values] = self.read()["copies"][controller]
        return objects

    def find(self, controller: str, object_class: str) -> list[str]:
        """Distinguished names of the objects of this class."""
        return [dn for dn, values in self.objects(controller).items() if values["objectClass"] == object_class]

    def organisation_dn(self, controller: str) -> str | None:
        return next(iter(self.find(controller, "msExchOrganizationContainer")), None)

    def server_dn(self, controller: str, name: str) -> str | None:
        wanted = f"CN={name},CN=Servers,".lower()
        servers = self.find(controller, "msExchExchangeServer")
        return next((dn for dn in servers if dn.lower().startswith(wanted)), None)

    def scp_dn(self, controller: str, name: str) -> str | None:
        """The Autodiscover service connection point of a server."""
        return next(
            (dn for dn in self.find(controller, SCP_CLASS) if dn.lower().startswith(f"cn={name},".lower())), None
        )

    def set_group_members(self, account: str, *groups: str) -> None:
        """The groups of GROUP_IDS that an account, DOMAIN\\name, is a member of."""
        assert set(groups) <= set(GROUP_IDS), groups
        with self.changed() as state:
            state["groups"][account.lower()] = list(groups)

    def group_members(self, account: str) -> Sequence[str]:
        groups: list[str] = self.read()["groups"].get(account.lower(), [])
        return groups

    def set_site(self, computer: str, site: str | None) -> None:
        """The site of a domain controller (FQDN) or server (computer name); None: its subnet belongs to no site."""
        with self.changed() as state:
            if computer in state["controllers"]:
                state["controllers"][computer]["site"] = site
            else:
                state["sites"][computer.upper()] = site

    def site(self, computer: str) -> str | None:
        site: str | None = self.read()["sites"].get(computer.upper(), SITE)
        return site

    def write(self, controller: str, dn: str, values: Mapping[str, Any]) -> None:
        """Changes or creates an object on one domain controller; the others get it when replication is due."""
        with self.changed() as state:
            state["copies"][controller].setdefault(dn, {}).update(values)
            due = time.time() + state["replicationSeconds"]
            for other in state["controllers"]:
                if other != controller:
                    state["pending"].append({"due": due, "to": other, "dn": dn, "values": dict(values)})

    def prepare(self, *, schema: int, domain: int, organisation: int, name: str) -> None:
        """Makes the directory as it is long after a preparation, on every domain controller."""
        for controller in self.read()["controllers"]:
            self.extend_schema(controller, schema)
            self.prepare_organisation(controller, domain, organisation, name)
        self.replicate()

    def set_replication(self, seconds: float) -> None:
        """How far the other domain controllers lag behind from now on."""
        with self.changed() as state:
            state["replicationSeconds"] = seconds

    def replicate(self) -> None:
        """As `repadmin /syncall`: all changes reach all domain controllers now."""
        with self.changed() as state:
            for change in state["pending"]:
                change["due"] = 0

    def set_online(self, controller: str, online: bool) -> None:
        with self.changed() as state:
            state["controllers"][controller]["online"] = online

    def extend_schema(self, controller: str, version: int) -> None:
        self.write(controller, self.schema_version_dn, {"objectClass": "attributeSchema", "rangeUpper": version})

    def prepare_organisation(self, controller: str, domain: int, version: int, name: str) -> None:
        exchange = f"CN=Microsoft Exchange,CN=Services,CN=Configuration,{self.root}"
        container = {"objectClass": "msExchOrganizationContainer", "objectVersion": version}
        self.write(controller, exchange, {"objectClass": "msExchConfigurationContainer"})
        self.write(controller, self.organisation_dn(controller) or f"CN={name},{exchange}", container)
        system = {"objectClass": "msExchSystemObjectsContainer", "objectVersion": domain}
        self.write(controller, self.system_objects_dn, system)

    def add_server_object(self, controller: str, name: str, display_version: str) -> str:
        """The object of a server, as setup or an old machine leaves it. Returns its distinguished name."""
        groups = "CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups"
        dn = f"CN={name},{groups},{self.organisation_dn(controller)}"
        self.write(controller, dn, {"objectClass": "msExchExchangeServer", "serialNumber": [display_version]})
        return dn

    def add_scp(self, controller: str, name: str, site: str) -> str:
        """The service connection point with which setup names the server itself."""
        dn = f"CN={name},CN=Autodiscover,CN=Protocols,{self.server_dn(controller, name)}"
        uri = f"https://{name.lower()}.{self.domain}/Autodiscover/Autodiscover.xml"
        keywords = ["77378F46-2C66-4aa9-A6A6-3E7A48B19596", f"Site={site}"]
        values = {
            "objectClass": SCP_CLASS,
            "serviceClassName": "ms-Exchange-AutoDiscover-Service",
            "serviceBindingInformation": [uri],
            "keywords": keywords,
        }
        self.write(controller, dn, values)
        return dn

    @contextmanager
    def changed(self) -> Iterator[Values]:
        with lock_state(self._folder / "locks", "directory"):
            state = self.read()
            yield state
            write_state_file(self._file, state)


def join_names(parts: Iterator[str]) -> str:
    return ",".join(parts)


def _replicate(state: Values) -> Values:
    now = time.time()
    waiting = []
    for change in state["pending"]:
        if change["due"] > now:
            waiting.append(change)
        else:
            state["copies"][change["to"]].setdefault(change["dn"], {}).update(change["values"])
    state["pending"] = waiting
    return state
