//! One experiment in different spaces: all 2^(M+N) states of single spins as a density matrix, the multiplets of collectives, and
//! the sectors and orbits that pure states stay in. All must agree, metrics included.

use ergoseq::emulator::{Method, Options, Run};
use ergoseq::hamiltonian::Values;

fn run_with(text: &str, method: Method) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let options = Options { method, ..Options::default() };
    ergoseq::run(&compiled.experiment, &Values::new(), &options)
        .unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

fn run(text: &str) -> Run {
    run_with(text, Method::Auto)
}

/// The largest difference between all curves of two runs; they must have the same names and samples.
fn apart(a: &Run, b: &Run) -> f64 {
    let mut largest = 0.0f64;
    let mut compared = 0;
    for (x, y) in a.traces.iter().zip(&b.traces) {
        assert_eq!(x.time, y.time);
        for ((key, u), (other, v)) in x.values.iter().zip(&y.values) {
            assert_eq!(key, other);
            for (u, v) in u.iter().zip(v) {
                compared += 1;
                largest = match (u, v) {
                    (Some(u), Some(v)) => largest.max((u - v).abs()),
                    (None, None) => largest,
                    _ => f64::INFINITY,
                };
            }
        }
    }
    assert!(compared > 0, "nothing to compare");
    largest
}

/// M cells and N charger spins; `cells` and `charger` say what they are, `prepare` from what.
fn spin_charger(m: usize, n: usize, gamma: f64, cells: &str, charger: &str, prepare: &str) -> String {
    format!(
        "ergoseq 1
units natural
system {{
    {cells}
    {charger}
}}
battery {{ energy = 1.3 * Iz(c), cells = c }}
sequence {{
    prepare {prepare}
    evolve 1.3 * Iz(c) + 1.3 * Iz(d) + 0.4 * (Im(d) * ({gamma} * Im(c) + Ip(c)) + hc) for {} record 13 as charging
}}
measure {{
    stored_energy
    charging_power
    ergotropy
    anti_ergotropy
    capacity
    power
    entropy
    purity
}}",
        20.0 / (m + n) as f64
    )
}

fn singles(name: &str, number: usize) -> String {
    format!("spin {name}[{number}] : 1/2")
}

fn collective(name: &str, number: usize) -> String {
    format!("collective {name} : {number} * 1/2")
}

#[test]
fn multiplets_and_sectors_agree_with_every_single_spin() {
    for (m, n) in [(1, 1), (1, 3), (2, 2), (3, 2), (2, 4), (3, 3)] {
        for gamma in [0.0, 0.6, 1.0] {
            let ket = "1".repeat(m) + &"0".repeat(n);
            // A mixture of one state is kept as a density matrix, so all of the space is moved.
            let brute =
                run(&spin_charger(m, n, gamma, &singles("c", m), &singles("d", n), &format!("mix(1: ket \"{ket}\")")));
            assert!(!brute.how.pure);
            let multiplets =
                run(&spin_charger(m, n, gamma, &collective("c", m), &collective("d", n), "down(c), up(d)"));
            let orbits = run(&spin_charger(m, n, gamma, &singles("c", m), &singles("d", n), &format!("ket \"{ket}\"")));
            for other in [&multiplets, &orbits] {
                assert!(apart(&brute, other) < 1e-11, "M = {m}, N = {n}, gamma = {gamma}: {}", apart(&brute, other));
            }
            // Smaller spaces are left whole.
            if (m + 1) * (n + 1) > 8 {
                let sector = if gamma == 0.0 { m.min(n) + 1 } else { ((m + 1) * (n + 1)).div_ceil(2) };
                assert_eq!(multiplets.how.dimension, sector as f64, "M = {m}, N = {n}, gamma = {gamma}");
                assert_eq!(orbits.how.dimension, sector as f64, "orbits of equal spins are the multiplets' states");
            }
        }
    }
}

#[test]
fn definite_spins_are_the_same_as_single_ones() {
    // The first of three cells is up, two of three charger spins.
    let single = spin_charger(3, 3, 0.3, &singles("c", 3), &singles("d", 3), "mix(1: ket \"011001\")");
    let together = spin_charger(3, 3, 0.3, &collective("c", 3), &collective("d", 3), "definite(c, 1), definite(d, 2)");
    let (single, together) = (run(&single), run(&together));
    // Energies are those of the definite state. Its entropy is not: a collective does not tell which spin is up.
    let energy = |r: &Run| r.traces[0].values[0].1.clone();
    for (a, b) in energy(&single).iter().zip(energy(&together)) {
        assert!((a.unwrap() - b.unwrap()).abs() < 1e-11);
    }
}

#[test]
fn hot_collectives_are_hot_spins() {
    for (m, n) in [(2, 3), (3, 3)] {
        let prepare = "gibbs(0.7 * Iz(c), 0.5), gibbs(-0.9 * Iz(d), 0.6)";
        let single = run(&spin_charger(m, n, 0.4, &singles("c", m), &singles("d", n), prepare));
        let together = run(&spin_charger(m, n, 0.4, &collective("c", m), &collective("d", n), prepare));
        assert!(apart(&single, &together) < 1e-11, "{}", apart(&single, &together));
        let mixed = "mixed(c), up(d)".to_string();
        let up = (1..=n).map(|k| format!("up(d[{k}])")).collect::<Vec<_>>().join(", ");
        let single = run(&spin_charger(m, n, 0.4, &singles("c", m), &singles("d", n), &format!("mixed(c), {up}")));
        let together = run(&spin_charger(m, n, 0.4, &collective("c", m), &collective("d", n), &mixed));
        assert!(apart(&single, &together) < 1e-11);
    }
}

#[test]
fn conserved_parts_do_not_change_what_is_found() {
    // A chain that conserves the total Iz, from a mixed state: parts are moved one by one. Dop853 moves the whole matrix.
    let text = "ergoseq 1
units natural
param N = 5
system { spin s[N] : 1/2 }
hamiltonian chain = sum(k in 1..N-1, X(s[k])*X(s[k+1]) + Y(s[k])*Y(s[k+1]) + 0.5*Z(s[k])*Z(s[k+1]))
    + sum(k in 1..N, 0.2*k*Z(s[k]))
battery { energy = Z(s[1]) + Z(s[2]), cells = s[1] s[2] }
sequence {
    prepare gibbs(0.3 * sum(k in 1..N, k * Z(s[k])), 1)
    evolve chain for 1.5 record 7 as charging
}
measure { entropy, purity, concurrence(s[1], s[2]), negativity(s[3]) }";
    let (exact, other) = (run(text), run_with(text, Method::Dop853));
    assert!(apart(&exact, &other) < 1e-8, "{}", apart(&exact, &other));
}

#[test]
fn a_cutoff_that_is_never_felt_is_not_reported() {
    let text = |gamma: &str, cutoff: &str| {
        format!(
            "ergoseq 1
units natural
system {{
    collective cells : 3 * 1/2
    mode cavity : {cutoff}
}}
battery {{ energy = Iz(cells), cells = cells }}
sequence {{
    prepare down(cells), fock(cavity, 3)
    evolve 4 * Iz(cells) + 4 * number(cavity) + (lower(cavity) * ({gamma} * Im(cells) + Ip(cells)) + hc) for 3 record 31 as charging
}}
measure {{ stored_energy, E = max(stored_energy) }}"
        )
    };
    let exact = run(&text("0", "4"));
    assert!(exact.how.truncation.is_empty(), "photons never exceed three");
    let felt = run(&text("0.5", "40"));
    let (mode, population) = &felt.how.truncation[0];
    assert!(mode == "cavity" && *population < 1e-9);
    assert!(apart(&felt, &run(&text("0.5", "50"))) < 1e-10, "the result does not depend on the cutoff");
}

#[test]
fn the_largest_power_of_a_thousand_cells() {
    let text = include_str!("../../sequences/papers/spin_charger.seq");
    let compiled = ergoseq::compile("spin_charger.seq", text, &mut ergoseq::no_files).unwrap();
    let mut experiment = compiled.experiment;
    experiment.measures.retain(|m| m.key == "P_max");
    let values: Values = [("M", 1000.0), ("N", 1000.0), ("window", 0.02)].map(|(k, v)| (k.to_string(), v)).into();
    let run = ergoseq::run(&experiment, &values, &Options::default()).unwrap();
    assert_eq!(run.how.dimension, 1001.0);
    // An independent tridiagonal eigensolver gives 154525.4886.
    assert!((run.summary[0].1.unwrap() - 154_525.488_6).abs() < 1e-3);
}
