//! The speed limits of single statements.

use super::{compiled, run_at, value};

/// Even numbers between 0 and 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn no_speed_limit_is_longer_than_the_time_that_was_taken() {
    let mut random = Random(7);
    let mut defined = [0; 2];
    for round in 0..60 {
        let prepare = ["ket \"00\"", "ket \"01\"", "gibbs(H + 0.7*X(a), 0.3)", "gibbs(H + X(b), 3)"][round % 4];
        let mut sequence = String::new();
        for _ in 0..1 + (random.next() * 3.0) as usize {
            let mut c = || 2.0 * random.next() - 1.0;
            let h = format!("({})*X(a) + ({})*Y(b) + ({})*Z(a)*Z(b) + ({})*Z(b)", c(), c(), c(), c());
            // From so short that the angle is near its rounding to several periods.
            let time = 10f64.powf(3.0 * random.next() - 2.0);
            let statement = match (random.next() * 4.0) as usize {
                0 => format!("loop 3 {{ evolve {h} for {time} }}"),
                1 => format!("evolve {h} for {time} record 7 as c{}", sequence.len()),
                _ => format!("evolve {h} for {time}"),
            };
            sequence += &format!("    {statement}\n    mark m{}\n", sequence.len());
        }
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nhamiltonian H = Z(a)*Z(b) + 0.3*Z(a)\nbattery {{ energy = H }}
sequence {{\n    prepare {prepare}\n{sequence}}}\nmeasure {{ mandelstam_tamm_time, margolus_levitin_time, elapsed }}\n"
        );
        let run = run_at(&compiled(&text), &[]);
        for (k, key) in ["mandelstam_tamm_time", "margolus_levitin_time"].iter().enumerate() {
            let mut check = |limit: Option<f64>, elapsed: Option<f64>| {
                if let Some(limit) = limit {
                    defined[k] += 1;
                    // The angle between two mixed states that are near each other has an error of 1e-7.
                    assert!(limit <= elapsed.unwrap() + 1e-6 && limit >= 0.0, "{limit} after {elapsed:?} in\n{text}");
                }
            };
            for mark in &run.marks {
                check(value(&run, &mark.name, key), value(&run, &mark.name, "elapsed"));
            }
            for trace in &run.traces {
                let column = |key: &str| &trace.values.iter().find(|(k, _)| k == key).unwrap().1;
                for (limit, elapsed) in column(key).iter().zip(column("elapsed")) {
                    check(*limit, *elapsed);
                }
            }
        }
    }
    assert!(defined.iter().all(|n| *n > 100), "{defined:?}");
}

/// A qubit on the equator saturates Mandelstam and Tamm; one of equal weights on two levels reaches the orthogonal state when Margolus and
/// Levitin say so; what changes or relaxes has no limit, and says why.
#[test]
fn speed_limits_belong_to_one_statement() {
    let at = |sequence: &str, key: &str| {
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nnoise damping {{ collapse 0.3*Z(a) }}\nbattery {{ energy = Z(a) }}
sequence {{\n prepare ket \"0\"\n {sequence}\n mark m\n}}\nmeasure {{ mandelstam_tamm_time, margolus_levitin_time }}\n"
        );
        let run = run_at(&compiled(&text), &[]);
        (value(&run, "m", key), run.notes.join("\n"))
    };
    let near = |found: Option<f64>, right: f64| (found.unwrap() - right).abs() < 1e-9 * right;
    for key in ["mandelstam_tamm_time", "margolus_levitin_time"] {
        // X has the levels -1 and 1: the angle is the time, and pi/2 is the time to the orthogonal state.
        assert!(near(at("evolve X(a) for pi/2", key).0, std::f64::consts::FRAC_PI_2), "{key}");
    }
    assert!(near(at("evolve X(a) for 1\n evolve 0.01*X(a) for 0.001", "mandelstam_tamm_time").0, 0.001));
    assert!(near(at("evolve X(a) for 1", "mandelstam_tamm_time").0, 1.0));
    assert!(at("evolve X(a) for 1\n evolve 0.01*X(a) for 0.001", "margolus_levitin_time").0.unwrap() <= 0.001);
    for (sequence, why) in [
        ("evolve cos(t)*X(a) for 1", "is time-dependent"),
        ("evolve X(a) for 1 with damping", "relaxes"),
        ("evolve X(a) for 1\n dephase Y(a)", "no Hamiltonian acts"),
        ("evolve Z(a) for 1", "the variance of the driving Hamiltonian is zero"),
    ] {
        let (found, notes) = at(sequence, "mandelstam_tamm_time");
        assert!(found.is_none() && notes.contains(why), "{sequence}: {found:?}\n{notes}");
    }
}
