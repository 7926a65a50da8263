//! Large state vectors under constant Hamiltonians: whichever method the cost selects, the curves are those of an independent Runge-Kutta
//! method, with every form of the Hamiltonian (real, real or imaginary after a choice of phases, complex), from real and complex states,
//! with few samples and with many.

use ergoseq::prelude::*;

/// Two collectives of more states than are diagonalised without a comparison of costs.
fn program(size: usize, start: &str, hamiltonian: &str, samples: usize) -> String {
    format!(
        "ergoseq 1
units natural
param n = {size}
system {{
    collective a : n * 1/2
    collective b : n * 1/2
}}
battery {{ energy = Iz(a), cells = a }}
sequence {{
    prepare down(a), up(b)
    {start}
    evolve {hamiltonian} for 0.7 record {samples} as r
    mark between
    evolve 0.3*Ix(a)*Ix(b)/n + Iz(b) for 0.2 record 3 as s
}}
measure {{
    stored_energy
    charging_power
    expectation(Ix(a))
    expectation(Iy(b))
    max(r.stored_energy)
}}
"
    )
}

/// The methods used, and the curves.
fn curves(text: &str, method: Method) -> (Vec<String>, Vec<Vec<f64>>) {
    let compiled = compile("states.seq", text, &mut no_files).unwrap_or_else(|r| panic!("{r}\n{text}"));
    // The Runge-Kutta method loses up to a factor of 100 of its local tolerance over a segment.
    let options = Options { method, tolerance: 1e-11, ..Options::default() };
    let run = run(&compiled.experiment, &Values::new(), &options).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut all = Vec::new();
    for trace in ["r", "s"] {
        for key in ["stored_energy", "charging_power", "expectation(Ix(a))", "expectation(Iy(b))"] {
            let curve = run.trace(trace).and_then(|t| t.curve(key)).unwrap_or_else(|| panic!("{trace}.{key}"));
            all.push(curve.iter().map(|x| x.unwrap()).collect());
        }
    }
    (run.how.methods.iter().map(|m| m.to_string()).collect(), all)
}

#[test]
fn every_method_gives_the_same_curves() {
    let hamiltonians = [
        // Real.
        "4*(Iz(a) + Iz(b)) + 0.4*(Im(b)*(0.5*Im(a) + Ip(a)) + hc)",
        // Imaginary after a choice of phases: nothing on the diagonal, and a bipartite graph.
        "0.4*(Im(b)*(0.5*Im(a) + Ip(a)) + hc)",
        // Real after a choice of phases.
        "3*Iy(a) + 2*Iz(a)*Iz(b)/n + 0.4*(Im(b)*Ip(a) + hc)",
        // Complex: the phases around a plaquette do not cancel.
        "2*Ix(a) + 1.5*Iy(b) + 0.3*(Ix(a)*Iy(b) - Iy(a)*Ix(b)) + 0.2*Ix(a)*Ix(b)",
    ];
    let starts = ["", "evolve 0.8*Iy(a) + 0.3*Iz(a) + 0.5*Ix(b) for 1"];
    let mut used = Vec::new();
    for hamiltonian in hamiltonians {
        for start in starts {
            for samples in [2, 61] {
                let text = program(13, start, hamiltonian, samples);
                let ((methods, auto), (_, other)) = (curves(&text, Method::Auto), curves(&text, Method::Dop853));
                used.extend(methods);
                for (k, (auto, other)) in auto.iter().zip(&other).enumerate() {
                    let largest = other.iter().fold(1.0f64, |most, x| most.max(x.abs()));
                    for (i, (x, y)) in auto.iter().zip(other).enumerate() {
                        assert!((x - y).abs() < 1e-8 * largest, "curve {k}, sample {i}: {x} against {y}\n{text}");
                    }
                }
            }
        }
    }
    for method in ["Chebyshev", "exact (eigenvalues)"] {
        assert!(used.iter().any(|m| m == method), "{method} was not tried: {used:?}");
    }
}
