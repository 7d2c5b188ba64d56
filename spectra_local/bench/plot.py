"""Bars of each method's ratio to plain decoding, by task, as an SVG. Knows the report's shape, draws text and boxes."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil
from typing import Any

_BAR, _GAP, _GROUP_GAP = 16, 2, 28  # px
_LEFT, _RIGHT, _TOP, _PANEL, _PANEL_GAP, _LEGEND_ROW = 56, 52, 64, 240, 76, 22
_LEAST_WIDTH = 560
_LEGEND_CELL = 170
_CHARACTER = 6.4  # px, on average, of the small type
_TICKS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_TICKS = 6
_INK, _FAINT, _GRID = "#1f2933", "#616e7c", "#e4e7eb"
# Okabe and Ito's palette, told apart with any kind of colour vision, then darker and lighter neighbours: as many as
# there are methods. SPECTRA has the first.
_COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#b8a800", "#5b3f8c", "#7f4f24", "#8c8c8c", "#a3c76d", "#3d4852"),
)


def bars(title: str, subtitle: str, passes: Sequence[Mapping[str, Any]]) -> str:
    """One panel a pass; groups are tasks and their mean, whiskers 95 % intervals, the thick line is plain decoding."""
    methods = [name for name, result in passes[0].items() if result["baseline"] != name]
    groups = [*next(iter(passes[0].values()))["ratio"]["tasks"], "mean"]
    group_width = max(len(methods), 1) * (_BAR + _GAP) - _GAP
    pitch = max(group_width, round(_CHARACTER * max(map(len, groups)))) + _GROUP_GAP
    width = max(_LEAST_WIDTH, _LEFT + len(groups) * pitch + _RIGHT, _LEFT + round(_CHARACTER * len(subtitle)) + 16)
    pitch = (width - _LEFT - _RIGHT) // len(groups)
    columns = max(1, (width - _LEFT - _RIGHT) // _LEGEND_CELL)
    legend_rows = ceil(len(methods) / columns)
    top = _TOP + legend_rows * _LEGEND_ROW + 34
    height = top + len(passes) * (_PANEL + _PANEL_GAP) - 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(_LEFT, 28, title, _INK, size=16, weight=600),
        _text(_LEFT, 47, subtitle, _FAINT),
        *_legend(methods, columns),
    ]
    for number, results in enumerate(passes):
        name = f"pass {number + 1}" if len(passes) > 1 else ""
        panel_top = top + number * (_PANEL + _PANEL_GAP)
        parts += _panel(results, methods, groups, name, panel_top, pitch, group_width, width)
    return "\n".join([*parts, "</svg>", ""])


def _legend(methods: Sequence[str], columns: int) -> list[str]:
    parts = []
    for i, method in enumerate(methods):
        x, y = _LEFT + i % columns * _LEGEND_CELL, _TOP + i // columns * _LEGEND_ROW
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{_colour(i)}"/>')
        parts.append(_text(x + 18, y + 10, method.replace("_", " "), _INK))
    return parts


def _panel(
    results: Mapping[str, Any],
    methods: Sequence[str],
    groups: Sequence[str],
    name: str,
    top: int,
    pitch: int,
    group_width: int,
    width: int,
) -> list[str]:
    intervals = {
        (method, group): results[method]["ratio"]["tasks"].get(group) or results[method]["ratio"]["mean"]
        for method in methods
        for group in groups
    }
    highest = max([1.2, *(interval["high"] for interval in intervals.values())])
    tick = next((t for t in _TICKS if highest / t <= _MOST_TICKS), _TICKS[-1])
    scale = _PANEL / (ceil(highest / tick) * tick)
    bottom = top + _PANEL
    parts = [_text(_LEFT, top - 14, name, _INK, weight=600)] if name else []
    for i in range(ceil(highest / tick) + 1):
        y = bottom - i * tick * scale
        parts.append(_line(_LEFT, y, width - _RIGHT, y, _GRID))
        parts.append(_text(_LEFT - 8, y + 4, f"{i * tick:g}x", _FAINT, anchor="end"))
    for g, group in enumerate(groups):
        middle = _LEFT + g * pitch + pitch / 2
        weight = 600 if group == "mean" else 400
        parts.append(_text(middle, bottom + 20, group.replace("_", " "), _INK, anchor="middle", weight=weight))
        for i, method in enumerate(methods):
            x = middle - group_width / 2 + i * (_BAR + _GAP)
            parts += _bar(x, bottom, intervals[method, group], scale, _colour(i))
    y = bottom - scale
    parts.append(_line(_LEFT, y, width - _RIGHT, y, _INK, 1.5))
    parts.append(_text(width - _RIGHT + 6, y + 4, "plain", _INK, size=11))
    return parts


def _bar(x: float, bottom: float, interval: Mapping[str, float], scale: float, colour: str) -> list[str]:
    height, middle = interval["value"] * scale, x + _BAR / 2
    low, high = bottom - interval["low"] * scale, bottom - interval["high"] * scale
    return [
        f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{_BAR}" height="{height:.1f}" fill="{colour}">'
        f"<title>{interval['value']:.2f} ({interval['low']:.2f}-{interval['high']:.2f})</title></rect>",
        _line(middle, low, middle, high, _INK),
        _line(middle - 3, low, middle + 3, low, _INK),
        _line(middle - 3, high, middle + 3, high, _INK),
    ]


def _colour(i: int) -> str:
    return _COLOURS[i % len(_COLOURS)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float, y: float, text: str, colour: str, *, anchor: str = "start", size: int = 12, weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
