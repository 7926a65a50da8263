"""Loading, running, drawing, and what is wrong."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import ergoseq

from .conftest import PAIR, SEQUENCES


def test_a_run_is_that_of_the_command(jeener_broekaert: ergoseq.Sequence) -> None:
    result = jeener_broekaert.run()
    # From the table of `ergoseq run sequences/jeener_broekaert.seq`: W at charged and the order at prepared.
    assert result["ergotropy"]["charged"] == pytest.approx(8.3498e-34, rel=1e-4)
    assert result.marks == ["prepared", "charged", "end"]
    assert result.times[-1] == pytest.approx(9.506e-6, rel=1e-3)
    # Texts and numbers give the same.
    assert jeener_broekaert.run(tau="3 us")["ergotropy"] == jeener_broekaert.run(tau=3e-6)["ergotropy"]


def test_traces_and_summaries(pair: ergoseq.Sequence) -> None:
    result = pair.run(T=0.5)
    charging = result.traces["charging"]
    assert charging.time.shape == (21,)
    assert charging["ergotropy"].max() == pytest.approx(result["xi_max"], rel=1e-12)
    data = result.to_xarray()
    assert data["charging.ergotropy"].dims == ("charging_sample",)
    assert float(data.ergotropy.sel(mark="charged")) == pytest.approx(result["ergotropy"]["charged"])
    with pytest.raises(KeyError, match="results are xi_max, ergotropy"):
        result["ergotropi"]


def test_states_are_density_matrices_and_qobj(pair: ergoseq.Sequence) -> None:
    result = pair.run()
    rho = result.state("charged")
    assert rho.shape == (4, 4) and rho.dtype == np.complex128
    assert np.trace(rho) == pytest.approx(1.0)
    assert np.allclose(rho, rho.conj().T, atol=1e-15)
    z = np.diag([1.0, -1.0])
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    h = np.kron(z, z) - np.kron(x, x) - np.kron(y, y)
    assert ergoseq.metrics.ergotropy(rho, h) == pytest.approx(result["ergotropy"]["charged"], abs=1e-12)
    qutip = pytest.importorskip("qutip")
    q = result.qobj("charged")
    assert q.dims == [[2, 2], [2, 2]]
    # Both ways: a Qobj is taken where an array is.
    assert ergoseq.metrics.energy(q, qutip.Qobj(h, dims=q.dims)) == pytest.approx(qutip.expect(qutip.Qobj(h, dims=q.dims), q))
    with pytest.raises(KeyError, match="unknown mark 'nowhere'"):
        result.state("nowhere")
    # The state is the one that acts on the first subsystem by its first factor: an imaginary part keeps its sign.
    turned = ergoseq.load(PAIR.replace("prepare gibbs(H, T)", 'prepare ket "00"').replace("(X(a) + X(b))", "X(a)")).run()
    expected = np.zeros((4, 4), complex)
    c, s = np.cos(np.pi / 4), np.sin(np.pi / 4)
    psi = np.array([c, 0, -1j * s, 0])
    assert np.allclose(turned.state("charged"), np.outer(psi, psi.conj()), atol=1e-12), expected


MIXED = """ergoseq 1
units natural
param n = 4
system {
    mode m : n
    spin b : 1/2
    spin c[2] : 1
}
sequence { prepare ket "3000" }
measure { number = expectation(number(m)) }
"""


def test_factors_of_a_qobj_are_the_declared_subsystems() -> None:
    qutip = pytest.importorskip("qutip")
    for n in (4, 5, 8):
        result = ergoseq.load(MIXED).run(n=n, states=True)
        q = result.qobj()
        assert q.dims == [[n, 2, 3, 3], [n, 2, 3, 3]]
        assert qutip.expect(qutip.num(n), q.ptrace(0)) == pytest.approx(result["number"]["end"])
    assert result.qobj(dims=[8, 18]).dims == [[8, 18], [8, 18]]
    with pytest.raises(ValueError, match="product of 4, the state has 144 levels"):
        result.qobj(dims=[2, 2])


def named(*names: str) -> ergoseq.Sequence:
    params = ", ".join(f"{name} = 2" for name in names)
    text = f"ergoseq 1\nunits natural\nparam {params}\nsystem {{ spin a : 1/2 }}\n"
    return ergoseq.load(text + f'sequence {{ prepare ket "0"\n evolve X(a) for {names[0]} }}\nmeasure {{ z = expectation(Z(a)) }}\n')


def test_a_parameter_that_is_named_like_an_option_is_never_swallowed() -> None:
    for name in ("states", "method", "threads", "typical", "kind", "fixed", "resume", "params"):
        sequence = named(name)
        expected = np.cos(2 * 0.5)
        assert sequence.run(params={name: 0.5})["z"]["end"] == pytest.approx(expected)
        assert float(sequence.sweep(params={name: [0.5]}).z.sel(mark="end")[0]) == pytest.approx(expected)
        assert sequence.check(params={name: 0.5}) == []
        for call in (sequence.run, sequence.sweep, sequence.plot, sequence.check, sequence.report):
            options = inspect.signature(call).parameters
            if name in options:
                with pytest.raises(TypeError, match="an option of .* and a parameter of the file"):
                    call(**{name: 0.5})
    # Both at once: the parameter within `params`, the option beside it.
    both = named("states").run(states=True, params={"states": 0.5})
    assert both["z"]["end"] == pytest.approx(np.cos(1.0)) and both.state().shape == (2, 2)
    with pytest.raises(TypeError, match="given twice"):
        named("x").run(x=1.0, params={"x": 2.0})
    with pytest.raises(TypeError, match="must be a dictionary"):
        named("x").run(params=3)  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_only_regular_files_of_some_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.seq")
    with open(tmp_path / "large.seq", "wb") as file:
        file.truncate(65 << 20)
    (tmp_path / "latin.seq").write_bytes(b"ergoseq 1\n# \xfc\n")
    for name, why in [("pipe.seq", "not a regular file"), ("large.seq", "larger than 64 MB"), ("latin.seq", "UTF-8")]:
        with pytest.raises(OSError, match=why):
            ergoseq.load(tmp_path / name)
        with pytest.raises(ergoseq.ErgoseqError, match=why):
            ergoseq.load(f'ergoseq 1\nuse "{name}"\nsequence {{ prepare mixed }}\n', folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        ergoseq.load(tmp_path / "nowhere.seq")


def test_files_lie_in_the_folder_or_where_the_caller_allows(tmp_path: Path) -> None:
    own, shared, other = tmp_path / "own", tmp_path / "shared", tmp_path / "other"
    for folder in (own, shared, other):
        folder.mkdir()
        (folder / "x.seq").write_text("ergoseq 1\nparam p = 2\n")
    text = 'ergoseq 1\nunits natural\nuse "../shared/x.seq"\nsystem { spin a : 1/2 }\nsequence { prepare mixed }\nmeasure { purity }\n'
    (own / "main.seq").write_text(text)
    for source in (own / "main.seq", text):
        with pytest.raises(ergoseq.ErgoseqError, match="allow_path"):
            ergoseq.load(source, folder=own)
        with pytest.raises(ergoseq.ErgoseqError, match="outside the folder"):
            ergoseq.load(source, folder=own, allow_path=[other])
        assert "p" in ergoseq.load(source, folder=own, allow_path=[other, shared]).params
    with pytest.raises(TypeError, match="list of folders"):
        ergoseq.load(own / "main.seq", allow_path=str(shared))


CHAIN = """ergoseq 1
param n = 6
system {
    field 11.7 T
    temperature 300 K
    spin s[n] : 1H
    position s[k] = (0, 2.4*(k - 1), 0) angstrom for k in 1..n
    dipolar all
}
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
    acquire 1H points 64 dwell 2 us
}
measure { signal(1H), signal_im(1H) }
"""


def test_random_vectors_stand_for_a_density_matrix() -> None:
    chain = ergoseq.load(CHAIN)
    exact, typical = chain.run(), chain.run(typical=400)
    a, b = (run.traces["fid"]["signal_im(1H)"] for run in (exact, typical))
    # Errors fall as one over the root of the number of states times that of vectors: some 0.6 per cent here; five of them.
    assert np.abs(a - b).max() < 0.03 * np.abs(a).max()
    assert any("standard error" in note for note in typical.notes)
    # Fourteen spins fit only so.
    with pytest.raises(ergoseq.ErgoseqError, match="density matrix"):
        chain.run(n=14)
    large = chain.run(n=14, typical=1).traces["fid"]["signal_im(1H)"]
    assert np.abs(large).max() > 0.0


def test_mistakes_have_a_place_and_a_help() -> None:
    with pytest.raises(ergoseq.ErgoseqError) as caught:
        ergoseq.load("ergoseq 1\nsystem { spin a : 1H }\nsequence {\n    prepare termal\n}\n")
    error = caught.value
    assert (error.code, error.line, error.column) == ("E201", 4, 13)
    assert "did you mean `thermal`?" in error.rendered
    assert error.diagnostics[0].file == "<text>"
    again = pickle.loads(pickle.dumps(error))
    assert again.code == "E201" and again.rendered == error.rendered
    with pytest.raises(OSError):
        ergoseq.load("nowhere.seq")


def test_values_are_checked(jeener_broekaert: ergoseq.Sequence) -> None:
    with pytest.raises(ergoseq.ErgoseqError) as caught:
        jeener_broekaert.run(tua=1e-6)
    assert "did you mean `tau`?" in caught.value.rendered
    with pytest.raises(ergoseq.ErgoseqError) as caught:
        jeener_broekaert.run(tau="3 kHz")
    assert caught.value.code.startswith("E3")
    with pytest.raises(TypeError, match="must be a number or a text"):
        jeener_broekaert.run(tau=[1e-6])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="methods are auto, dop853, plain"):
        jeener_broekaert.run(method="magic")
    assert jeener_broekaert.check(tau="2 us") == []


def test_pictures_and_pages(pair: ergoseq.Sequence, tmp_path: Path) -> None:
    assert pair.plot("ergotropy").data.startswith(b"<svg")
    assert pair.plot("city", kind="png").data.startswith(b"\x89PNG")
    pair.plot("hinton", kind="pdf").save(tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert pair.report().page.startswith("<!doctype html>")
    assert "<svg" in pair._repr_html_()
    assert "srcdoc" in pair.report()._repr_html_()
    with pytest.raises(ValueError, match="not a picture format"):
        pair.plot(kind="gif")
    with pytest.raises(ValueError, match="unknown result"):
        pair.plot("entropi")


def test_files_are_found_beside_the_file() -> None:
    result = ergoseq.load(SEQUENCES / "lab" / "dm_from_j.seq").run()
    assert result.marks[-1] == "end"


def test_other_threads_run_meanwhile() -> None:
    text = PAIR.replace("record 21", "record 20001")
    sequence = ergoseq.load(text)
    counted = 0
    over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    begun = time.perf_counter()
    while time.perf_counter() - begun < 0.5:
        sequence.run(method="dop853")
    over.set()
    thread.join()
    assert counted > 20


# A shell starts background jobs with the interrupt ignored, which children inherit.
LONG = """
import ergoseq, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
text = '''ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin s[8] : 1H
    position s[k] = (0, 0, 2.5*k) angstrom for k in 1..8
    dipolar all
}
channel 1H { rf = 50 kHz }
sequence {
    prepare thermal
    lock 1H phase x from 50 kHz to 0 kHz over 1 s shape linear steps 1000
}
measure { purity }
'''
sequence = ergoseq.load(text)
print("begun", flush=True)
try:
    sequence.run(method="plain")
except KeyboardInterrupt:
    print("interrupted", flush=True)
    import os
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_is_heard() -> None:
    child = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    time.sleep(0.5)
    begun = time.perf_counter()
    os.kill(child.pid, signal.SIGINT)
    assert child.stdout.readline() == "interrupted\n"
    assert time.perf_counter() - begun < 20
    child.wait(timeout=60)
