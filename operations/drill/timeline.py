"""The timeline of one loss, as SVG: one row per client, coloured by the server that answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby, pairwise

from operations.drill.beats import Beat
from operations.drill.figures import ClientRecord, Observation

# Okabe and Ito's palette: colour-blind people can distinguish it.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#999999")
FAILED = "#d00000"
WIDTH, ROW, LEFT, TOP, AXIS = 960, 14, 40, 24, 24
BEFORE_SECONDS = 3.0  # shown before the loss


def assign_colours(observations: Sequence[Observation]) -> dict[str, str]:
    """Server name -> colour, the same in all pictures."""
    servers = sorted({beat.server for row in observations for client in row.clients for beat in client.beats} - {""})
    return {server: COLOURS[place % len(COLOURS)] for place, server in enumerate(servers)}


def draw_timeline(observation: Observation, colours: Mapping[str, str]) -> str:
    """A self-contained `<svg>` element."""
    start, end = -BEFORE_SECONDS, max(observation.until - observation.since, 1.0)
    height = TOP + ROW * len(observation.clients) + AXIS

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (min(max(seconds, start), end) - start) / (end - start)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-size="11">',
        f"<title>{escape(observation.title)}</title>",
    ]
    for place, client in enumerate(observation.clients):
        y = TOP + ROW * place
        parts.append(f'<text x="{LEFT - 6}" y="{y + 10}" text-anchor="end" class="quiet">{place + 1}</text>')
        parts += _draw_client(client, observation, colours, x, y)
    foot = height - AXIS
    for second in axis_seconds(end):
        parts.append(f'<line x1="{x(second):.1f}" x2="{x(second):.1f}" y1="{foot}" y2="{foot + 4}" stroke="#888"/>')
        parts.append(f'<text x="{x(second):.1f}" y="{foot + 16}" text-anchor="middle" class="quiet">{second} s</text>')
    parts.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{TOP - 8}" y2="{foot}" stroke="{FAILED}" class="loss"/>')
    parts.append(f'<text x="{x(0):.1f}" y="{TOP - 12}" text-anchor="middle" fill="{FAILED}">the loss</text>')
    return "\n".join([*parts, "</svg>"])


def _draw_client(
    client: ClientRecord, observation: Observation, colours: Mapping[str, str], x: Callable[[float], float], y: int
) -> Iterator[str]:
    since = observation.since
    for server, first, last in find_stretches(client.beats, 2 * observation.beat):
        left, right = x(first - since), x(last - since)
        tooltip = f"{server}: {first - since:.2f} s to {last - since:.2f} s"
        yield (
            f'<rect x="{left:.1f}" y="{y + 1}" width="{max(right - left, 2):.1f}" height="{ROW - 3}" '
            f'fill="{colours[server]}"><title>{escape(tooltip)}</title></rect>'
        )
    for beat in client.beats:
        if not beat.server and beat.at > since:
            at = x(beat.at - since)
            yield (
                f'<path d="M{at - 3:.1f} {y + 2}l6 8m0 -8l-6 8" stroke="{FAILED}" stroke-width="1.5">'
                f"<title>{beat.at - since:.2f} s: {escape(beat.error)}</title></path>"
            )


def find_stretches(beats: Sequence[Beat], gap: float) -> Iterator[tuple[str, float, float]]:
    """(server, from, to) for good answers of one server at most `gap` seconds apart; times as in the beats."""
    edges = [0, *(place for place, pair in enumerate(pairwise(beats), 1) if pair[1].at - pair[0].at > gap), len(beats)]
    for first, last in pairwise(edges):
        for server, group in groupby(beats[first:last], key=lambda beat: beat.server):
            rows = list(group)
            if server:
                yield server, rows[0].asked if rows[0].at - rows[0].asked < gap else rows[0].at, rows[-1].at


def axis_seconds(end: float) -> range:
    """Whole seconds to write below the axis: at most 15 of them."""
    step = next((step for step in (1, 2, 5, 10, 30, 60) if end / step <= 14), 120)
    return range(0, int(end) + 1, step)
