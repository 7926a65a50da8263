//! Which sets of readouts are complete: ranks, condition numbers, the smallest set.

use super::{TWO_PI, alike, reference, set_of, spin, unlike, words};
use ergoseq::spin::LocalKind;
use ergoseq::tomography::{PlanError, plan, plan_of};

#[test]
fn ranks_and_condition_numbers_are_those_of_the_reference() {
    let reference = reference();
    for (name, detected) in [("readout_sets_detect_both", 2), ("readout_sets_detect_spin1_only", 1)] {
        let sample = unlike(2, detected);
        for (set, expected) in reference[name].as_object().unwrap() {
            let set = match set.as_str() {
                s if s.starts_with("all9") => "II,IX,IY,XI,XX,XY,YI,YX,YY",
                s => s.trim_end_matches(" (8)"),
            };
            let rank = expected["rank"].as_u64().unwrap() as usize;
            match plan_of(&sample, &words(set)) {
                Ok(found) => {
                    assert_eq!(found.rank, rank, "{set}");
                    if let Some(condition) = expected["cond"].as_f64() {
                        assert!((found.condition - condition).abs() < 1e-9, "{set}: {}", found.condition);
                    }
                }
                Err(PlanError::Blind(seen, visible, _)) => {
                    assert_eq!(seen, rank, "{set}");
                    // With a delay one channel is enough: the coupling brings across what the other holds.
                    assert_eq!(visible, 15);
                }
                Err(other) => panic!("{set}: {other}"),
            }
        }
    }
}

#[test]
fn eighty_one_sets_of_four_see_all_and_three_do_with_a_delay() {
    let reference = reference();
    let sample = unlike(2, 2);
    let all = ["II", "IX", "IY", "XI", "XX", "XY", "YI", "YX", "YY"];
    let (mut complete, mut best) = (0, f64::INFINITY);
    for a in 0..9 {
        for b in a + 1..9 {
            for c in b + 1..9 {
                for d in c + 1..9 {
                    if let Ok(found) = plan_of(&sample, &[a, b, c, d].map(|k| all[k].to_string())) {
                        complete += 1;
                        best = best.min(found.condition);
                    }
                }
            }
        }
    }
    let minimal = &reference["minimal_sets"]["both"];
    assert_eq!(complete, minimal["count"].as_u64().unwrap());
    assert!((best - minimal["best"][0]["cond"].as_f64().unwrap()).abs() < 1e-9);
    // A coupling that is nothing beside the shifts leaves the delay the turn of 90 degrees that the reference has.
    let shifts = (spin(2, LocalKind::Iz, 0) - spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 500.0);
    let j = (spin(2, LocalKind::Iz, 0) * spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 1e-3);
    let found = plan_of(&alike(2, shifts + j), &words("I-D-Y,X-D-X,Y-D-X")).unwrap();
    let expected = reference["homonuclear_hard_only"]["minimal_with_delay"]["cond"].as_f64().unwrap();
    assert!(found.rank == 15 && (found.condition - expected).abs() < 1e-5, "{} {expected}", found.condition);
}

#[test]
fn the_smallest_set_is_found() {
    // 81 sets of four readouts see a pair of unlike spins, the best with a condition number of 2.
    let found = plan(&unlike(2, 2)).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (4, 15), "{}", set_of(&found));
    assert!((found.condition - 2.0).abs() < 1e-9, "{}", found.condition);
    // Three spins have 63 parameters; a readout gives 24 numbers.
    let found = plan(&unlike(3, 3)).unwrap();
    assert_eq!(found.rank, 63);
    assert!(found.readouts.len() <= 8, "{}", set_of(&found));
    // One channel alone never sees more than 12 of 15 by pulses; a delay under the coupling brings the rest across.
    let found = plan(&unlike(2, 1)).unwrap();
    assert_eq!(found.rank, 15, "{}", set_of(&found));
    assert!(found.readouts.iter().any(|r| r.word.contains("-D-")));
    println!("one channel: {} condition {}", set_of(&found), found.condition);
    // An equivalent pair shows the eight parameters of its triplet, by three readouts.
    let d = |z: f64| {
        let term = |kind: LocalKind| spin(2, kind, 0) * spin(2, kind, 1);
        (term(LocalKind::Iz).map(|x| x * 2.0) - term(LocalKind::Ix) - term(LocalKind::Iy)).map(|x| x * z)
    };
    let found = plan(&alike(2, d(TWO_PI * 30e3))).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (3, 8), "{}", set_of(&found));
    assert!((found.condition - 5f64.sqrt()).abs() < 1e-6, "{} {}", set_of(&found), found.condition);
    // Inequivalent spins of one channel: hard pulses see 12 parameters, with a delay three readouts see all.
    let shifts = (spin(2, LocalKind::Iz, 0) - spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 500.0);
    let j = (spin(2, LocalKind::Iz, 0) * spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 5.0);
    let sample = alike(2, shifts + j);
    let hard = plan_of(&sample, &words("I,X,Y")).unwrap_err();
    assert!(matches!(hard, PlanError::Blind(12, 15, _)), "{hard}");
    let found = plan(&sample).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (3, 15), "{}", set_of(&found));
    // 2.449 for a relative turn of exactly 90 degrees; the coupling turns along.
    assert!(found.condition < 2.6, "{} {}", set_of(&found), found.condition);
}
