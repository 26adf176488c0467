"""The failover picture: losses one below the other on a time axis, as one SVG for a page 880 px wide, light or dark.

One row per client, coloured by the server that answered, hatched while the client waited. Marks show what happened to
the servers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, zip_longest

from operations.drill.figures import ClientRecord, Mark, Observation, find_waits, longest_wait
from operations.drill.timeline import BEFORE_SECONDS, assign_colours, axis_seconds, find_stretches

WIDTH, LEFT, RIGHT, EDGE = 880, 92, 20, 12
TOP, FOOT = 64, 30  # the title with its key, the caption
HEAD, ROWS, AXIS = 90, 176, 36  # of a panel: heading, sentence and marks; all clients; seconds
LINE = 126  # characters of a sentence in one line
LETTER = 0.6  # width of a letter by its size, rather more than less
STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2328; }
.title { font-size: 19px; font-weight: 600; } .head { font-size: 15px; font-weight: 600; }
.small { font-size: 12px; } .quiet { fill: #59636e; } .ground { fill: #ffffff; }
.axis, .mark { stroke: #1f2328; } .promise { stroke: #cf222e; stroke-dasharray: 5 4; } .over { fill: #cf222e; }
.span { fill: #8c959f; } .failed { stroke: #cf222e; stroke-width: 1.5; }
.wait { fill: url(#hatch); } .hatch { stroke: #cf222e; stroke-width: 2; }
.worst { font-weight: 600; paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .ground { fill: #0d1117; } .axis, .mark { stroke: #f0f6fc; }
  .promise, .failed, .hatch { stroke: #ff7b72; } .over { fill: #ff7b72; } .worst { stroke: #0d1117; }
}
"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One loss of the picture; `sentence` says what it cost. Figures are those of the observation."""

    title: str
    sentence: str
    observation: Observation


def draw_failover(panels: Sequence[Panel], title: str, caption: str, budget: float) -> str:
    """The whole SVG file; `budget` is the promise in seconds. The height does not depend on the number of clients."""
    height = TOP + len(panels) * (HEAD + ROWS + AXIS) + FOOT
    colours = assign_colours([panel.observation for panel in panels])
    sentences = " ".join(f"{panel.title}: {panel.sentence}" for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(f"{sentences} {caption}")}</desc>',
        f"<style>{STYLE}</style>",
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0v6" class="hatch"/></pattern></defs>',
        f'<rect width="{WIDTH}" height="{height}" rx="8" class="ground"/>',
        _text(EDGE, 28, title, "title"),
        *_draw_key(colours),
    ]
    for place, panel in enumerate(panels):
        parts += _draw_panel(panel, colours, TOP + place * (HEAD + ROWS + AXIS), budget)
    return "\n".join([*parts, _text(EDGE, height - 14, caption, "small quiet"), "</svg>\n"])


def _draw_key(colours: Mapping[str, str]) -> Iterator[str]:
    x = float(EDGE)
    keys = [*((f"answers from {server}", f'fill="{colour}"') for server, colour in colours.items())]
    for label, paint in (*keys, ("waiting for an answer", 'class="wait"')):
        yield f'<rect x="{x:.1f}" y="41" width="12" height="12" {paint}/>'
        yield _text(x + 18, 52, label)
        x += 18 + _width(label) + 18
    yield _text(x, 52, "one row per client")


def _draw_panel(panel: Panel, colours: Mapping[str, str], top: int, budget: float) -> Iterator[str]:
    seen = panel.observation
    start, end = _first_second(seen), max(seen.until - seen.since, 1.0)
    first, last = top + HEAD, top + HEAD + ROWS

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(seconds, start), end) - start) / (end - start)

    yield _text(EDGE, top + 20, panel.title, "head")
    for place, line in enumerate(textwrap.wrap(panel.sentence, LINE)[:2]):
        yield _text(EDGE, top + 40 + 17 * place, line)
    yield from _draw_spans(seen, x, first)
    yield from _draw_clients(seen, colours, x, first)
    yield f'<path d="M{LEFT} {last + 2}H{WIDTH - RIGHT}" class="axis"/>'
    for second in axis_seconds(end):
        yield f'<path d="M{x(second):.1f} {last + 2}v4" class="axis"/>'
        yield _text(x(second), last + 19, f"{second} s", "small quiet", anchor="middle")
    for mark in marks_of(seen):
        at = x(mark.at - seen.since)
        yield f'<path d="M{at:.1f} {first - 8}V{last + 2}" stroke-width="2" class="mark"/>'
        yield _label(at, first - 12, mark.text, "small")
    # A promise beside waits that are far shorter would only confuse.
    if (wait := longest_wait(seen)) and budget / 2 < wait.seconds and max(wait.start, 0) + budget < end:
        promised = x(max(wait.start, 0) + budget)
        yield f'<path d="M{promised:.1f} {first - 8}V{last + 2}" stroke-width="2" class="promise"/>'
        yield _label(promised, first - 12, f"promise: {budget:g} s", "small over")


def _first_second(seen: Observation) -> float:
    """When the last client got its first answer, in seconds from the loss: half a second to three before it."""
    firsts = [beats[0].at - seen.since for beats in (client.beats for client in seen.clients) if beats]
    return max(-BEFORE_SECONDS, min(max(firsts, default=0.0), -0.5))


def marks_of(seen: Observation) -> tuple[Mark, ...]:
    return seen.marks or (Mark(text="the loss", at=seen.since),)


def _draw_spans(seen: Observation, x: Callable[[float], float], top: float) -> Iterator[str]:
    for mark in marks_of(seen):
        if mark.until is not None:
            left, right = x(mark.at - seen.since), x(mark.until - seen.since)
            yield f'<rect x="{left:.1f}" y="{top - 8}" width="{right - left:.1f}" height="5" class="span"/>'


def _draw_clients(
    seen: Observation, colours: Mapping[str, str], x: Callable[[float], float], top: float
) -> Iterator[str]:
    """The clients by the server that they used before, so that what happens to a server's clients stands together."""
    order = sorted(range(len(seen.clients)), key=lambda place: (seen.recoveries[place].before, place))
    row, longest, label = ROWS / max(len(order), 1), longest_wait(seen), ""
    for place, number in enumerate(order):
        client, y = seen.clients[number], top + row * place
        yield f'<g class="client"><title>client {number + 1}</title>'
        for server, first, last in _join_stretches(client, seen):
            if last >= -BEFORE_SECONDS:
                yield _bar(x(first), x(last), y, row, f'fill="{colours[server]}"')
        for wait in find_waits(client, seen):
            yield _bar(x(wait.start), x(wait.end), y, row, 'class="wait"')
            if wait == longest and not label:
                middle = max(top + 8, min(y + row / 2, top + ROWS - 8)) + 5
                text = f"longest wait {wait.seconds:.1f} s"
                label = _label(x((wait.start + wait.end) / 2), middle, text, "worst", middle=True)
        for at in (beat.at - seen.since for beat in client.beats if not beat.server and beat.at > seen.since):
            yield f'<path d="M{x(at) - 3:.1f} {y + row / 2 - 3:.1f}l6 6m0 -6l-6 6" class="failed"/>'
        yield "</g>"
    for server, group in groupby(enumerate(order), key=lambda row: seen.recoveries[row[1]].before):
        places = [place for place, _ in group]
        yield from _draw_group(server, len(places), top + row * (places[0] + len(places) / 2), row * len(places))
    yield label  # above all rows


def _draw_group(server: str, clients: int, middle: float, height: float) -> Iterator[str]:
    """At the left edge, where there is room for two lines."""
    if height >= 30:
        yield _text(EDGE, middle - 2, server or "no server", "small")
        yield _text(EDGE, middle + 13, f"{clients} client{'s' if clients > 1 else ''}", "small quiet")


def _join_stretches(client: ClientRecord, seen: Observation) -> Iterator[tuple[str, float, float]]:
    """As `find_stretches`, in seconds from the loss; a stretch that no wait follows lasts until the next one."""
    rows = list(find_stretches(client.beats, 2 * seen.beat))
    for (server, first, last), after in zip_longest(rows, rows[1:]):
        end = after[1] if after and after[1] - last <= 2 * seen.beat else last
        yield server, first - seen.since, end - seen.since


def _bar(left: float, right: float, y: float, row: float, paint: str) -> str:
    width, height = max(right - left, 1.5), max(row - 1.5, row / 2)
    return f'<rect x="{left:.1f}" y="{y:.2f}" width="{width:.1f}" height="{height:.2f}" {paint}/>'


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _label(x: float, y: float, text: str, kind: str, *, middle: bool = False) -> str:
    """A text at `x`, moved as far as the picture's edges demand."""
    left = x - _width(text) / 2 if middle else x - 2
    return _text(max(EDGE, min(left, WIDTH - EDGE - _width(text))), y, text, kind)


def _width(text: str) -> float:
    return LETTER * 13 * len(text)
