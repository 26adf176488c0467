"""The report of a drill: one HTML file that opens without a network and runs no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from operations.drill.report import DrillResult, column_heads, describe_load, result_cells, within_budget
from operations.drill.timeline import FAILED, assign_colours, draw_timeline

STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; }}
th:first-child, td:first-child, td:last-child {{ text-align: left; }}
svg {{ width: 100%; height: auto; }}
svg text {{ fill: currentColor; }}
svg .quiet {{ opacity: .6; }}
svg .loss {{ stroke-dasharray: 4 3; }}
.kept {{ color: #009e73; }} .missed {{ color: {FAILED}; }}
.key {{ display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; }}
"""


def build_report_page(results: Sequence[DrillResult], heading: str, budget: float) -> str:
    """The whole file; `heading` says what was drilled, when and where; `budget` is in seconds."""
    colours = assign_colours([result.observation for result in results])
    keys = "".join(
        f'<span class="key" style="background:{colour}"></span>{escape(server)}' for server, colour in colours.items()
    )
    pictures = "".join(
        f"<h2>{escape(result.observation.title)}</h2><p>{_verdict(result)}</p>"
        f"{draw_timeline(result.observation, colours)}"
        for result in results
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Failover drill</title>'
        f"<style>{STYLE}</style></head><body><h1>Failover drill</h1><p>{escape(heading)}</p>"
        f"{_table(results, budget)}<p>{escape(describe_load(results))}</p>"
        f"<p>One row per client, coloured by the server that answered:{keys}. White is a gap, a cross a failed "
        f"request.</p>{pictures}</body></html>\n"
    )


def _table(results: Sequence[DrillResult], budget: float) -> str:
    head = "".join(f"<th>{column}</th>" for column in column_heads(budget))
    rows = "".join(f"<tr>{_cells(result, budget)}</tr>" for result in results)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cells(result: DrillResult, budget: float) -> str:
    texts = (*map(escape, (*result_cells(result), within_budget(result, budget))), _verdict(result))
    return "".join(f"<td>{text}</td>" for text in texts)


def _verdict(result: DrillResult) -> str:
    kept = '<b class="kept">kept</b>' if result.kept else '<b class="missed">missed</b>'
    return f"{kept}: {escape(result.promise)}"
