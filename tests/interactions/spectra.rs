//! Laws of conserved spectra: unitaries leave eigenvalues alone, a pure state needs no matrix, and nothing depends on how the states of
//! a degenerate level are told apart.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use std::fmt::Write;
use std::time::Instant;

fn run(text: &str) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

/// The value of an entry of `measure` at a mark, by its name or its words without spaces.
fn at(run: &Run, mark: &str, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1
}

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        2.0 * ((self.0 >> 11) as f64 / (1u64 << 53) as f64) - 1.0
    }
}

/// A random Hamiltonian on some spins.
fn hamiltonian(random: &mut Random, spins: usize) -> String {
    let mut out = String::new();
    for k in 1..=spins {
        let _ = write!(out, " + ({:.4})*X(s[{k}]) + ({:.4})*Z(s[{k}])", random.next(), random.next());
        if k < spins {
            let next = k + 1;
            let _ = write!(
                out,
                " + ({:.4})*X(s[{k}])*Y(s[{next}]) + ({:.4})*Z(s[{k}])*Z(s[{next}])",
                random.next(),
                random.next()
            );
        }
    }
    out.trim_start_matches(" + ").to_string()
}

const KEYS: &[&str] = &[
    "energy",
    "ergotropy",
    "anti_ergotropy",
    "capacity",
    "entropy",
    "purity",
    "thermodynamic_bound",
    "free_energy_bound(1.3)",
    "incoherent_ergotropy",
    "coherent_ergotropy",
    "incoherent_capacity",
    "l1_coherence",
    "l1_coherence(energy)",
    "relative_entropy_coherence",
    "relative_entropy_coherence(energy)",
    "single_site_ergotropy(s[2])",
    "population(2)",
    "negativity(s[1])",
    "log_negativity(s[1],s[2])",
    "mutual_information(s[1],s[3])",
    "concurrence(s[1],s[2])",
    "fidelity",
    "trace_distance",
    "bures_angle",
    "correlation(Z(s[1]))",
    "order(Z(s[1]))",
    "coherence_order(0)",
    "coherence_order(1)",
    "spin_temperature(Z(s[1])+X(s[2]))",
    "gibbs_fidelity(Z(s[1])+X(s[2]))",
    "gibbs_correlation(Z(s[1])+X(s[2]))",
    "energy_fisher_information",
    "fisher_power_bound",
    "uncertainty_power_bound",
    "mandelstam_tamm_time",
    "margolus_levitin_time",
    "power",
    "charging_power",
];

/// The same pure state as a vector, and as a density matrix because a statement of no effect mixes: all metrics agree.
#[test]
fn a_vector_and_its_matrix_give_the_same() {
    for (seed, energy) in [(1, "local"), (2, "coupled"), (3, "diagonal")] {
        let mut random = Random(seed);
        let (drive, coupled) = (hamiltonian(&mut random, 3), hamiltonian(&mut random, 3));
        let battery = match energy {
            "local" => "X(s[1]) + 0.6*Z(s[2]) + 0.8*Y(s[3]) + 0.3*Z(s[1])".to_string(),
            "diagonal" => "Z(s[1])*Z(s[2]) + Z(s[3])".to_string(),
            _ => coupled,
        };
        let text = |mixing: &str| {
            format!(
                "ergoseq 1
units natural
system {{ spin s[3] : 1/2 }}
battery {{ energy = {battery} }}
sequence {{
    prepare ket \"010\"
    {mixing}
    evolve {drive} for 0.7
    mark m
}}
measure {{ {} }}",
                KEYS.join("\n")
            )
        };
        // The prepared state is diagonal, so dephasing in Z leaves it as it is; the run keeps a density matrix because of it.
        let (vector, matrix) = (run(&text("")), run(&text("dephase Z(s[1])")));
        assert!(vector.how.pure && !matrix.how.pure);
        for key in KEYS {
            let key: String = key.split_whitespace().collect();
            let (a, b) = (at(&vector, "m", &key), at(&matrix, "m", &key));
            match (a, b) {
                // Square roots of rounding in the eigenvalues of a matrix that has one eigenvalue only.
                (Some(a), Some(b)) => assert!((a - b).abs() < 3e-7 * (1.0 + a.abs()), "{energy} {key}: {a} {b}"),
                (a, b) => assert_eq!(a, b, "{energy} {key}"),
            }
        }
    }
}

/// Whatever unitaries act, what follows from eigenvalues stays, and an extracted work is bounded by it; a step that mixes changes it.
#[test]
fn unitaries_leave_eigenvalues_alone() {
    for seed in 10..13 {
        let mut random = Random(seed);
        let mut steps = String::new();
        for k in 0..4 {
            let _ = writeln!(
                steps,
                "    evolve {} for {:.3}\n    mark m{k}",
                hamiltonian(&mut random, 3),
                1.0 + random.next()
            );
        }
        let text = format!(
            "ergoseq 1
units natural
system {{ spin s[3] : 1/2 }}
hamiltonian H = {}
battery {{ energy = H }}
sequence {{
    prepare gibbs({}, 1.7)
{steps}    dephase Z(s[1]) + 0.3*X(s[2])
    mark mixed
    evolve {} for 0.4
    mark after
}}
measure {{ capacity, entropy, purity, ergotropy, anti_ergotropy, energy, passive = energy - ergotropy }}",
            hamiltonian(&mut random, 3),
            hamiltonian(&mut random, 3),
            hamiltonian(&mut random, 3),
        );
        let run = run(&text);
        for key in ["capacity", "entropy", "purity", "passive"] {
            let first = at(&run, "m0", key).unwrap();
            for mark in ["m1", "m2", "m3"] {
                assert!((at(&run, mark, key).unwrap() - first).abs() < 1e-12 * (1.0 + first.abs()), "{key} at {mark}");
            }
            let mixed = at(&run, "mixed", key).unwrap();
            assert!((mixed - first).abs() > 1e-6, "{key} is changed by dephasing");
            assert!((at(&run, "after", key).unwrap() - mixed).abs() < 1e-12 * (1.0 + mixed.abs()), "{key} after");
        }
    }
}

/// A degenerate level has no basis of its own: 1e-13 of a coupling that splits it, or the same Hamiltonian seen after a rotation inside of
/// it, changes nothing.
#[test]
fn degenerate_levels_are_not_told_apart() {
    let keys = [
        "l1_coherence(energy)",
        "relative_entropy_coherence(energy)",
        "incoherent_ergotropy",
        "coherent_ergotropy",
        "population(1)",
    ];
    let with = |small: &str, prepare: &str| {
        run(&format!(
            "ergoseq 1
units natural
system {{ spin a, b : 1/2 }}
hamiltonian H = -1/3 * (X(a)*X(b) + Y(a)*Y(b) - 2*Z(a)*Z(b))
battery {{ energy = H{small} }}
sequence {{
    prepare {prepare}
    evolve X(a) + X(b) + 0.4*Z(a) for 0.6
    mark m
}}
measure {{ {} }}",
            keys.join("\n")
        ))
    };
    for prepare in ["gibbs(H, 1)", "ket \"01\"", "gibbs(H + 0.3*X(a), 0.2)"] {
        let plain = with("", prepare);
        for small in [" + 1e-13*X(a)*X(b)", " + 1e-13*(X(a)*Y(b) + Z(a))", " - 1e-13*Y(b)"] {
            let other = with(small, prepare);
            for key in keys {
                let (a, b) = (at(&plain, "m", key).unwrap(), at(&other, "m", key).unwrap());
                assert!((a - b).abs() < 1e-10, "{prepare} {small} {key}: {a} {b}");
            }
        }
    }
}

/// Sixteen spins in a pure state: every metric has a value or says at once why not, and no matrix of the system is formed. A run of the
/// vector alone takes most of the time.
#[test]
fn large_pure_states_are_cheap() {
    let text = |measure: &str, spins: usize| {
        format!(
            "ergoseq 1
units natural
param N = {spins}
system {{ spin s[N] : 1/2 }}
battery {{ energy = sum(k in 1..N, Z(s[k])) }}
sequence {{
    prepare ket \"{}\"
    evolve sum(k in 1..N, X(s[k])) + Z(s[1])*Z(s[2]) for 0.3
    mark m
}}
measure {{ {measure} }}",
            "0".repeat(spins)
        )
    };
    let keys = [
        "energy",
        "ergotropy",
        "anti_ergotropy",
        "capacity",
        "state_of_charge",
        "efficiency",
        "entropy",
        "purity",
        "thermodynamic_bound",
        "incoherent_ergotropy",
        "coherent_capacity",
        "marginal_ergotropy",
        "ergotropic_gap",
        "l1_coherence(energy)",
        "relative_entropy_coherence",
        "population(1)",
        "fidelity",
        "bures_angle",
        "negativity(s[1], s[2])",
        "mutual_information(s[1], s[3])",
        "concurrence(s[1], s[2])",
        "correlation(Z(s[1]))",
        "coherence_order(1)",
        "energy_fisher_information",
        "margolus_levitin_time",
        "parallel_ergotropy",
        "conserving_ergotropy(Z(s[1]))",
        "discord(s[1], s[2])",
        "power",
    ];
    let begin = Instant::now();
    let run = run(&text(&keys.join("\n"), 14));
    let seconds = begin.elapsed().as_secs_f64();
    // A density matrix would hold 4.3 GB. The bound leaves room for a slow build on a busy machine.
    assert!(seconds < 60.0, "{seconds} s");
    let (w, e) = (at(&run, "m", "ergotropy").unwrap(), at(&run, "m", "energy").unwrap());
    assert!((w - e - 14.0).abs() < 1e-10);
    assert!((at(&run, "m", "ergotropic_gap").unwrap() + at(&run, "m", "marginal_ergotropy").unwrap() - w).abs() < 1e-9);
    let refused = ["parallel_ergotropy", "conserving_ergotropy(Z(s[1]))", "margolus_levitin_time"];
    for key in refused {
        assert_eq!(at(&run, "m", key), None, "{key}");
        let why = run.notes.iter().find(|n| n.starts_with(&format!("`{key}`"))).unwrap();
        assert!(why.contains("up to"), "{why}");
    }
    for key in keys.iter().filter(|k| !refused.contains(k) && **k != "efficiency") {
        let key: String = key.split_whitespace().collect();
        assert!(at(&run, "m", &key).is_some(), "{key}: {:?}", run.notes);
    }
}

/// `definite` spins of a collective are a product state: pure while unitaries act, and refused where only the average over the
/// permutations of the spins is known.
#[test]
fn definite_spins_are_never_silently_averaged() {
    let with = |steps: &str, prepare: &str, system: &str| {
        run(&format!(
            "ergoseq 1
units natural
system {{ {system} }}
battery {{ energy = Iz(c), cells = c }}
sequence {{ prepare {prepare}
    {steps}
    mark m }}
measure {{ energy, ergotropy, capacity, entropy, purity, fidelity, l1_coherence, population(1), stored_energy }}"
        ))
    };
    let drive = "evolve 0.7*Ix(c) + 0.3*Iz(c) for 1.1";
    let spins = with(drive, "ket \"0111\"", "spin c[4] : 1/2");
    let together = with(drive, "definite(c, 1)", "collective c : 4 * 1/2");
    for key in ["energy", "ergotropy", "capacity", "entropy", "purity", "stored_energy", "population(1)"] {
        let (a, b) = (at(&spins, "m", key).unwrap(), at(&together, "m", key).unwrap());
        assert!((a - b).abs() < 1e-11, "{key}: {a} {b}");
    }
    for key in ["fidelity", "l1_coherence"] {
        assert_eq!(at(&together, "m", key), None, "{key}");
    }
    assert!(together.notes.iter().any(|n| n.contains("permutations")), "{:?}", together.notes);
    // Together with something else only energies are known, and where the average is outside of the battery everything is.
    let other =
        with("evolve Ip(c)*Im(d) + hc for 0.4", "definite(c, 1), up(d)", "collective c : 3 * 1/2\n spin d : 1/2");
    assert!(at(&other, "m", "energy").is_some() && at(&other, "m", "ergotropy").is_none());
    let beside =
        with("evolve Ip(c)*Im(d) + hc for 0.4", "definite(d, 1), down(c)", "collective d : 3 * 1/2\n spin c : 1/2");
    let single = with(
        "evolve Ip(c)*(Im(d[1]) + Im(d[2]) + Im(d[3])) + hc for 0.4",
        "up(d[1]), down(d[2]), down(d[3]), down(c)",
        "spin d[3] : 1/2\n spin c : 1/2",
    );
    for key in ["energy", "ergotropy", "capacity", "entropy", "purity"] {
        let (a, b) = (at(&beside, "m", key).unwrap(), at(&single, "m", key).unwrap());
        assert!((a - b).abs() < 1e-11, "{key}: {a} {b}");
    }
}

/// Dipolar order lives for T1D at all times, whatever T1 and T2 do beside it.
#[test]
fn dipolar_order_decays_at_its_lifetime() {
    for relax in
        ["T1D = 20 ms", "T1 = 1 s, T2 = 100 ms, T1D = 20 ms, polarisation = 0", "T1 = 80 ms, T2 = 60 ms, T1D = 15 ms"]
    {
        for t in [1.0, 10.0, 50.0, 120.0] {
            let text = format!(
                "ergoseq 1
system {{
    field 9.4 T
    temperature 1e6 K
    spin p[3] : 1H
    dipolar p[1] p[2] = -30 kHz
    dipolar p[2] p[3] = 11 kHz
    relax p {{ {relax} }}
}}
sequence {{
    prepare high_temperature(dipolar, 1 mK)
    delay {t} ms
}}
measure {{ order(dipolar) }}"
            );
            let lifetime: f64 = relax.split("T1D = ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            let left = -at(&run(&text), "end", "order(dipolar)").unwrap();
            let right = (-t / lifetime).exp();
            assert!((left - right).abs() < 1e-7, "{relax} after {t} ms: {left} {right}");
        }
    }
}
