"""The review as a page: verdict, dangers, addresses, settings, resources, lists, costs, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from operations.review.dangers import Danger, find_dangers
from operations.review.labels import (
    RESOURCE_OPERATIONS,
    count_operations,
    explain_step,
    label_operation,
    label_type,
    list_costs,
)
from operations.review.list_changes import find_list_changes
from operations.review.markdown import Section, code, code_word, fence_code, join_codes, join_sections, shorten
from operations.review.plan import Plan
from operations.review.preview import AFTER_THE_RUN, Preview, format_value
from operations.review.record_sets import Addresses, RecordSetChange
from operations.review.redact import hide_secrets
from operations.review.resources import MACHINE, is_component, server_key
from operations.review.warnings import find_warnings

LONGEST_ERROR = 4000
# Of a reason to accept a danger, and of a subject.
LONGEST_TEXT = 300
# Of one danger; the number of the others is shown.
MOST_SUBJECTS = 20
LIST_HEADER = ("resource", "list", "item", "old", "new")
FOOT = (
    "<sub>Nothing has changed yet: this is what the next `pulumi up` would do, according to the preview. *Inside* and "
    "*outside*: the DNS that clients in the own network and on the Internet use. "
    "*Known after the run*: the engine or Azure decides it during the run. Exit codes and names of dangers: "
    "docs/review.md.</sub>"
)


def build_page(preview: Preview, allowed: Mapping[str, str]) -> str:
    """Markdown; `allowed`: name of a danger -> the reason to accept it."""
    plan = Plan(preview)
    found = find_dangers(plan)
    head = [f"## {code(preview.stack or 'stack')}: what this change would do", build_verdict(preview, found, allowed)]
    if preview.errors:
        # Hide secrets before the text is cut: a part of a secret would stay.
        head.append(fence_code(shorten(hide_secrets("\n".join(preview.errors), preview), LONGEST_ERROR)))
    if found:
        head.append(list_dangers(found, allowed))
    sections = [build_addresses(plan)]
    if preview.errors or any(not is_component(step) for step in preview.changes):
        sections += [build_settings(plan), build_resources(plan)]
    lead = "Only differences are listed."
    sections += [
        Section(title=title, lead=lead, header=LIST_HEADER, rows=rows)
        for title, rows in find_list_changes(plan)
        if rows
    ]
    if costs := list_costs(plan):
        sections.append(Section(title="Costs", rows=[[line] for line in costs]))
    if warnings := find_warnings(plan, found):
        sections.append(Section(title="Warnings", rows=[[line] for line in warnings]))
    return join_sections("\n\n".join(head), sections, FOOT)


def list_refused(found: Sequence[Danger], allowed: Mapping[str, str]) -> list[str]:
    """The names of dangers that are not accepted, each once."""
    return list(dict.fromkeys(danger.name for danger in found if danger.name not in allowed))


def build_verdict(preview: Preview, found: Sequence[Danger], allowed: Mapping[str, str]) -> str:
    refused = ", ".join(list_refused(found, allowed))
    if preview.errors:
        text = "❌ **The preview failed.** A run would fail, too, and this review is incomplete."
        return text + (f" **Refused: {refused}.**" if refused else "")
    if refused:
        return f"❌ **Refused: {refused}.** This change is unsafe; each danger below has a remedy."
    if found:
        return "⚠️ **Accepted.** This change has dangers; the reasons to accept them are below."
    if not any(not is_component(step) for step in preview.changes):
        freed = any(step.protected_before != step.protected_after for step in preview.steps)
        return "✅ **Nothing changes**" + (", except protection against deletion." if freed else ".")
    return f"✅ **No danger found.** Resources: {count_operations(preview)}."


def list_dangers(found: Sequence[Danger], allowed: Mapping[str, str]) -> str:
    lines = []
    grouped: dict[tuple[str, str], list[Danger]] = {}
    for danger in found:
        grouped.setdefault((danger.name, danger.reason), []).append(danger)
    for (name, reason), group in grouped.items():
        mark = "⚠️" if name in allowed else "❌"
        named = list(dict.fromkeys(danger.subject for danger in group))
        subjects = join_codes([shorten(subject, LONGEST_TEXT) for subject in named[:MOST_SUBJECTS]])
        more = f" and {len(named) - MOST_SUBJECTS} more" if len(named) > MOST_SUBJECTS else ""
        if name in allowed:
            end = f"*Accepted:* {code(shorten(allowed[name], LONGEST_TEXT))}"
        else:
            end = f"*Remedy:* {group[0].remedy}"
        lines.append(f"- {mark} **`{name}`**: {subjects}{more}. {reason} {end}")
    return "### Dangers\n\n" + "\n".join(lines)


def build_addresses(plan: Plan) -> Section:
    return Section(
        title="Addresses that clients get",
        lead="Each name leads to all of its addresses. ~~Struck out~~: removed; **bold**: new.",
        header=("name", "where", "before", "after", "TTL"),
        rows=[[code(row.name), row.side, *mark_addresses(row, plan), format_ttl(row)] for row in plan.record_sets],
        empty=describe_unchanged(plan),
    )


def mark_addresses(row: RecordSetChange, plan: Plan) -> list[str]:
    before = list_addresses(row.before, plan, (), strike=row.leaving)
    after = list_addresses(row.after, plan, row.awaited, bold=row.entering)
    return [before, after + (" (deleted and created again in between)" if row.replaced else "")]


def list_addresses(
    found: Addresses | None, plan: Plan, awaited: Sequence[str], strike: Sequence[str] = (), bold: Sequence[str] = ()
) -> str:
    if not found:
        return "no record set" if found is None else "**none**"
    waiting = list(awaited)
    texts = []
    for address in found:
        if address == AFTER_THE_RUN:
            texts.append(f"**{AFTER_THE_RUN}**{f' ({code_word(waiting.pop(0))})' if waiting else ''}")
            continue
        key = plan.owners.get(address)
        text = code(address) + (f" ({code_word(key)})" if key else "")
        texts.append(f"~~{text}~~" if address in strike else f"**{text}**" if address in bold else text)
    return ", ".join(texts)


def format_ttl(row: RecordSetChange) -> str:
    old, new = (
        code_word(format_value(value)) if value is not None else "" for value in (row.ttl_before, row.ttl_after)
    )
    if not new or not old or old == new:
        return f"{new or old} s"
    return f"{old} s → **{new} s**"


def describe_unchanged(plan: Plan) -> str:
    names = plan.preview.outputs.get("names")
    if not isinstance(names, list) or not names:
        return "No addresses change."
    serving = [key for key, server in plan.servers.items() if server.serving]
    return f"Unchanged: {join_codes(names)}, served by {join_codes(serving)}."


def build_settings(plan: Plan) -> Section:
    servers: dict[tuple[str, str | None, str | None], list[str]] = {}
    for change in plan.setting_changes:
        # Two commands of a server may have the same setting.
        keys = servers.setdefault((change.setting, change.old, change.new), [])
        keys += [] if change.server in keys else [change.server]
    return Section(
        title="URLs and settings of servers",
        lead="Each row is written on every server in its first column; nothing else is written.",
        header=("servers", "setting", "old", "new"),
        rows=[
            [join_codes(keys), code(setting), code_or(old, "not set by this stack"), code_or(new, "kept")]
            for (setting, old, new), keys in servers.items()
        ],
        empty="No settings change.",
    )


def code_or(value: str | None, otherwise: str) -> str:
    return otherwise if value is None else code(value)


def build_resources(plan: Plan) -> Section:
    """A row for all resources of one server, or of none, to which the same happens for the same reason."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    order = {operation: index for index, operation in enumerate(RESOURCE_OPERATIONS)}
    steps = [step for step in plan.preview.changes if not is_component(step)]
    for step in sorted(
        steps, key=lambda step: (order.get(step.operation, -1), server_key(step), label_type(step), step.name)
    ):
        key, label = server_key(step), label_type(step)
        named = label if key and step.type != MACHINE else f"{label} {code(step.name)}"
        rows.setdefault((label_operation(step), key, explain_step(step, plan)), []).append(named)
    counts = count_operations(plan.preview)
    return Section(
        title="Resources",
        lead=f"{counts[:1].upper()}{counts[1:]}.",
        header=("change", "server", "resources", "why"),
        rows=[
            [operation, code(key) if key else "", ", ".join(labels), reason]
            for (operation, key, reason), labels in rows.items()
        ],
        empty="No resources change.",
    )
