"""The tables of a rehearsal: record sets, and settings by service. Names are never cut, also at 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from rich import box
from rich.table import Column, Table

from rehearsal.elsewhere import record_host
from rehearsal.stand_ins.dns import RecordSet

NAMES_WIDTH = 36  # the longest name of a setting has 34 characters

# Server -> service -> setting -> value as text.
SettingTexts = Mapping[str, Mapping[str, Mapping[str, str]]]


def build_record_table(rows: Iterable[RecordSet]) -> Table:
    table = _build_table("record set", "zone", "TTL", "addresses")
    for row in rows:
        view = "private" if row.private else "public"
        table.add_row(record_host(row), view, f"{row.ttl} s", ", ".join(row.values))
    return table


def build_service_table(servers: SettingTexts) -> Table:
    """One row per service and value. The URL that most values begin with is only in the title."""
    common = find_common_url(servers)
    groups, last = _group_settings(servers), ""
    same = all(len(on) == len(servers) for _, _, on in groups)
    heads = ("service", "settings", "value", *(() if same else ("servers",)))
    title = f"Settings{', the same' if same and len(servers) > 1 else ''} on {', '.join(sorted(servers))}"
    table = _build_table(*heads, title=f"{title} (… stands for {common})" if common else title)
    table.columns[1].no_wrap = True
    for (service, value, on), settings in groups.items():
        short = f"…{value.removeprefix(common)}" if common and value.startswith(f"{common}/") else value
        where = "all" if len(on) == len(servers) else ", ".join(on)
        table.add_row("" if service == last else service, _join_names(settings), short, *(() if same else (where,)))
        last = service
    return table


def _group_settings(servers: SettingTexts) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
    """(service, value, servers) -> the settings that have this value on these servers."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for server, services in sorted(servers.items()):
        for service, settings in sorted(services.items()):
            for setting, value in sorted(settings.items()):
                places.setdefault((service, setting, value), []).append(server)
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (service, setting, value), on in sorted(places.items()):
        groups.setdefault((service, value, tuple(on)), []).append(setting)
    return groups


def find_common_url(servers: SettingTexts) -> str:
    """Scheme and host of most URLs among the values; empty where no two values have the same."""
    values = (value for services in servers.values() for settings in services.values() for value in settings.values())
    counts = Counter(f"{url.scheme}://{url.netloc}" for url in map(urlsplit, values) if url.netloc)
    [(common, count)] = counts.most_common(1) or [("", 0)]
    return common if count > 1 else ""


def _join_names(names: list[str]) -> str:
    line = ", ".join(names)
    return line if len(line) <= NAMES_WIDTH else ",\n".join(names)


def _build_table(*heads: str, title: str | None = None) -> Table:
    """The first columns hold names and keep them whole; long values continue in the next line."""
    columns = [Column(head, overflow="fold") for head in heads]
    columns[0].no_wrap = True
    return Table(
        *columns,
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
