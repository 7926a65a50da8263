//! A folder for TopSpin: pulse programs, shapes, lists, and a script that sets every parameter.

mod readme;
mod script;
mod tables;
mod text;
mod wave;

pub use tables::SHORTEST;

use super::calibration::{self, Calibration};
use super::job::{File, Job};
use super::lower::refused;
use super::number::{micro, plain, power};
use super::program::{GradientStrength, Program, StepKind};
use crate::diagnostic::{Code, Diagnostic};
use script::Experiment;
use tables::{Tables, Waves};

/// Writes the files.
///
/// # Errors
/// Calibrations that are missing, and what TopSpin has no parameters for.
pub fn write(job: &Job) -> Result<Vec<File>, Vec<Diagnostic>> {
    let (mut files, mut experiments, mut waves) = (vec![], vec![], Waves::default());
    for part in &job.experiments {
        let (name, program) = (job.stem(part), &part.program);
        refuse_sequences(program)?;
        let tables = Tables::of(program).map_err(|why| {
            vec![Diagnostic::without_place(Code::NotExported, format!("`{name}` is too large: {why}"))]
        })?;
        let point = part.point.as_ref();
        let origin = text::Origin { name: &name, file: &job.source, fingerprint: &job.fingerprint, point };
        files.push(File::new(format!("pp/{name}.pp"), text::text(program, &tables, &mut waves, &job.name, &origin)));
        for list in &tables.lists {
            let (_, _, _, folder) = list.kind.words();
            files.push(File::new(
                format!("lists/{folder}/{name}_{}", list.name()),
                list.values.iter().map(|x| format!("{}\n", list.entry(*x))).collect::<String>(),
            ));
        }
        let parameters = parameters(job, program, &tables, &name, &mut waves).map_err(|diagnostic| vec![diagnostic])?;
        experiments.push(Experiment { name: part.data_name(&name), rows: program.rows, parameters });
    }
    files.extend(
        waves
            .shapes
            .iter()
            .map(|(name, s, mirrored)| File::new(format!("wave/{name}"), wave::shape(name, s, *mirrored))),
    );
    files.extend(waves.gradients.iter().map(|(name, s)| File::new(format!("gp/{name}"), wave::gradient(name, s))));
    files.push(File::new(format!("py/{}.py", job.name), script::script(&job.name, &experiments)));
    files.push(File::new("README.md", readme::readme(job, &files, &experiments)));
    Ok(files)
}

/// Sequences whose programs of TopSpin have the same pulses, and one parameter: the length of a pulse of 90 degrees.
const SEQUENCES: &[&str] = &["cw", "waltz16", "garp", "dipsi2"];

fn refuse_sequences(program: &Program) -> Result<(), Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    program.each(&mut |step| {
        if let StepKind::Decouple(decoupling) = &step.kind
            && !SEQUENCES.contains(&decoupling.sequence)
        {
            wrong.push(refused::sequence(step.span, decoupling.sequence, "TopSpin"));
        }
    });
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Names and values of all parameters.
fn parameters(
    job: &Job,
    program: &Program,
    tables: &Tables,
    name: &str,
    waves: &mut Waves,
) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut put = |key: String, value: String| out.push((key, value));
    put("PULPROG".into(), format!("{name}.pp"));
    for (k, channel) in program.channels.iter().enumerate() {
        put(format!("NUC{}", k + 1), channel.nucleus.clone());
        if let Some(carrier) = channel.carrier {
            // Of the file it is a share, of TopSpin parts per million.
            put(format!("O{}P", k + 1), plain(carrier * 1e6));
        }
    }
    put("NS".into(), program.scans.to_string());
    put("DS".into(), "0".into());
    if let Some((points, dwell)) = program.acquisition().and_then(|a| a.points) {
        // TD counts real and imaginary parts.
        put("SWH".into(), plain(1.0 / dwell));
        put("TD".into(), (2 * points).to_string());
    }
    if program.rows > 1 {
        put("1 TD".into(), program.rows.to_string());
    }
    if let Some(dead_time) = program.channels.first().and_then(|c| c.dead_time) {
        put("DE".into(), micro(dead_time));
    }
    if let Some(recycle) = program.recycle {
        put("D 1".into(), plain(recycle));
    }
    for pulse in tables.pulses.iter().filter(|p| tables.multiple(p).is_none()) {
        put(format!("P {}", pulse.number), micro(pulse.duration));
    }
    for (number, duration) in &tables.gradient_pulses {
        put(format!("P {number}"), micro(*duration));
    }
    for (number, time) in &tables.delays {
        put(format!("D {number}"), plain(*time));
    }
    for (number, count) in &tables.counts {
        put(format!("L {number}"), plain(*count));
    }
    for (number, channel, strength) in &tables.powers {
        put(format!("PLW {number}"), power(calibrated(job, program, *channel)?.power_for(*strength)));
    }
    for decoupling in tables.decouplings.iter().filter(|d| d.sequence != "cw") {
        let f = decoupling.channel + 1;
        put(format!("CPDPRG {f}"), decoupling.sequence.into());
        put(format!("PCPD {f}"), micro(decoupling.pulse));
    }
    for shape in &tables.shapes {
        let number = shape.number;
        put(format!("SPNAM {number}"), waves.shape(&job.name, &shape.shape, program.nucleus(shape.channel)));
        put(format!("SPW {number}"), power(calibrated(job, program, shape.channel)?.power_for(shape.strength)));
        put(format!("SPOFFS {number}"), "0".into());
        put(format!("SPOAL {number}"), "0.5".into());
    }
    for numbered in &tables.gradients {
        let number = numbered.number;
        let percent = match numbered.gradient.strength {
            GradientStrength::Share(share) => 100.0 * share,
            GradientStrength::Absolute(strength) => calibration::percent(strength, program.max_gradient)?,
        };
        put(format!("GPNAM {number}"), waves.gradient(&job.name, numbered.gradient.shape.as_ref()));
        put(format!("GPZ {number}"), plain(percent));
    }
    for list in tables.lists.iter().filter(|l| l.number == 1) {
        let (_, _, parameter, _) = list.kind.words();
        put(parameter.into(), format!("{name}_{}", list.name()));
    }
    Ok(out)
}

fn calibrated<'a>(job: &'a Job, program: &Program, channel: usize) -> Result<&'a Calibration, Diagnostic> {
    calibration::of(&job.calibrations, program.channels.get(channel).map_or("", |c| c.nucleus.as_str()))
}
