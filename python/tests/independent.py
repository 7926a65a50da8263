"""A second emulator, written from grammar.md alone: dense, slow, obvious.

It takes programs as data (`random_programs.py` writes the same as text), so it needs no parser. Everything is in SI units with
energies as angular frequencies, or in natural units. The density matrix is propagated piece by piece between known edges: by one
exponential where the generator is constant, by Magnus' expansion of fourth order elsewhere, with steps halved until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product as every
from math import atan, gcd, pi, sqrt
from typing import Any

import numpy as np
from scipy.linalg import expm

from .program_data import (
    FIELD,
    ONE,
    TEMPERATURE,
    Acquire,
    Array,
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
)

HBAR, BOLTZMANN = 6.62607015e-34 / (2 * pi), 1.380649e-23


def turn(angles: Iterable[float]) -> Array:
    """Rz(a) Ry(b) Rz(c)."""
    a, b, c = angles

    def z(x: float) -> Array:
        return np.array([[np.cos(x), -np.sin(x), 0], [np.sin(x), np.cos(x), 0], [0, 0, 1]])

    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return z(a) @ y @ z(c)


def spin_matrices(states: int) -> dict[str, Array]:
    """Ix, Iy, Iz, Ip, Im of a spin, m = +I first."""
    i = (states - 1) / 2
    m = i - np.arange(states)
    plus = np.diag(np.sqrt(i * (i + 1) - m[1:] * (m[1:] + 1)), 1).astype(complex)
    return {
        "Ix": (plus + plus.T) / 2,
        "Iy": (plus - plus.T) / 2j,
        "Iz": np.diag(m).astype(complex),
        "Ip": plus,
        "Im": plus.T.copy(),
    }


class Emulator:
    """The propagation of one program."""

    def __init__(self, program: Program) -> None:
        self.p = program
        self.size = int(np.prod([s.states for s in program.spins]))
        self.two_pi = 1.0 if program.natural else 2 * pi
        self.single = [
            {name: self.embed(k, matrix) for name, matrix in spin_matrices(s.states).items()} for k, s in enumerate(program.spins)
        ]

    def embed(self, k: int, matrix: Array) -> Array:
        out = np.eye(1)
        for j, s in enumerate(self.p.spins):
            out = np.kron(out, matrix if j == k else np.eye(s.states))
        return out

    def operator(self, factors: list[tuple[str, int]]) -> Array:
        """A product such as [("Ix", 0), ("Iz", 1)]."""
        out = np.eye(self.size, dtype=complex)
        for name, k in factors:
            out = out @ self.single[k][name]
        return out

    def total(self, nucleus: str, name: str) -> Array:
        zero = np.zeros((self.size, self.size), complex)
        return sum((self.single[k][name] for k, s in enumerate(self.p.spins) if s.kind == nucleus), start=zero)

    # The system

    def tensors(self, m: Member) -> list[tuple[Array, Array]]:
        """Tensors in the crystal with the operators that their component along the field multiplies."""
        out = []
        principal = lambda eta: np.diag([-(1 + eta) / 2, -(1 - eta) / 2, 1.0])  # noqa: E731
        for k, s in enumerate(self.p.spins):
            z = self.single[k]["Iz"]
            if s.csa:
                size, eta, axes = s.csa
                out.append((turn(axes) @ principal(eta) @ turn(axes).T, -s.gamma * FIELD * size * z))
            if s.quadrupole:
                size, eta, axes = s.quadrupole
                i = (s.states - 1) / 2
                op = self.two_pi * size / (4 * i * (2 * i - 1)) * (3 * z @ z - i * (i + 1) * np.eye(self.size))
                out.append((turn(axes) @ principal(eta) @ turn(axes).T, op))
        for c in self.p.couplings:
            if c.along:
                u = np.array(c.along) / np.linalg.norm(c.along)
                out.append(((3 * np.outer(u, u) - np.eye(3)) / 2, c.size.at(m) * self.secular(c)))
        return out

    def secular(self, c: Coupling) -> Array:
        a, b = self.single[c.a], self.single[c.b]
        zz, like = a["Iz"] @ b["Iz"], self.p.spins[c.a].kind == self.p.spins[c.b].kind
        dot = zz + a["Ix"] @ b["Ix"] + a["Iy"] @ b["Iy"]
        if c.kind == "j":
            return self.two_pi * (dot if like else zz)
        return self.two_pi * (3 * zz - dot if like else 2 * zz)

    def internal(self, m: Member) -> tuple[Array, list[tuple[Array, Array]]]:
        """What does not depend on the orientation, and the tensors, turned into the field or the rotor."""
        h = np.zeros((self.size, self.size), complex)
        for k, s in enumerate(self.p.spins):
            h += -s.gamma * FIELD * s.shift * self.single[k]["Iz"] + self.two_pi * m.offset.get(s.kind, 0.0) * self.single[k]["Iz"]
        for c in self.p.couplings:
            if c.along is None:
                h += c.size.at(m) * self.secular(c)
        # A crystallite of a powder is turned from where `orientation` puts the crystal.
        rotation = turn(m.turn or (0, 0, 0)) @ turn(self.p.turned or (0, 0, 0))
        return h, [(rotation @ v @ rotation.T, op) for v, op in self.tensors(m)]

    def internal_at(self, m: Member, clock: float) -> Callable[[Array], Array]:
        """The internal Hamiltonian at times after `clock`, the time since `prepare`."""
        h, tensors = self.internal(m)

        def at(t: Array) -> Array:
            if not self.p.spinning:
                whole = h + sum((v[2, 2] * op for v, op in tensors), start=np.zeros_like(h))
                return np.broadcast_to(whole, (len(t), self.size, self.size))
            # The field as the rotor sees it: its axis leans by the magic angle, and it turns about the axis.
            angle, lean = 2 * pi * self.p.spinning * (clock + t), atan(sqrt(2))
            n = np.stack([-np.sin(lean) * np.cos(angle), np.sin(lean) * np.sin(angle), np.cos(lean) * np.ones_like(t)])
            out = np.broadcast_to(h, (len(t), self.size, self.size)).copy()
            for v, op in tensors:
                out += np.einsum("it,ij,jt->t", n, v, n)[:, None, None] * op
            return out

        return at

    def relaxation(self) -> list[Array]:
        """Collapse operators of T1 and T2: each spin goes to its polarisation with 1/T1, its coherences vanish with 1/T2."""
        out = []
        for k, s in enumerate(self.p.spins):
            if s.relax:
                t1, t2, p = s.relax
                if p is None:
                    p = float(np.tanh(s.gamma * FIELD * HBAR / (2 * BOLTZMANN * TEMPERATURE)))
                out.append(sqrt((1 + p) / (2 * t1)) * self.single[k]["Ip"])
                out.append(sqrt((1 - p) / (2 * t1)) * self.single[k]["Im"])
                out.append(sqrt(2 * (1 / t2 - 1 / (2 * t1))) * self.single[k]["Iz"])
        return out

    def prepared(self) -> Array:
        if self.p.state == "thermal":
            rho = np.eye(1)
            for s in self.p.spins:
                m = (s.states - 1) / 2 - np.arange(s.states)
                w = np.exp(s.gamma * FIELD * HBAR * m / (BOLTZMANN * TEMPERATURE))
                rho = np.kron(rho, np.diag(w / w.sum()))
            return rho.astype(complex)
        rho = np.zeros((self.size, self.size), complex)
        for weight, terms in self.p.state:
            psi = np.zeros(self.size, complex)
            for amplitude, digits in terms:
                psi[np.ravel_multi_index(digits, [s.states for s in self.p.spins])] += amplitude
            psi /= np.linalg.norm(psi)
            rho += weight * np.outer(psi, psi.conj())
        return rho

    # Propagation

    def propagator(self, h: Callable[[Array], Array], collapse: list[Array], start: float, stop: float, constant: bool) -> Array:
        """U of a closed piece, or the superoperator (rows first) of an open one."""
        eye = np.eye(self.size)

        def generators(t: Array) -> Array:
            a = -1j * h(t)
            if not collapse:
                return a
            out = np.einsum("tij,kl->tikjl", a, eye) - np.einsum("ij,tlk->tikjl", eye, a)
            lost = sum(c.conj().T @ c for c in collapse) / 2
            fixed = sum(np.kron(c, c.conj()) for c in collapse) - np.kron(lost, eye) - np.kron(eye, lost.T)
            return out.reshape(len(t), self.size**2, self.size**2) + fixed

        def exponential(omega: Array) -> Array:
            if collapse:
                return np.stack([expm(x) for x in omega])
            w, v = np.linalg.eigh(1j * omega)
            return (v * np.exp(-1j * w)[:, None, :]) @ v.conj().transpose(0, 2, 1)

        def chain(steps: int) -> Array:
            width = (stop - start) / steps
            at = start + width * np.arange(steps)
            first, second = (generators(at + width * (0.5 + x * sqrt(3) / 6)) for x in (-1, 1))
            links = exponential(width / 2 * (first + second) - sqrt(3) / 12 * width**2 * (first @ second - second @ first))
            while len(links) > 1:
                rest = links[-1:] if len(links) % 2 else links[:0]
                links = np.concatenate([links[1::2] @ links[: len(links) // 2 * 2 : 2], rest])
            return links[0]

        if constant:
            return exponential((stop - start) * generators(np.array([(start + stop) / 2])))[0]
        size = max(np.abs(x).sum(axis=0).max() for x in h(np.linspace(start, stop, 9)))
        # A call of numpy takes as long for many small matrices as for few.
        least = 32 if self.size <= 8 and not collapse else 4
        steps = max(least, int(size * (stop - start) * 2))
        coarse = chain(steps)
        while True:
            steps *= 2
            fine = chain(steps)
            # The error of the fine one is a fifteenth of the difference, and extrapolation takes most of that away: the rest is below 1e-10.
            if np.abs(fine - coarse).max() < 5e-7 or steps > 20000:
                return (16 * fine - coarse) / 15
            coarse = fine

    def segment(
        self,
        rho: Array,
        h: Callable[[Array], Array],
        collapse: list[Array],
        time: float,
        edges: Iterable[float],
        constant: bool,
        samples: int = 0,
    ) -> tuple[Array, list[Array]]:
        """Takes a state through a statement; gives the samples too."""
        at = [time * k / (samples - 1) for k in range(samples)] if samples else []
        cuts = sorted({0.0, time, *at, *(e for e in edges if 0 < e < time)})
        seen = [rho] * sum(x == 0.0 for x in at)
        for a, b in zip(cuts, cuts[1:], strict=False):
            if b - a > 1e-13 * time:
                u = self.propagator(h, collapse, a, b, constant)
                rho = (u @ rho.reshape(-1)).reshape(rho.shape) if collapse else u @ rho @ u.conj().T
            seen += [rho] * (b in at)
        return rho, seen

    def run_member(self, m: Member) -> dict[str, list[tuple[float, Array]]]:
        """States with their times at marks, and along traces under the traces' names."""
        self.out: dict[str, list[tuple[float, Array]]] = {}
        self.fids = 0
        rho, clock = self.walk(self.p.steps, self.prepared(), 0.0, m)
        self.out["end"] = [(clock, rho)]
        return self.out

    def walk(self, steps: list[Any], rho: Array, clock: float, m: Member) -> tuple[Array, float]:
        for step in steps:
            rho, clock = self.step(step, rho, clock, m)
        return rho, clock

    def step(self, step: Any, rho: Array, clock: float, m: Member) -> tuple[Array, float]:
        turns = self.p.spinning != 0
        internal = self.internal_at(m, clock)
        relax = self.relaxation()
        if isinstance(step, Mark):
            self.out[step.name] = [(clock, rho)]
        elif isinstance(step, Loop):
            for _ in range(step.count):
                rho, clock = self.walk(step.body, rho, clock, m)
        elif isinstance(step, Crush):
            for nucleus in {s.kind for s in self.p.spins}:
                z = np.diag(self.total(nucleus, "Iz")).real
                rho = np.where(np.abs(z[:, None] - z[None, :]) < 1e-9, rho, 0)
        elif isinstance(step, Dephase):
            w, v = np.linalg.eigh(self.operator(step.operator))
            inner = v.conj().T @ rho @ v
            rho = v @ np.where(np.abs(w[:, None] - w[None, :]) < 1e-9, inner, 0) @ v.conj().T
        elif isinstance(step, Delay):
            time = step.time.at(m)
            rho, seen = self.segment(rho, internal, relax, time, [], not turns, step.record[1] if step.record else 0)
            self.keep(step.record, time, seen)
            clock += time
        elif isinstance(step, Acquire):
            dwell = step.dwell.at(m)
            time = dwell * step.points
            rho, seen = self.segment(rho, internal, relax, time, [], not turns, step.points + 1)
            self.fids += 1
            seen = seen[:-1]
            self.keep(("fid" if self.fids == 1 else f"fid{self.fids}", step.points), time - dwell, seen)
            clock += time
        elif isinstance(step, Gradient):
            field = sum(-s.gamma * step.strength * m.position * self.single[k]["Iz"] for k, s in enumerate(self.p.spins))
            rho, _ = self.segment(rho, lambda t: internal(t) + field, relax, step.time.at(m), [], not turns)
            clock += step.time.at(m)
        elif isinstance(step, Evolve):
            rho, clock = self.evolve(step, rho, clock, m, internal, relax)
        elif isinstance(step, Pulse | Lock):
            rho, clock = self.pulses([step], "start", rho, clock, m)
        elif isinstance(step, Parallel):
            rho, clock = self.pulses(step.pulses, step.align, rho, clock, m)
        else:
            raise TypeError(step)
        return rho, clock

    def keep(self, record: tuple[str, int] | None, time: float, seen: list[Array]) -> None:
        if record:
            self.out[record[0]] = [(time * k / (record[1] - 1), x) for k, x in enumerate(seen)]

    def evolve(
        self, step: Evolve, rho: Array, clock: float, m: Member, internal: Callable[[Array], Array], relax: list[Array]
    ) -> tuple[Array, float]:
        time = step.time.at(m)
        collapse = relax + ([sqrt(r) * self.operator(o) for r, o in self.p.collapse] if step.noise else [])
        # Of a lab file, coefficients are frequencies.
        terms = [(self.two_pi * q.at(m) * self.operator(o), f) for q, f, o in step.terms]

        def h(t: Array) -> Array:
            out = internal(t).copy() if step.internal else np.zeros((len(t), self.size, self.size), complex)
            for op, f in terms:
                out += f.of(t)[:, None, None] * op
            return out

        constant = all(f is ONE for _, f in terms) and not (step.internal and self.p.spinning)
        rho, seen = self.segment(rho, h, collapse, time, cuts(f for _, f in terms), constant, step.record[1] if step.record else 0)
        self.keep(step.record, time, seen)
        return rho, clock + time

    def pulses(self, pulses: list[Any], align: str, rho: Array, clock: float, m: Member) -> tuple[Array, float]:
        internal = self.internal_at(m, clock)
        if all(isinstance(p, Pulse) and p.time is None for p in pulses):
            for p in pulses:
                angle = p.angle.at(m) * m.rf.get(p.nucleus, 1.0)
                u = expm(-1j * angle * self.rotation(p.nucleus, self.phase(p, m)))
                rho = u @ rho @ u.conj().T
            return rho, clock
        whole = max(p.time.at(m) for p in pulses)
        waves, edges, constant = [], [], not self.p.spinning
        for p in pulses:
            time = p.time.at(m)
            begin = {"start": 0.0, "centre": (whole - time) / 2, "end": whole - time}[align]
            wave, inner, flat = self.lock(p, time, m) if isinstance(p, Lock) else self.wave(p, time, m)
            waves.append((self.total(p.nucleus, "Ix"), self.total(p.nucleus, "Iy"), wave, begin, time))
            edges += [begin, begin + time, *(begin + e for e in inner)]
            constant = constant and flat

        def h(t: Array) -> Array:
            out = internal(t).copy()
            for x, y, wave, begin, time in waves:
                on = (t >= begin) & (t <= begin + time)
                strength, phase = wave(t - begin)
                out += (on * strength * np.cos(phase))[:, None, None] * x + (on * strength * np.sin(phase))[:, None, None] * y
            return out

        rho, _ = self.segment(rho, h, self.relaxation(), whole, edges, constant)
        return rho, clock + whole

    def rotation(self, nucleus: str, phase: float) -> Array:
        return np.cos(phase) * self.total(nucleus, "Ix") + np.sin(phase) * self.total(nucleus, "Iy")

    def phase(self, p: Pulse, m: Member) -> float:
        if p.cycle:
            phases = self.p.cycles[p.cycle]
            return phases[m.scan % len(phases)]
        return p.phase.at(m)

    def wave(self, p: Pulse, time: float, m: Member) -> tuple[Callable[[Array], tuple[Array, Array]], list[float], bool]:
        """Strength and phase at times after the beginning, edges, and whether both are constant."""
        rf = self.two_pi * p.rf.at(m) * m.rf.get(p.nucleus, 1.0)
        offset = self.two_pi * p.offset.at(m) if p.offset else 0.0

        def at(t: Array) -> tuple[Array, Array]:
            phase = self.phase(p, m) + offset * t
            if p.modulation:
                phase = phase + p.modulation[0] * p.modulation[1].of(t)
            if p.sweep:
                phase = phase + p.sweep.of(t)
            return rf * p.shape.of(t), phase

        functions = [p.shape] + ([p.modulation[1]] if p.modulation else [])
        flat = p.shape is ONE and not p.modulation and not p.sweep and not offset
        return at, cuts(functions), flat

    def lock(self, p: Lock, time: float, m: Member) -> tuple[Callable[[Array], tuple[Array, Array]], list[float], bool]:
        a, b, k = p.start.at(m), p.stop.at(m), p.argument

        def ramp(u: Array) -> Array:
            if p.shape == "exponential":
                return a + (b - a) * (1 - np.exp(-k * u)) / (1 - np.exp(-k))
            if p.shape == "tan":
                return k * np.tan(atan(a / k) + (atan(b / k) - atan(a / k)) * u)
            if p.shape == "constant_adiabaticity":
                return k * np.tan(np.arcsin(np.sin(atan(a / k)) + (np.sin(atan(b / k)) - np.sin(atan(a / k))) * u))
            return a + (b - a) * u

        def at(t: Array) -> tuple[Array, Array]:
            u = t / time
            if p.steps:
                u = (np.clip(np.floor(u * p.steps), 0, p.steps - 1) + 0.5) / p.steps
            strength = self.two_pi * m.rf.get(p.nucleus, 1.0) * ramp(u)
            return strength, np.full_like(t, p.phase.at(m))

        return at, [time * j / p.steps for j in range(1, p.steps)] if p.steps else [], bool(p.steps)


def cuts(functions: Iterable[Function]) -> list[float]:
    """Edges, and places about bumps so that no step overlooks one."""
    out: list[float] = []
    for f in functions:
        out += f.edges
        out += [c + k * w for c, w in f.narrow for k in (-6, -3, -1.5, 0, 1.5, 3, 6)]
    return out


@dataclass
class Results:
    """Values by name at marks and along traces, with the largest deviation from the maximally mixed state."""

    marks: dict[str, dict[str, float]]
    times: dict[str, float]
    traces: dict[str, dict[str, Array]]
    deviation: float
    energy: float


def emulate(program: Program) -> Results:
    """The mean over all members and scans, and what is measured on it."""
    e = Emulator(program)
    scans = 1
    for phases in program.cycles.values():
        scans = scans * len(phases) // gcd(scans, len(phases))
    mean: dict[str, list[tuple[float, Array]]] = {}
    for scan, member in every(range(scans), program.members):
        m = Member(**{**member.__dict__, "scan": scan, "weight": member.weight / scans})
        for name, states in e.run_member(m).items():
            weighted = [(m.weight * t, m.weight * rho) for t, rho in states]
            old = mean.get(name)
            mean[name] = weighted if old is None else [(t + s, x + y) for (t, x), (s, y) in zip(old, weighted, strict=True)]
    battery = sum(e.two_pi * c * e.operator(o) for c, o in program.battery)
    watched = {name: e.operator(o) for name, o in program.watched.items()}
    unit = 1.0 if program.natural else HBAR
    marks, traces, times, deviation = {}, {}, {}, 0.0
    for name, states in mean.items():
        rows = [measured(rho, battery, watched, unit) for _, rho in states]
        deviation = max(deviation, *(np.abs(rho - np.eye(e.size) / e.size).max() for _, rho in states))
        if len(states) == 1:
            marks[name], times[name] = rows[0], states[0][0]
        else:
            traces[name] = {key: np.array([row[key] for row in rows]) for key in rows[0]}
            traces[name]["time"] = np.array([t for t, _ in states])
            for nucleus in {s.kind for s in program.spins}:
                traces[name][f"signal({nucleus})"] = np.array([np.trace(rho @ e.total(nucleus, "Ip")) for _, rho in states])
    w = np.linalg.eigvalsh(battery)
    return Results(marks, times, traces, deviation, unit * (w[-1] - w[0]))


def measured(rho: Array, battery: Array, watched: dict[str, Array], unit: float) -> dict[str, float]:
    e, r = np.linalg.eigvalsh(battery), np.linalg.eigvalsh(rho)
    energy = np.trace(rho @ battery).real
    positive = r[r > 1e-300]
    out = {
        "energy": unit * energy,
        "ergotropy": unit * (energy - r[::-1] @ e),
        "capacity": unit * (r @ e - r[::-1] @ e),
        "purity": np.trace(rho @ rho).real,
        "entropy": float(-(positive * np.log2(positive)).sum()),
    }
    out.update({name: np.trace(rho @ op).real for name, op in watched.items()})
    return out
