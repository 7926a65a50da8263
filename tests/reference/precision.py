"""Makes precision.json: metrics of states near the maximally mixed one, by mpmath at 50 digits.

    python3 -m venv venv && venv/bin/pip install mpmath && venv/bin/python precision.py > precision.json

A state is (1 + x)/d with a random Hermitian x without a trace whose largest eigenvalue is about p, a Hamiltonian h is random and has
a trace. Entries of x and h are doubles and are written out in full; every metric is worked out from them by its definition, with
eigenvalues and logarithms at 50 digits, so no formula of the program is used:

    ergotropy        Tr[rho h] - sum r(down) e(up)          anti_ergotropy, capacity likewise
    entropy_deficit  ln d - S                               thermodynamic_bound  E - E(tau), S(tau) = S(rho), by bisection
    free_energy_bound(T)  E - T S - (E(tau) - T S(tau)), T = spread/p
    bures_angle      arccos Tr sqrt(sqrt(a) b sqrt(a)) of the state and another one (y in the place of x)
    trace_distance   half the sum of |eigenvalues of the difference|
    mutual_information  S(a) + S(b) - S(ab), first spin against the rest
    relative_entropy_coherence  S(diagonal) - S
    coherence_of_energy  S(D[rho]) - S, D between the levels of h
    incoherent_ergotropy  W(D[rho])
    correlation      Tr[x h0]/sqrt(Tr x^2 Tr h0^2)          spin_temperature  T of the Gibbs state with the energy of rho
    classical_correlation, discord  of Bell-diagonal pairs (1 + sum c_k s_k s_k)/4: Luo, Phys. Rev. A 77, 042303
"""

import json
import random

from mpmath import mp, mpf, mpc, matrix, eigh, log, sqrt, exp, acos, diag

mp.dps = 50
random.seed(7)


def hermitian(n, size, trace):
    a = [[complex(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(n)] for _ in range(n)]
    m = [[0j] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            m[i][j] = a[i][j] * size
            m[j][i] = m[i][j].conjugate()
        m[i][i] = complex(a[i][i].real * size, 0)
    if not trace:
        # Made to add up to zero exactly: all but the last are rounded to a grid on which sums are exact.
        grid = 2.0 ** (round(float(mp.log(size, 2))) - 30)
        for i in range(n):
            m[i][i] = complex(round(m[i][i].real / grid) * grid, 0)
        m[n - 1][n - 1] = complex(-sum(m[k][k].real for k in range(n - 1)), 0)
    return m


def mpm(m):
    return matrix([[mpc(x) for x in row] for row in m])


def values(m):
    return sorted(eigh(m, eigvals_only=True))


def entropy(m):
    return sum(-r * log(r) for r in values(m) if r > 0)


def root(m):
    e, v = eigh(m)
    return v * diag([sqrt(max(x, mpf(0))) for x in e]) * v.H


def trace(m):
    return sum(m[k, k] for k in range(m.rows)).real


def partial(m, a, b, first):
    n = a if first else b
    out = matrix(n, n)
    for i in range(n):
        for j in range(n):
            for r in range(b if first else a):
                k, l = (i * b + r, j * b + r) if first else (r * b + i, r * b + j)
                out[i, j] += m[k, l]
    return out


def thermal(levels, beta):
    w = [exp(-beta * (e - levels[0])) for e in levels]
    z = sum(w)
    energy = sum(e * x for e, x in zip(levels, w)) / z
    return energy, beta * (energy - levels[0]) + log(z)


def case(spins, p):
    d = 2**spins
    size = p / (2 * d**0.5)
    x, y, h = hermitian(d, size, False), hermitian(d, size, False), hermitian(d, 1.0, True)
    one = diag([mpf(1)] * d)
    rho, other, hm = (one + mpm(x)) / d, (one + mpm(y)) / d, mpm(h)
    r, e = values(rho), values(hm)
    energy, s = trace(rho * hm), entropy(rho)
    passive = sum(a * b for a, b in zip(reversed(r), e))
    active = sum(a * b for a, b in zip(r, e))
    low, high = mpf("1e-40"), mpf("1e10")
    for _ in range(400):
        middle = sqrt(low * high)
        low, high = (middle, high) if thermal(e, middle)[1] > s else (low, middle)
    t = (e[-1] - e[0]) / mpf(p)
    tau_energy, tau_entropy = thermal(e, 1 / t)
    a = root(rho)
    fidelity_root = sum(sqrt(max(v, mpf(0))) for v in values(a * other * a))
    ev, vectors = eigh(hm)
    inside = vectors.H * rho * vectors
    dephased = vectors * diag([inside[k, k].real for k in range(d)]) * vectors.H
    rd = sorted(inside[k, k].real for k in range(d))
    h0 = hm - one * (trace(hm) / d)
    xm = mpm(x)
    out = {
        "ergotropy": energy - passive,
        "anti_ergotropy": active - energy,
        "capacity": active - passive,
        "entropy_deficit": log(d) - s,
        "thermodynamic_bound": energy - thermal(e, sqrt(low * high))[0],
        "free_energy_bound": (energy - t * s) - (tau_energy - t * tau_entropy),
        "bures_angle": acos(fidelity_root),
        "trace_distance": sum(abs(v) for v in values(rho - other)) / 2,
        "relative_entropy_coherence": (sum(-rho[k, k].real * log(rho[k, k].real) for k in range(d)) - s) / log(2),
        "coherence_of_energy": (entropy(dephased) - s) / log(2),
        "incoherent_ergotropy": energy - sum(a * b for a, b in zip(reversed(rd), e)),
        "correlation": trace(xm * h0) / sqrt(trace(xm * xm) * trace(h0 * h0)),
        "l1_coherence": sum(abs(rho[i, j]) for i in range(d) for j in range(d) if i != j),
    }
    target = energy - trace(hm) / d
    sign = -1 if target > 0 else 1
    low, high = mpf("1e-40"), mpf("1e10")
    levels = [v - trace(hm) / d for v in (e if sign > 0 else [-v for v in reversed(e)])]
    if sign < 0:
        levels = [-(v - trace(hm) / d) for v in reversed(e)]
    for _ in range(400):
        middle = sqrt(low * high)
        low, high = (middle, high) if thermal(levels, middle)[0] > -abs(target) else (low, middle)
    out["spin_temperature"] = sign / sqrt(low * high)
    if spins > 1:
        rest = d // 2
        parts = entropy(partial(rho, 2, rest, True)) + entropy(partial(rho, 2, rest, False))
        out["mutual_information"] = (parts - s) / log(2)
    flat = lambda m: [v for row in m for z in row for v in (z.real, z.imag)]
    return {
        "spins": spins,
        "p": p,
        "x": flat(x),
        "y": flat(y),
        "h": flat(h),
        "temperature": float(t),
        "metrics": {k: float(v) for k, v in out.items()},
    }


def bell(p):
    c = [p * v for v in (0.3, -0.4, 0.56)]
    c = [mpf(v) for v in c]
    eigenvalues = [
        (1 - c[0] - c[1] - c[2]) / 4,
        (1 - c[0] + c[1] + c[2]) / 4,
        (1 + c[0] - c[1] + c[2]) / 4,
        (1 + c[0] + c[1] - c[2]) / 4,
    ]
    mutual = 2 + sum(v * log(v, 2) for v in eigenvalues)
    m = max(abs(v) for v in c)
    classical = (1 - m) / 2 * log(1 - m, 2) + (1 + m) / 2 * log(1 + m, 2)
    return {
        "p": p,
        "c": [float(v) for v in c],
        "mutual_information": float(mutual),
        "classical_correlation": float(classical),
        "discord": float(mutual - classical),
    }


sizes = [1e-2, 1e-4, 1e-5, 1e-6, 1e-8, 5e-9, 1e-10]
print(json.dumps({"cases": [case(n, p) for n in (1, 2, 3) for p in sizes], "bell": [bell(p) for p in sizes]}))
