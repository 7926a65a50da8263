//! `ergoseq plan`

use crate::{Outcome, args, files, inputs, overrides, terminal};
use ergoseq::decays::sign::sign;
use ergoseq::decays::simpson::simpson_text;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Options, longest_t1, plan_for, run};
use ergoseq::hamiltonian::{Evaluator, Fault, Step, Values, build, members};
use ergoseq::ir::Experiment;
use ergoseq::output::amplitudes;
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use ergoseq::syntax::number_text;
use ergoseq::tomography::decay::Decay;

/// Prints the plan of every tomography of a file.
pub fn plan(a: &args::Plan) -> Outcome {
    inputs::note(&a.file);
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    terminal::report(&compiled.warnings, &compiled.sources);
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    if let Err(diagnostic) = ready(a, &compiled.experiment, &values) {
        return terminal::refuse(&[*diagnostic], &compiled.sources);
    }
    let planned = match text(&compiled.experiment, &values) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if let Err(diagnostic) = rehearsed(a, &compiled.experiment, &values) {
        return terminal::refuse(&[*diagnostic], &compiled.sources);
    }
    terminal::print(&planned)
}

/// Whether everything that is wanted can be written.
fn ready(a: &args::Plan, experiment: &Experiment, values: &Values) -> Result<(), Fault> {
    if let Some(path) = &a.amplitudes {
        files::writable(path, a.force)?;
    }
    let Some(folder) = &a.decays else { return Ok(()) };
    let (schedule, _) = build(&Evaluator::new(experiment, values)?)?;
    let first = schedule.steps.iter().find_map(|step| match step {
        Step::Tomography(t) => Some(t),
        _ => None,
    });
    let mut names = Vec::new();
    if let Some(t) = first {
        for readout in &plan_for(t)?.readouts {
            names.extend(t.channels.iter().filter(|c| c.detected).map(|c| decay_name(&readout.word, &c.nucleus)));
        }
    }
    Ok(files::writable_folder(folder, &names, a.force)?)
}

fn decay_name(readout: &str, nucleus: &str) -> String {
    format!("{readout}.{nucleus}.fid")
}

/// Writes what the emulated experiment reads, where that is wanted.
fn rehearsed(a: &args::Plan, experiment: &Experiment, values: &Values) -> Result<(), Fault> {
    if a.amplitudes.is_none() && a.decays.is_none() {
        return Ok(());
    }
    let wrong = |why: &str| Box::new(Diagnostic::without_place(Code::Contradiction, why));
    let run = run(experiment, values, &Options::default(), &[])?;
    let schema = Schema::new(experiment, &a.file.display().to_string(), &[], values, EnergyUnit::Default);
    let results = ResultSet::of(schema, [run])?;
    if let Some(path) = &a.amplitudes {
        files::write(path, &amplitudes(&results).map_err(|why| wrong(&why))?, a.force)?;
    }
    if let Some(folder) = &a.decays {
        let decays = results.at(0).and_then(|point| point.tomographies().first()).map_or(&[][..], |t| &t.decays);
        if decays.is_empty() {
            return Err(Box::new(
                Diagnostic::without_place(Code::Contradiction, "the tomography reads amplitudes, not FIDs")
                    .help("set `points` and `dwell` of the tomography: `tomography points = 2048 dwell = 0.5 ms`"),
            ));
        }
        files::folder(folder)?;
        for decay in decays.iter().map(Decay::turned) {
            let text = simpson_text(decay.dwell, decay.points.iter().map(|z| z.unwrap_or_default()));
            files::write(&folder.join(decay_name(&decay.readout, &decay.nucleus)), &text, a.force)?;
        }
    }
    Ok(())
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
            let nucleus = t.channels.get(line.channel).map_or("", |channel| channel.nucleus.as_str());
            let frequency = number_text((sign(nucleus) * line.frequency * 1e6).round() / 1e6);
            out += &format!("  {:<6}{frequency:>16} Hz\n", nucleus);
        }
        out += &format!(
            "\nrank {} of {} parameters, condition number {:.6}\n",
            plan.rank, plan.parameters, plan.condition
        );
        if plan.rank < plan.parameters {
            out += &format!(
                "{} parameters are not observable with any readout; they are set to those of\nthe maximally mixed state\n",
                plan.parameters - plan.rank
            );
        }
        let scans = plan.readouts.len() * t.scans.next_multiple_of(cycle.max(1));
        out += &format!("{scans} scans: {} readouts, {} each", plan.readouts.len(), t.scans);
        out += &if cycle > 1 { format!(", rounded up to complete cycles of {cycle}\n") } else { "\n".into() };
        match longest_t1(&e)? {
            Some(t1) => {
                let seconds = scans as f64 * (schedule.duration() + 5.0 * t1);
                out += &format!(
                    "{} s in total, with a recycle delay of five T1\n",
                    number_text((seconds * 10.0).round() / 10.0)
                );
            }
            None => out += "no T1 is given, so the recycle delay is unknown\n",
        }
    }
    if out.is_empty() {
        out = "the file has no `tomography`: end the sequence with one to see its readouts\n".into();
    }
    Ok(out)
}

fn channels(t: &ergoseq::hamiltonian::Tomography) -> Vec<String> {
    let detected = |d: bool| if d { "" } else { " (not detected)" };
    t.channels.iter().map(|c| format!("{}{}", c.nucleus, detected(c.detected))).collect()
}
