"""The review as a page: verdict, dangers, addresses, settings, parts, costs, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from operations.review.dangers import Danger, dangers
from operations.review.labels import DONE, costs, counted, done, is_component, owner, part, why
from operations.review.lists import items
from operations.review.markdown import Section, bare, block, code, codes, fitting, shortened
from operations.review.plan import MACHINE, Addresses, Plan, Records
from operations.review.preview import Preview
from operations.review.redact import hidden
from operations.review.values import AFTER_THE_RUN, plain
from operations.review.warnings import thoughts

LONGEST_ERROR = 4000
# Of a reason that somebody gives, and of a subject.
LONGEST_TEXT = 300
# Of a danger's many subjects; their number is told.
MOST_SUBJECTS = 20
HEADER = ("part", "list", "item", "old", "new")
FOOT = (
    "<sub>Nothing is done yet: this is what the next `pulumi up` would do, as the engine foresees it. *Inside* and "
    "*outside*: what clients in the own network and on the Internet get from DNS. *Known after the run*: it cannot be "
    "told before. Exit codes and names of dangers: docs/review.md.</sub>"
)


def page(preview: Preview, allowed: Mapping[str, str]) -> str:
    """Markdown; `allowed`: name of a danger -> why it is accepted."""
    plan = Plan(preview)
    found = dangers(plan)
    head = [f"## {code(preview.stack or 'stack')}: what this change would do", verdict(preview, found, allowed)]
    if preview.errors:
        # Before it is cut: nobody would know half a secret for one.
        head.append(block(shortened(hidden("\n".join(preview.errors), preview), LONGEST_ERROR)))
    if found:
        head.append(dangers_text(found, allowed))
    sections = [addresses(plan)]
    if preview.errors or any(not is_component(step) for step in preview.changes):
        sections += [settings(plan), parts(plan)]
    sections += [Section(title=title, lead=lead, header=HEADER, rows=rows) for title, lead, rows in items(plan) if rows]
    if priced := costs(plan):
        sections.append(Section(title="What costs money", rows=[[line] for line in priced]))
    if second := thoughts(plan, found):
        sections.append(Section(title="Worth a second thought", rows=[[line] for line in second]))
    return fitting("\n\n".join(head), sections, FOOT)


def refused(found: Sequence[Danger], allowed: Mapping[str, str]) -> list[str]:
    """The names of dangers that nobody accepted, each once."""
    return list(dict.fromkeys(danger.name for danger in found if danger.name not in allowed))


def verdict(preview: Preview, found: Sequence[Danger], allowed: Mapping[str, str]) -> str:
    open_ones = refused(found, allowed)
    if preview.errors:
        said = "❌ **The preview failed**, so a run would fail, too, and what follows is not the whole."
        return said + (f" **Refused: {', '.join(open_ones)}.**" if open_ones else "")
    if open_ones:
        return (
            f"❌ **Refused: {', '.join(open_ones)}.** A run would be unsafe as it is; what to do instead is said below."
        )
    if found:
        return "⚠️ **Accepted**, though it is not safe by itself; the reasons are below."
    if not any(not is_component(step) for step in preview.changes):
        freed = any(step.protected_before != step.protected_after for step in preview.steps)
        return "✅ **Nothing changes**" + (", but for what is protected against deletion." if freed else ".")
    return f"✅ **No danger found.** Of the stack's parts: {counted(preview)}."


def dangers_text(found: Sequence[Danger], allowed: Mapping[str, str]) -> str:
    lines = []
    grouped: dict[tuple[str, str], list[Danger]] = {}
    for danger in found:
        grouped.setdefault((danger.name, danger.reason), []).append(danger)
    for (name, reason), group in grouped.items():
        mark = "⚠️" if name in allowed else "❌"
        named = list(dict.fromkeys(danger.subject for danger in group))
        subjects = codes([shortened(subject, LONGEST_TEXT) for subject in named[:MOST_SUBJECTS]])
        more = f" and {len(named) - MOST_SUBJECTS} more" if len(named) > MOST_SUBJECTS else ""
        if name in allowed:
            end = f"Accepted: {code(shortened(allowed[name], LONGEST_TEXT))}"
        else:
            end = f"*Instead:* {group[0].remedy}"
        lines.append(f"- {mark} **`{name}`**: {subjects}{more}. {reason} {end}")
    return "### Dangers\n\n" + "\n".join(lines)


def addresses(plan: Plan) -> Section:
    return Section(
        title="Addresses that clients get",
        lead="Each name leads to every one of its addresses; ~~struck out~~ is gone, **bold** is new.",
        header=("name", "where", "before", "after", "TTL"),
        rows=[[code(row.name), row.side, *marked(row, plan), ttl(row)] for row in plan.records],
        empty=unchanged(plan),
    )


def marked(row: Records, plan: Plan) -> list[str]:
    before = listed(row.before, plan, (), strike=row.gone)
    after = listed(row.after, plan, row.awaited, bold=row.entering)
    return [before, after + (" (deleted and made anew in between)" if row.replaced else "")]


def listed(
    found: Addresses | None, plan: Plan, awaited: Sequence[str], strike: Sequence[str] = (), bold: Sequence[str] = ()
) -> str:
    if not found:
        return "no such name" if found is None else "**none**"
    waiting = list(awaited)
    shown = []
    for address in found:
        if address == AFTER_THE_RUN:
            shown.append(f"**{AFTER_THE_RUN}**{f' ({bare(waiting.pop(0))})' if waiting else ''}")
            continue
        key = plan.owner.get(address)
        text = code(address) + (f" ({bare(key)})" if key else "")
        shown.append(f"~~{text}~~" if address in strike else f"**{text}**" if address in bold else text)
    return ", ".join(shown)


def ttl(row: Records) -> str:
    old, new = (bare(plain(value)) if value is not None else "" for value in (row.ttl_before, row.ttl_after))
    if not new or not old or old == new:
        return f"{new or old} s"
    return f"{old} s → **{new} s**"


def unchanged(plan: Plan) -> str:
    names = plan.preview.outputs.get("names")
    if not isinstance(names, list) or not names:
        return "No name's addresses change."
    serving = [key for key, server in plan.servers.items() if server.serving]
    return f"As before: {codes(names)}, answered by {codes(serving)}."


def settings(plan: Plan) -> Section:
    servers: dict[tuple[str, str | None, str | None], list[str]] = {}
    for change in plan.changes:
        # Two commands of a server may be told the same.
        who = servers.setdefault((change.setting, change.old, change.new), [])
        who += [] if change.server in who else [change.server]
    return Section(
        title="URLs and settings of servers",
        lead="The same ones on every server that is named; nothing else is written there.",
        header=("servers", "setting", "old", "new"),
        rows=[
            [codes(who), code(setting), said(old, "as it is there"), said(new, "left as it is")]
            for (setting, old, new), who in servers.items()
        ],
        empty="None changes.",
    )


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def said(value: str | None, otherwise: str) -> str:
    return otherwise if value is None else code(value)


def parts(plan: Plan) -> Section:
    """Rows of what happens to the same server, or to no server, for the same reason."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    order = {operation: index for index, operation in enumerate(DONE)}
    steps = [step for step in plan.preview.changes if not is_component(step)]
    for step in sorted(steps, key=lambda step: (order.get(step.operation, -1), owner(step), part(step), step.name)):
        label = part(step) if owner(step) and step.type != MACHINE else f"{part(step)} {code(step.name)}"
        rows.setdefault((done(step), owner(step), why(step, plan)), []).append(label)
    return Section(
        title="Parts",
        lead=f"{capital(counted(plan.preview))}.",
        header=("happens", "server", "parts", "why"),
        rows=[
            [happens, code(key) if key else "", ", ".join(labels), reason]
            for (happens, key, reason), labels in rows.items()
        ],
        empty="None changes.",
    )
