"""The diagram of the life of an experiment, as SVG."""

from html import escape

# The stages in order: what exists, and the command that leads on from it.
STAGES = [
    ("my.seq", "a text", "check, fmt"),
    ("Experiment", "names, units, dimensions", "show --stage hamiltonian"),
    ("Schedule", "H(t), dissipators, edges", "run, sweep, optimise"),
    ("States", "at marks and in traces", "tomography, plan"),
    ("Results", "ergotropy, capacity, ...", "plot, report"),
    ("Console", "pulse program, lists", "export"),
    ("Data", "measured FIDs, counts", "tomography --data"),
    ("Comparison", "theory, emulation, data", "compare, fit"),
]
WIDTH, HEIGHT, GAP, ROW = 168, 58, 44, 112
COLUMNS = 4
STYLE = (
    "text{font-family:system-ui,'Segoe UI',Arial,sans-serif;text-anchor:middle;fill:#1c1c1e}"
    ".n{font-size:15px;font-weight:600}.s{font-size:12px;fill:#55606e}.c{font-size:12px;font-family:ui-monospace,monospace;fill:#0b6aa8}"
    ".b{fill:#eaf3f9;stroke:#0b6aa8}.l{fill:none;stroke:#55606e;stroke-width:1.4;marker-end:url(#a)}"
)


def place(number: int) -> tuple[int, int]:
    """The corner of a box: the second row runs back from right to left."""
    row, column = divmod(number, COLUMNS)
    if row % 2:
        column = COLUMNS - 1 - column
    return 12 + column * (WIDTH + GAP), 12 + row * ROW


def arrow(number: int) -> str:
    (x, y), (to_x, to_y) = place(number), place(number + 1)
    if y == to_y:
        start, end = (x + WIDTH, to_x - 4) if to_x > x else (x, to_x + WIDTH + 4)
        return f'<path class="l" d="M{start} {y + HEIGHT // 2} H{end}"/>'
    return f'<path class="l" d="M{x + WIDTH // 2} {y + HEIGHT + 20} V{to_y - 4}"/>'


def life() -> str:
    rows = -(-len(STAGES) // COLUMNS)
    width = 24 + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
    height = 24 + (rows - 1) * ROW + HEIGHT + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<title>The life of an experiment</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 Z" fill="#55606e"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (name, content, command) in enumerate(STAGES):
        x, y = place(number)
        middle = x + WIDTH // 2
        out.append(f'<rect class="b" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>')
        out.append(f'<text class="n" x="{middle}" y="{y + 25}">{escape(name)}</text>')
        out.append(f'<text class="s" x="{middle}" y="{y + 44}">{escape(content)}</text>')
        out.append(f'<text class="c" x="{middle}" y="{y + HEIGHT + 15}">{escape(command)}</text>')
        if number + 1 < len(STAGES):
            out.append(arrow(number))
    return "\n".join([*out, "</svg>", ""])
