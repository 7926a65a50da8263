"""Random programs of physics, as data and as the text of a `.seq` file. The same seed gives the same program."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import acosh, log, pi, sqrt
from typing import Any

import numpy as np
from scipy.optimize import brentq

from .program_data import (
    ONE,
    Acquire,
    Coupling,
    Crush,
    Delay,
    Dephase,
    Evolve,
    Function,
    Gradient,
    Lock,
    Loop,
    Mark,
    Member,
    Parallel,
    Program,
    Pulse,
    Quantity,
    Spin,
)

KINDS = ["1H", "13C", "1H", "13C", "15N", "2H", "23Na"]


def digits(x: float) -> float:
    """To three digits, so that a program is short to read."""
    return float(f"{x:.3g}")


def zeros(f: Callable[[Any], Any], end: float) -> list[float]:
    """Where a function of few turns changes its sign."""
    at = np.linspace(0, end, 2001)
    changed = np.flatnonzero(np.diff(np.sign(f(at))))
    return [float(brentq(lambda t: f(np.array([t]))[0], at[k], at[k + 1], xtol=1e-15 * end)) for k in changed]


class Writer:
    """Draws a program and writes it down."""

    def __init__(self, seed: int, *, gentle: bool = False) -> None:
        self.r = random.Random(seed)
        self.seed = seed
        # Without what is narrow or jumps.
        self.gentle = gentle
        r = self.r
        self.natural = r.random() < 0.3
        self.turned = not self.natural and r.random() < 0.35
        self.spinning = self.turned and r.random() < 0.6
        self.open = r.random() < 0.45
        self.position = not self.natural and r.random() < 0.1
        self.spread = r.random() < 0.3
        self.cycled = not self.natural and r.random() < 0.25
        self.traces = 0
        self.marks = 0

    # Numbers with their texts

    def between(self, low: float, high: float) -> float:
        return digits(self.r.uniform(low, high))

    def spread_over(self, q: Quantity) -> Quantity:
        if self.spread and self.r.random() < 0.3:
            return Quantity(f"P*{q.text}", q.value, "P")
        return q

    def time(self, low: float, high: float, spread: bool = False) -> Quantity:
        x = self.between(low, high)
        q = Quantity(f"{x}", x) if self.natural else Quantity(f"{x} ms", 1e-3 * x)
        return self.spread_over(q) if spread else q

    def frequency(self, low: float, high: float, signed: bool = True) -> Quantity:
        x = self.between(low, high) * (self.r.choice([-1, 1]) if signed else 1)
        if self.natural:
            x = digits(6 * x)
            return Quantity(f"{x}", x)
        return Quantity(f"{x} kHz", 1e3 * x)

    def angle(self, low: float = -3.0, high: float = 3.0) -> Quantity:
        x = self.between(low, high)
        return Quantity(f"{x}" if self.natural else f"{x} rad", x)

    def euler(self) -> tuple[str, tuple[float, float, float]]:
        d = [self.between(0, 180) for _ in range(3)]
        return f"({d[0]}, {d[1]}, {d[2]}) deg", (d[0] * pi / 180, d[1] * pi / 180, d[2] * pi / 180)

    # The system

    def system(self) -> str:
        r, lines = self.r, []
        # Open systems are propagated by superoperators, so they are small.
        largest, size = (4 if self.open else 16), 1
        self.spins: list[Spin] = []
        for name in "abcd"[: r.randint(1, 4)]:
            spin = Spin(name, r.choice(KINDS))
            if size * spin.states <= largest:
                size *= spin.states
                self.spins.append(spin)
        lines += [f"spin {s.name} : {s.kind}" for s in self.spins]
        if not self.natural:
            lines += ["field 9.4 T", "temperature 300 K"]
        self.orientation = None
        if self.turned:
            text, self.orientation = self.euler()
            lines.append("orientation (A, B, G)")
            self.orientation_text = text
        if self.spinning:
            lines.append("spinning 2.5 kHz")
        self.couplings: list[Coupling] = []
        for a in range(len(self.spins)):
            for b in range(a + 1, len(self.spins)):
                for kind in ("j", "dipolar"):
                    if r.random() < 0.5:
                        size_ = self.spread_over(self.frequency(0.03, 0.8))
                        along, text = None, ""
                        if self.turned and kind == "dipolar":
                            along = (self.between(-1, 1), self.between(-1, 1), self.between(-1, 1))
                            text = f" along ({along[0]}, {along[1]}, {along[2]})"
                        self.couplings.append(Coupling(kind, a, b, size_, along))
                        lines.append(f"{kind} {self.spins[a].name} {self.spins[b].name} = {size_.text}{text}")
        for s in self.spins:
            lines += self.of_spin(s)
        return "system {\n    " + "\n    ".join(lines) + "\n}"

    def of_spin(self, s: Spin) -> list[str]:
        r, lines = self.r, []
        if not self.natural and r.random() < 0.5:
            x = self.between(-6, 6)
            s.shift = 1e-6 * x
            lines.append(f"shift {s.name} = {x} ppm")
        if self.turned and r.random() < 0.5:
            x, eta, (text, axes) = self.between(-9, 9), self.between(0, 1), self.euler()
            s.csa = (1e-6 * x, eta, axes)
            lines.append(f"csa {s.name} = {x} ppm eta {eta} axes {text}")
        if not self.natural and s.states > 2 and r.random() < 0.5:
            size, eta, (text, axes) = self.frequency(0.2, 4), self.between(0, 1), self.euler()
            s.quadrupole = (size.value, eta, axes if self.turned else (0.0, 0.0, 0.0))
            lines.append(f"quadrupole {s.name} = {size.text} eta {eta}" + (f" axes {text}" if self.turned else ""))
        if self.open and s.states == 2:
            t1 = self.time(1, 20)
            t2 = self.time(0.3 * float(t1.text.split()[0]), 1.9 * float(t1.text.split()[0]))
            p = self.between(-0.9, 0.9) if self.natural or r.random() < 0.3 else None
            s.relax = (t1.value, t2.value, p)
            lines.append(f"relax {s.name} {{ T1 = {t1.text}, T2 = {t2.text}{'' if p is None else f', polarisation = {p}'} }}")
        return lines

    def state(self) -> tuple[str, Any]:
        if not self.natural and self.r.random() < 0.35:
            return "thermal", "thermal"
        kets = [tuple(self.r.randrange(s.states) for s in self.spins) for _ in range(3)]
        amplitude = self.between(-1, 1)
        first = [(1.0, kets[0])] + ([(amplitude, kets[1])] if kets[1] != kets[0] else [])
        mixture = [(0.75, first), (0.25, [(1.0, kets[2])])]
        ket = lambda d: 'ket "' + "".join(map(str, d)) + '"'  # noqa: E731
        parts = [f"{w}: superposition({', '.join(f'{a}: {ket(d)}' for a, d in terms)})" for w, terms in mixture]
        return f"mix({', '.join(parts)})", mixture

    # Functions of time

    def function(self, whole: Quantity) -> Function:
        """Between about -1 and 1 over a statement of this length; `whole` depends on no parameter."""
        T, r = whole.value, self.r
        share, x = self.between(0.1, 0.9), self.between(0.2, 3)
        at = digits(share * float(whole.text.split()[0]))
        text = f"{at}" if self.natural else f"{at} ms"
        t0 = at if self.natural else 1e-3 * at
        u = f"t/({whole.text})"
        kinds = ["sin", "cos", "wide", "abs", "min", "max", "narrow", "step", "fall", "sign", "floor", "stairs"]
        kind = r.choice(kinds[:6] if self.gentle else kinds)
        if kind == "sin":
            return Function(f"sin({x}*2*pi*{u})", lambda t: np.sin(x * 2 * pi * t / T))
        if kind == "cos":
            return Function(f"cos({x}*2*pi*{u} + {x})", lambda t: np.cos(x * 2 * pi * t / T + x))
        if kind in ("wide", "narrow"):
            w = r.choice([0.3, 1.0] if kind == "wide" else [0.003, 0.01, 0.05])
            return Function(
                f"exp(-((t - {text})/({w}*{whole.text}))^2)", lambda t: np.exp(-(((t - t0) / (w * T)) ** 2)), [], [(t0, w * T)]
            )
        if kind == "step":
            return Function(f"step(t - {text})", lambda t: np.where(t >= t0, 1.0, 0.0), [t0])
        if kind == "fall":
            return Function(f"(1 - step(t - {text}))", lambda t: np.where(t >= t0, 0.0, 1.0), [t0])
        if kind == "sign":
            return Function(f"sign(t - {text})", lambda t: np.where(t >= t0, 1.0, -1.0), [t0])
        if kind == "floor":
            return Function(f"floor({x}*{u})", lambda t: np.floor(x * t / T), [k * T / x for k in range(1, 4)])
        if kind == "stairs":
            edges = [k * T / (2 * x) for k in range(1, 7)]
            return Function(f"sign(sin({x}*2*pi*{u}))", lambda t: np.where(np.sin(x * 2 * pi * t / T) >= 0, 1.0, -1.0), edges)
        if kind == "abs":
            return Function(f"abs({x}*{u} - 0.7)", lambda t: np.abs(x * t / T - 0.7), [0.7 * T / x])
        if kind == "min":
            return Function(f"min(t/({text}), 1)", lambda t: np.minimum(t / t0, 1.0), [t0])
        return Function(f"max(0.3, 1 - {x}*{u})", lambda t: np.maximum(0.3, 1 - x * t / T), [0.7 * T / x])

    def operator(self) -> tuple[str, list[tuple[str, int]]]:
        r = self.r
        a, b = r.randrange(len(self.spins)), r.randrange(len(self.spins))
        i, j = r.choice(["Ix", "Iy", "Iz"]), r.choice(["Ix", "Iy", "Iz"])
        if a != b and r.random() < 0.5:
            return f"{i}({self.spins[a].name})*{j}({self.spins[b].name})", [(i, a), (j, b)]
        if self.spins[a].states > 2 and r.random() < 0.3:
            return f"{i}({self.spins[a].name})*{i}({self.spins[a].name})", [(i, a), (i, a)]
        return f"{i}({self.spins[a].name})", [(i, a)]

    # Statements: each gives its data and its text

    def recorded(self, top: bool) -> tuple[tuple[str, int] | None, str]:
        if not top or self.r.random() > 0.25:
            return None, ""
        self.traces += 1
        return (f"r{self.traces}", 5), f" record 5 as r{self.traces}"

    def evolve(self, top: bool) -> tuple[Any, str]:
        r, terms, texts = self.r, [], []
        time = self.time(0.05, 1.2)
        # The internal Hamiltonian of a sample that spins is no single operator.
        internal = not self.spinning and r.random() < 0.5
        if internal:
            texts.append("internal")
        moving = r.random() < 0.6
        for _ in range(r.randint(1, 3)):
            c, (name, op) = self.spread_over(self.frequency(0.05, 1.5)), self.operator()
            f = self.function(time) if moving and r.random() < 0.7 else ONE
            texts.append(f"{c.text}*{name}" if f is ONE else f"{c.text}*{f.text}*{name}")
            terms.append((c, f, op))
        noise = self.open and r.random() < 0.5
        record, text = self.recorded(top)
        return (
            Evolve(terms, time, internal, noise, record),
            f"evolve {' + '.join(texts)} for {time.text}{' with n' if noise else ''}{text}",
        )

    def nuclei(self) -> list[str]:
        return list(dict.fromkeys(s.kind for s in self.spins))

    def shape(self, time: Quantity) -> tuple[Function, Function | None, str]:
        """The envelope, the phase that it turns by, and its text."""
        T = time.value
        u = lambda t: 2 * t / T - 1  # noqa: E731
        kind = self.r.choice(["gauss", "sinc", "sine", "sech", "wurst", "chirp", "rectangular", "expression"])
        if kind == "gauss":
            return Function("", lambda t: np.exp(log(0.02) * u(t) ** 2)), None, "gauss(0.02)"
        if kind == "sinc":
            return Function("", lambda t: np.sinc(2 * u(t))), None, "sinc(2)"
        if kind == "sine":
            return Function("", lambda t: np.sin(pi * t / T)), None, "sine"
        if kind == "rectangular":
            rise = self.time(0.002, 0.009)
            tau = rise.value
            return (
                Function("", lambda t: np.minimum(1, np.minimum(t / tau, (T - t) / tau)), [tau, T - tau]),
                None,
                f"rectangular({rise.text})",
            )
        if kind == "expression":
            f = self.function(time)
            corners = [*f.edges, *zeros(f.of, T)]
            return Function("", lambda t: np.abs(f.of(t)) / 3, corners, f.narrow), None, f"abs({f.text})/3"
        sweep = self.frequency(1, 5)
        w = sweep.value * (1.0 if self.natural else 2 * pi)
        if kind == "sech":
            beta = acosh(1 / 0.02)
            phase = lambda t: w / 2 * (T / 2) / beta * np.log(np.cosh(beta * u(t)))  # noqa: E731
            return Function("", lambda t: 1 / np.cosh(beta * u(t))), Function("", phase), f"sech({sweep.text}, 0.02)"
        even = Function("", lambda t: w * T / 8 * u(t) ** 2)
        if kind == "wurst":
            return Function("", lambda t: 1 - np.abs(np.cos(pi * t / T)) ** 20, [T / 2]), even, f"wurst({sweep.text})"
        flank = 0.1 * T
        chirp = lambda t: np.sin(pi / 2 * np.minimum(1, np.minimum(t, T - t) / flank))  # noqa: E731
        return Function("", chirp, [flank, T - flank]), even, f"chirp({sweep.text})"

    def pulse(self, nucleus: str | None = None, plain: bool = False) -> tuple[Pulse, str]:
        r = self.r
        nucleus = nucleus or r.choice(self.nuclei())
        phase, cycle = self.angle(), None
        if self.cycled and r.random() < 0.5:
            cycle = r.choice(["phi", "psi"])
        text = f"pulse {nucleus} "
        told = f"phase {cycle or phase.text}"
        if not plain and r.random() < 0.35:
            angle = self.spread_over(self.angle(0.1, 3.0))
            return Pulse(nucleus, phase, None, angle, None, cycle=cycle), f"{text}{angle.text} {told} ideal"
        time, rf = self.time(0.03, 0.8), self.spread_over(self.frequency(0.1, 4, signed=False))
        p = Pulse(nucleus, phase, rf, None, time, cycle=cycle)
        text += f"{told} rf = {rf.text} duration = {time.text}"
        if not plain and r.random() < 0.5:
            p.shape, p.sweep, p.shape_text = self.shape(time)
            text += f" shape = {p.shape_text}"
        if not plain and r.random() < 0.3:
            p.offset = self.frequency(0.1, 3)
            text += f" offset = {p.offset.text}"
        if not plain and r.random() < 0.25:
            f, size = self.function(time), self.angle(0.2, 1.5)
            p.modulation = (size.value, f)
            text += f" modulation = {size.text}*{f.text}"
        return p, text

    def lock(self) -> tuple[Any, str]:
        r, nucleus = self.r, self.r.choice(self.nuclei())
        start, stop = (self.spread_over(self.frequency(0.1, 3, signed=False)) for _ in range(2))
        phase, time = self.angle(), self.time(0.1, 1)
        shape, local = r.choice(["linear", "exponential", "tan", "constant_adiabaticity"]), self.frequency(0.5, 1.5, signed=False)
        argument = 3.0 if shape == "exponential" else local.value
        text = {"linear": "linear", "exponential": "exponential(3)"}.get(shape, f"{shape}({local.text})")
        steps = r.choice([None, 7])
        return (
            Lock(nucleus, phase, start, stop, time, shape, argument, steps, text),
            f"lock {nucleus} phase {phase.text} from {start.text} to {stop.text} over {time.text} shape {text}"
            + (f" steps {steps}" if steps else ""),
        )

    def step(self, depth: int) -> tuple[Any, str]:
        r, top = self.r, depth == 2
        x = r.random()
        if x < 0.2:
            time = self.time(0.03, 1.2, spread=True)
            # A curve has one length for all members.
            record, text = self.recorded(top and time.param is None)
            return Delay(time, record), f"delay {time.text}{text}"
        if x < 0.5:
            return self.evolve(top)
        if x < 0.72:
            return self.pulse()
        if x < 0.77:
            return self.lock()
        if x < 0.82 and len(self.nuclei()) > 1:
            align = r.choice(["start", "centre", "end"])
            pairs = [self.pulse(nucleus, plain=True) for nucleus in self.nuclei()[:2]]
            return Parallel(align, [p for p, _ in pairs]), f"parallel align {align} {{\n{pairs[0][1]}\n{pairs[1][1]}\n}}"
        if x < 0.85 and self.position:
            g, time = self.between(0.001, 0.02), self.time(0.05, 0.5)
            return Gradient(g, time), f"gradient {g} T/m for {time.text}"
        if x < 0.88:
            return Crush(), "crush"
        if x < 0.91:
            name, op = self.operator()
            return Dephase(op), f"dephase {name}"
        if x < 0.95 and depth > 0:
            count, body = r.randint(2, 4), [self.step(depth - 1) for _ in range(r.randint(1, 2))]
            return Loop(count, [s for s, _ in body]), f"loop {count} {{\n" + "\n".join(t for _, t in body) + "\n}"
        if x < 0.97 and top:
            nucleus, dwell = r.choice(self.nuclei()), self.time(0.02, 0.1)
            return Acquire(nucleus, 6, dwell, 0.0), f"acquire {nucleus} points 6 dwell {dwell.text}"
        time = self.time(0.02, 0.3)
        return Delay(time), f"delay {time.text}"

    def members(self) -> tuple[list[Member], list[str]]:
        members, lines = [Member()], []

        def product(nodes: list[tuple[float, dict[str, Any]]]) -> None:
            nonlocal members
            members = [
                Member(
                    m.weight * w,
                    {**m.params, **c.get("params", {})},
                    {**m.rf, **c.get("rf", {})},
                    {**m.offset, **c.get("offset", {})},
                    c.get("position", m.position),
                    c.get("turn", m.turn),
                )
                for m in members
                for w, c in nodes
            ]

        if self.spread:
            product([(0.5, {"params": {"P": 1 + s * 0.1 / sqrt(3)}}) for s in (-1, 1)])
            lines.append("param P : uniform(from = 0.9, to = 1.1) points 2")
        else:
            members = [Member(params={"P": 1.0})]
        if self.r.random() < 0.15:
            nucleus = self.r.choice(self.nuclei())
            product([(w, {"rf": {nucleus: 1 + s * sqrt(3) * 0.05}}) for s, w in ((-1, 1 / 6), (0, 2 / 3), (1, 1 / 6))])
            lines.append(f"rf {nucleus} : gaussian(mean = 1, sd = 0.05) points 3")
        if self.r.random() < 0.15:
            nucleus, sd = self.r.choice(self.nuclei()), self.frequency(0.05, 0.3, signed=False)
            product([(0.5, {"offset": {nucleus: s * sd.value}}) for s in (-1, 1)])
            lines.append(f"offset {nucleus} : gaussian(sd = {sd.text}) points 2")
        if self.position:
            nodes = [(-sqrt(0.6), 5 / 18), (0.0, 8 / 18), (sqrt(0.6), 5 / 18)]
            product([(w, {"position": 2e-3 * x}) for x, w in nodes])
            lines.append("position : uniform(from = -2 mm, to = 2 mm) points 3")
        if self.turned and not (self.gentle and self.spinning) and self.r.random() < 0.3:
            sphere = [(0, 0), (pi, 0), (pi / 2, 0), (pi / 2, pi / 2), (pi / 2, pi), (pi / 2, 3 * pi / 2)]
            phases = [2 * pi * k / 3 for k in range(3)] if self.spinning else [0.0]
            product([(1 / 6 / len(phases), {"turn": (a, b, g)}) for b, g in sphere for a in phases])
            lines.append(f"orientation : lebedev{'(rotor = 3)' if self.spinning else ''} points 6")
        return members, lines

    def program(self) -> Program:
        r, parts = self.r, [self.system()]
        state, mixture = self.state()
        params = ["P = 1"]
        if self.turned:
            d = self.orientation_text.strip("() deg").split(", ")
            params += [f"{n} = {x} deg" for n, x in zip("ABG", d, strict=True)]
        parts.append("param " + ", ".join(params))
        collapse, text = [], []
        for _ in range(r.randint(1, 2)):
            rate, k, kind = self.between(0.02, 0.3), r.randrange(len(self.spins)), r.choice(["Ip", "Im", "Iz"])
            collapse.append((rate if self.natural else 1e3 * rate, [(kind, k)]))
            text.append(f"collapse sqrt({rate if self.natural else f'{1e3 * rate} 1/s'})*{kind}({self.spins[k].name})")
        parts.append("noise n {\n    " + "\n    ".join(text) + "\n}")
        battery, text = [], []
        for _ in range(3):
            c, (name, op) = self.frequency(0.3, 2), self.operator()
            battery.append((c.value, op))
            text.append(f"{c.text}*{name}")
        parts.append(f"battery {{ energy = {' + '.join(text)} }}")
        watched: dict[str, Any] = {}
        for k, s in enumerate(self.spins):
            watched.update({f"{i}_{s.name}": [(i, k)] for i in ("Ix", "Iy", "Iz")})
        for _ in range(3):
            name, op = self.operator()
            watched[name.replace("(", "_").replace(")", "").replace("*", "_")] = op
        measure = "\n".join(
            f"    {n} = expectation({'*'.join(f'{i}({self.spins[k].name})' for i, k in op)})" for n, op in watched.items()
        )
        signals = "\n".join(f"    signal({n})\n    signal_im({n})" for n in self.nuclei())
        parts.append(f"measure {{\n    energy\n    ergotropy\n    capacity\n    purity\n    entropy\n{measure}\n{signals}\n}}")
        cycles = {"phi": [0.0, pi / 2, pi, 3 * pi / 2], "psi": [0.3, 2.1]} if self.cycled else {}
        if self.cycled:
            parts += ["cycle phi = 0 1 2 3", "cycle psi = 0.3" + (", 2.1" if self.natural else " rad, 2.1 rad")]
        steps, lines = [Mark("start")], ["mark start"]
        for k in range(r.randint(2, 6)):
            step, text_ = self.step(2)
            steps += [step, Mark(f"m{k}")]
            lines += [text_, f"mark m{k}"]
        members, spreads = self.members()
        if spreads:
            parts.append("ensemble {\n    " + "\n    ".join(spreads) + "\n}")
        parts.append(f"sequence {{\n    prepare {state}\n    " + "\n    ".join("\n".join(lines).split("\n")) + "\n}")
        text_ = f"ergoseq 1\n# seed {self.seed}\n" + ("units natural\n" if self.natural else "") + "\n".join(parts) + "\n"
        return Program(
            self.natural,
            self.spins,
            self.couplings,
            mixture,
            steps,
            collapse,
            battery,
            watched,
            members,
            cycles,
            self.orientation,
            2500.0 if self.spinning else 0.0,
            text_,
        )


def draw(seed: int, *, gentle: bool = False) -> Program:
    """The program of a seed."""
    return Writer(seed, gentle=gentle).program()
