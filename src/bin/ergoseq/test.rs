//! `ergoseq test`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::verdict::{Verdict, verdicts};

/// Compares files with what they expect.
pub fn test(a: &args::Test) -> Outcome {
    let options = match overrides::options(&a.how) {
        Ok(options) => options,
        Err(outcome) => return outcome,
    };
    let mut worst = Outcome::Done;
    let mut out = String::new();
    for path in &a.files {
        let outcome = match files::compile(path) {
            Err(refused) => terminal::refuse(&refused.diagnostics, &refused.sources),
            Ok(mut compiled) => {
                let lines = compiled.experiment.expects.len() + compiled.experiment.theories.len();
                match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
                    Err(outcome) => outcome,
                    Ok(_) if lines == 0 => {
                        out += &format!("{}\n  has no `expect` or `theory` lines\n", path.display());
                        Outcome::Done
                    }
                    Ok(values) => match verdicts(&compiled.experiment, &values, &options) {
                        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
                        Ok(verdicts) => {
                            out += &format!("{}\n", path.display());
                            verdicts.iter().for_each(|v| out += &line(v));
                            if verdicts.iter().all(Verdict::holds) { Outcome::Done } else { Outcome::Wrong }
                        }
                    },
                }
            }
        };
        if outcome as u8 > worst as u8 {
            worst = outcome;
        }
    }
    match terminal::print(&out) {
        Outcome::Done => worst,
        other => other,
    }
}

fn line(v: &Verdict) -> String {
    let verdict = if v.holds() { "ok    " } else { "FAILED" };
    let at = v.at.map_or(String::new(), |t| format!(" (largest difference at t = {t:.6})"));
    let found = v.found.map_or("undefined".into(), |f| format!("{f:.12e}"));
    let difference = v.difference().map_or("-".into(), |d| format!("{d:.2e}"));
    format!(
        "  {verdict} {}{at}\n         expected {:.12e}, found {found}, difference {difference}, within {:.1e}\n",
        v.what, v.expected, v.within
    )
}
