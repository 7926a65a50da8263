//! `ergoseq plan`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Options, longest_t1, plan_for, run};
use ergoseq::hamiltonian::{Evaluator, Fault, Step, Values, build, members};
use ergoseq::ir::Experiment;
use ergoseq::output::{EnergyUnit, Results, amplitudes};
use ergoseq::syntax::number_text;

/// Prints the plan of every tomography of a file.
pub fn plan(a: &args::Plan) -> Outcome {
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    terminal::report(&compiled.warnings, &compiled.sources);
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    let planned = match text(&compiled.experiment, &values) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if let Some(path) = &a.amplitudes {
        let read = run(&compiled.experiment, &values, &Options::default(), &[]).and_then(|run| {
            let file = a.file.display().to_string();
            let (points, experiment) = ([run], &compiled.experiment);
            let results =
                Results { experiment, file: &file, swept: vec![], points: &points, energy: EnergyUnit::Default };
            amplitudes(&results).map_err(|why| Box::new(Diagnostic::without_place(Code::Contradiction, why)))
        });
        let written = read.and_then(|text| files::write(path, &text, a.force).map_err(Box::new));
        if let Err(diagnostic) = written {
            return terminal::refuse(&[*diagnostic], &compiled.sources);
        }
    }
    terminal::print(&planned)
}

fn text(experiment: &Experiment, values: &Values) -> Result<String, Fault> {
    let e = Evaluator::new(experiment, values)?;
    let (schedule, _) = build(&e)?;
    let perfect = Experiment { ensemble: vec![], ..experiment.clone() };
    let cycle = members(&Evaluator::new(&perfect, values)?)?.len();
    let mut out = String::new();
    for step in &schedule.steps {
        let Step::Tomography(t) = step else { continue };
        let plan = plan_for(t)?;
        out += &format!("{:<10}pulses on {}\n", "readout", channels(t).join(", "));
        for (k, readout) in plan.readouts.iter().enumerate() {
            out += &format!("{:<10}{}\n", k + 1, readout.word);
        }
        out += &format!("\n{} lines in each:\n", plan.lines.len());
        for line in &plan.lines {
            let frequency = number_text((line.frequency * 1e6).round() / 1e6);
            out += &format!("  {:<6}{frequency:>16} Hz\n", t.channels[line.channel].nucleus);
        }
        out += &format!(
            "\nrank {} of {} parameters, condition number {:.6}\n",
            plan.rank, plan.parameters, plan.condition
        );
        if plan.rank < plan.parameters {
            out += &format!(
                "{} parameters cannot be seen by any known readout; they are taken to be those of\nthe even mixture\n",
                plan.parameters - plan.rank
            );
        }
        let scans = plan.readouts.len() * t.scans.next_multiple_of(cycle.max(1));
        out += &format!("{scans} scans: {} readouts, {} each", plan.readouts.len(), t.scans);
        out += &if cycle > 1 { format!(", made whole cycles of {cycle}\n") } else { "\n".into() };
        match longest_t1(&e)? {
            Some(t1) => {
                let seconds = scans as f64 * (schedule.duration() + 5.0 * t1);
                out += &format!(
                    "{} s in all, with a recycle delay of five T1\n",
                    number_text((seconds * 10.0).round() / 10.0)
                );
            }
            None => out += "no T1 is given, so the delay between scans is not known\n",
        }
    }
    if out.is_empty() {
        out = "the file has no `tomography`\n".into();
    }
    Ok(out)
}

fn channels(t: &ergoseq::hamiltonian::Tomography) -> Vec<String> {
    let detected = |d: bool| if d { "" } else { " (not detected)" };
    t.channels.iter().map(|c| format!("{}{}", c.nucleus, detected(c.detected))).collect()
}
