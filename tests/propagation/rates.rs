//! Rates are derivatives: `charging_power` of the energy and `power` of the ergotropy, whatever moves the state: one Hamiltonian, those of
//! the members of an ensemble, or noise beside them, and whether the battery is all of the system or a part.

use crate::generator;

use ergoseq::prelude::*;
use generator::Random;

/// A program of two spins under a random Hamiltonian, with a battery of both or of the first.
fn program(seed: u64, (ensemble, noise, cells): (&str, &str, &str)) -> String {
    let mut random = Random(seed);
    let mut x = || random.between(-1.0, 1.0);
    let battery = match cells {
        "" => format!("{:.3}*Z(a) + 0.7*Z(b) + {:.3}*X(a)*X(b)", 1.0 + x(), x()),
        _ => format!("{:.3}*Z(a) + 0.4*X(a)", 1.0 + x()),
    };
    let drive = format!("g*({:.3}*X(a) + {:.3}*Y(b)) + {:.3}*X(a)*Y(b) + {:.3}*Z(a)*X(b)", x(), x(), x(), x());
    format!(
        "ergoseq 1
units natural
param g = 1
system {{ spin a, b : 1/2 }}
noise bath {{
    collapse 0.2*Z(a)
    collapse 0.1*X(b)
}}
battery {{ energy = {battery} {cells} }}
{ensemble}
sequence {{
    prepare gibbs(Z(a) + 0.7*Z(b) + 0.3*X(a)*X(b), 0.6)
    evolve {drive} for 2 {noise} record 2001 as r
}}
measure {{ energy
    ergotropy
    charging_power
    power
}}
"
    )
}

#[test]
fn rates_are_derivatives() {
    let ensembles = ["", "ensemble { param g : gaussian(mean = 1, sd = 0.4) points 5 }"];
    for seed in 0..6 {
        for ensemble in ensembles {
            for noise in ["", "with bath"] {
                for cells in ["", ", cells = a"] {
                    let text = program(seed, (ensemble, noise, cells));
                    let compiled = compile("rates.seq", &text, &mut no_files).unwrap_or_else(|r| panic!("{r}\n{text}"));
                    let run = run(&compiled.experiment, &Values::new(), &Options::default()).unwrap();
                    let trace = run.trace("r").unwrap();
                    let curve =
                        |key: &str| -> Vec<f64> { trace.curve(key).unwrap().iter().map(|x| x.unwrap()).collect() };
                    for (of, rate) in [("energy", "charging_power"), ("ergotropy", "power")] {
                        let (values, rates) = (curve(of), curve(rate));
                        let step = trace.time[1] - trace.time[0];
                        let largest = rates.iter().fold(0.0f64, |m, x| m.max(x.abs()));
                        let mut wrong = 0;
                        for k in 2..values.len() - 2 {
                            let near = (values[k + 1] - values[k - 1]) / (2.0 * step);
                            let far = (values[k + 2] - values[k - 2]) / (4.0 * step);
                            let found = (4.0 * near - far) / 3.0;
                            // The fourth order of steps of 1e-3, and a tolerance of 1e-7 of states under noise over such a step.
                            wrong += usize::from((found - rates[k]).abs() > 2e-3 * largest + 1e-6);
                        }
                        // Where eigenvalues cross, the ergotropy has a corner.
                        assert!(
                            wrong <= 20,
                            "{rate} at {wrong} of {} samples, {ensemble} {noise}:\n{text}",
                            values.len()
                        );
                    }
                }
            }
        }
    }
}
