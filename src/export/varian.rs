//! A pulse sequence in C for VnmrJ and OpenVnmrJ, its shapes, and a macro that sets the parameters.
//!
//! A channel sends at the coarse power of the calibration; weaker pulses take a part of its amplitude, which is linear in the
//! nutation frequency: 4095 is all of it.

use super::calibration;
use super::job::{File, Job};
use super::lower::refused;
use super::number::{micro, plain};
use super::phase::is_shape_mirrored;
use super::program::{GradientStrength, PerRow, Program, Pulse, Step, StepKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Align, MIRRORED_PHASES};
use crate::source::in_one_line;

/// What the library calls the channels: the beginning of the names of its functions for powers, pulses, shapes and phases.
const CHANNELS: &[Words] = &[
    Words { power: "obs", pulse: "rgpulse", shaped: "shaped_pulse", phase: "xmtrphase", coarse: "tpwr" },
    Words { power: "dec", pulse: "decrgpulse", shaped: "decshaped_pulse", phase: "dcplrphase", coarse: "dpwr" },
    Words { power: "dec2", pulse: "dec2rgpulse", shaped: "dec2shaped_pulse", phase: "dcplr2phase", coarse: "dpwr2" },
];

struct Words {
    power: &'static str,
    pulse: &'static str,
    shaped: &'static str,
    phase: &'static str,
    coarse: &'static str,
}

/// The largest amplitude of a channel, of a step of a shape, and of a gradient.
const FULL_AMPLITUDE: f64 = 4095.0;
const FULL_STEP: f64 = 1023.0;
const FULL_GRADIENT: f64 = 32767.0;

/// The steps of phases that are tried, degrees.
const PHASE_STEPS: &[f64] = &[90.0, 1.0, 0.1, 0.01, 0.001];

/// Loops take two numbers of the console each, and there are fourteen.
const MOST_LOOPS: usize = 7;

/// Writes the files.
///
/// # Errors
/// Calibrations that are missing, and what the library of pulse sequences has no functions for.
pub fn write(job: &Job) -> Result<Vec<File>, Vec<Diagnostic>> {
    let mut files = Vec::new();
    let mut shapes: Vec<(String, String)> = Vec::new();
    let mut names = Vec::new();
    for part in &job.experiments {
        let (name, program) = (job.stem(part), &part.program);
        let mut source = Source {
            job,
            program,
            lines: vec![],
            tables: vec![],
            arrays: vec![],
            shapes: &mut shapes,
            wrong: vec![],
            loops: 0,
            depth: 1,
            amplitudes: vec![],
        };
        source.steps(&program.steps);
        if !source.wrong.is_empty() {
            return Err(source.wrong);
        }
        let (text, macro_text) = (source.text(&name), source.parameters(&name));
        files.push(File::new(format!("psglib/{name}.c"), text));
        files.push(File::new(format!("maclib/{name}"), macro_text));
        names.push(name);
    }
    files.extend(shapes.into_iter().map(|(path, text)| File::new(format!("shapelib/{path}"), text)));
    let calibrations: Vec<String> =
        job.calibrations.iter().map(|c| format!("{}: {} us", c.nucleus, plain(c.pulse * 1e6))).collect();
    files.push(File::new(
        "README.md",
        format!(
            "# {0}\n\nWritten by ergoseq {1} from `{2}` for VnmrJ and OpenVnmrJ.\n\n1. Copy `psglib/*`, `maclib/*` and `shapelib/*` to these folders in `~/vnmrsys`.\n2. Compile with `seqgen {3}`.\n3. Set the coarse powers (`tpwr`, `dpwr`, `dpwr2`) to those of the calibration ({4}).\n4. Run the macro of the same name: it sets `seqfil`, `nt`, arrays and the acquisition parameters.\n5. Inspect the sequence with `dps` and the time with `time`; then `go`.\n",
            job.name,
            env!("CARGO_PKG_VERSION"),
            job.source,
            names.join(" "),
            calibrations.join(", "),
        ),
    ));
    Ok(files)
}

struct Source<'a> {
    job: &'a Job,
    program: &'a Program,
    lines: Vec<String>,
    /// The tables of phases, in steps; the receiver is `t60`.
    tables: Vec<Vec<i64>>,
    /// What runs from row to row: the kind of the parameter, and its values.
    arrays: Vec<(&'static str, Vec<f64>)>,
    shapes: &'a mut Vec<(String, String)>,
    wrong: Vec<Diagnostic>,
    loops: usize,
    depth: usize,
    /// The amplitude that every channel has now.
    amplitudes: Vec<(usize, String)>,
}

impl Source<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        self.lines.push(format!("{}{}\n", "    ".repeat(self.depth), text.as_ref()));
    }

    fn refuse(&mut self, step: &Step, message: &str, help: &str) {
        let diagnostic = Diagnostic::new(Code::NotExported, step.span, message)
            .label("no function of the pulse sequence library does this");
        self.wrong.push(diagnostic.help(help));
    }

    fn text(&self, name: &str) -> String {
        let mut out = format!(
            "/* {name}\n * written by ergoseq {} from {}, sha256 {}\n * {}\n */\n\n#include <standard.h>\n\n",
            env!("CARGO_PKG_VERSION"),
            in_one_line(&self.job.source).replace("*/", "* /"),
            self.job.fingerprint,
            in_one_line(&self.program.title).replace("*/", "* /"),
        );
        for (k, table) in self.tables.iter().enumerate() {
            let numbers: Vec<String> = table.iter().map(i64::to_string).collect();
            out += &format!("static int phases{}[{}] = {{{}}};\n", k + 1, table.len(), numbers.join(", "));
        }
        let receiver = self.receiver();
        let numbers: Vec<String> = receiver.iter().map(i64::to_string).collect();
        out += &format!(
            "static int received[{}] = {{{}}};\n\nvoid pulsesequence()\n{{\n",
            receiver.len(),
            numbers.join(", ")
        );
        for (k, _) in self.arrays.iter().enumerate() {
            out += &format!("    double row{0} = getval(\"row{0}\");\n", k + 1);
        }
        out += "\n";
        for (k, table) in self.tables.iter().enumerate() {
            out += &format!("    settable(t{0}, {1}, phases{0});\n", k + 1, table.len());
        }
        out += &format!("    settable(t60, {}, received);\n    setreceiver(t60);\n\n", receiver.len());
        out += "    status(A);\n";
        for words in CHANNELS.iter().take(self.program.channels.len()) {
            out += &format!("    {}power({});\n", words.power, words.coarse);
        }
        out += "    hsdelay(d1);\n    status(B);\n    obsunblank();\n    delay(rof1);\n\n";
        out += &self.lines.concat();
        out + "\n    status(C);\n}\n"
    }

    /// The phases of the receiver, in quarters of a turn.
    fn receiver(&self) -> Vec<i64> {
        let phases = self.program.acquisition().map_or(vec![0.0], |a| a.phases);
        phases.iter().map(|p| ((p.to_degrees() / 90.0).round() as i64).rem_euclid(4)).collect()
    }

    /// The macro that sets the parameters.
    fn parameters(&self, name: &str) -> String {
        let mut out =
            format!("\" {name}: parameters, written by ergoseq \"\nseqfil='{name}'\nnt={}\nss=0\n", self.program.scans);
        if let Some((points, dwell)) = self.program.acquisition().and_then(|a| a.points) {
            out += &format!("sw={}\nnp={}\n", plain(1.0 / dwell), 2 * points);
        }
        if let Some(recycle) = self.program.recycle {
            out += &format!("d1={}\n", plain(recycle));
        }
        for (k, (kind, values)) in self.arrays.iter().enumerate() {
            let all: Vec<String> = values.iter().map(|x| plain(*x)).collect();
            out += &format!("create('row{0}','{kind}')\nrow{0}={1}\n", k + 1, all.join(","));
        }
        if self.arrays.len() > 1 {
            let all: Vec<String> = (1..=self.arrays.len()).map(|k| format!("row{k}")).collect();
            out += &format!("array='({})'\n", all.join(","));
        }
        out
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Delay(time, _) => {
                    let time = self.time(time, "delay");
                    self.line(format!("delay({time});"));
                }
                StepKind::Pulses(align, pulses) => match pulses.as_slice() {
                    [one] => self.pulse(step, one),
                    all => self.at_once(step, *align, all),
                },
                StepKind::Gradient(gradient) => {
                    let share = match gradient.strength {
                        GradientStrength::Share(share) => share,
                        GradientStrength::Absolute(strength) => {
                            match calibration::percent(strength, self.program.max_gradient) {
                                Ok(percent) => percent / 100.0,
                                Err(wrong) => {
                                    self.wrong.push(wrong);
                                    continue;
                                }
                            }
                        }
                    };
                    let level = (share * FULL_GRADIENT).round();
                    match &gradient.shape {
                        None => self.line(format!("zgradpulse({}, {}e-6);", plain(level), micro(gradient.duration))),
                        Some(shape) => {
                            let steps: String =
                                shape.iter().map(|x| format!("{} 1\n", plain((x * FULL_GRADIENT).round()))).collect();
                            let name = self.shape(steps, "GRD");
                            let time = micro(gradient.duration);
                            self.line(format!(
                                "shapedgradient(\"{name}\", {time}e-6, {}, 'z', 1, WAIT);",
                                plain(level)
                            ));
                        }
                    }
                }
                StepKind::Loop(count, body) => self.repeated(step, count, body),
                StepKind::Mark(name) => self.line(format!("/* mark {name} */")),
                StepKind::Decouple(decoupling) => {
                    self.wrong.push(refused::sequence(step.span, decoupling.sequence, "VnmrJ"));
                }
                StepKind::Acquire(_) | StepKind::EndDecoupling(_) => {}
            }
        }
    }

    fn repeated(&mut self, step: &Step, count: &PerRow, body: &[Step]) {
        self.loops += 1;
        if self.loops > MOST_LOOPS {
            self.refuse(step, "more than seven loops", "unroll one of them");
            return;
        }
        let (times, counter) = (2 * self.loops - 1, 2 * self.loops);
        let told = match count {
            PerRow::Same(count) => plain(*count),
            PerRow::Rows(_) => self.time(count, "real"),
        };
        self.line(format!("initval({told}, v{times});"));
        self.line(format!("loop(v{times}, v{counter});"));
        // What a channel sends when the loop begins anew is what it sent at its end.
        self.amplitudes.clear();
        self.depth += 1;
        self.steps(body);
        self.depth -= 1;
        self.amplitudes.clear();
        self.line(format!("endloop(v{counter});"));
    }

    /// A number, or the parameter that holds one a row.
    fn time(&mut self, x: &PerRow, kind: &'static str) -> String {
        match x {
            PerRow::Same(time) => format!("{}e-6", micro(*time)),
            PerRow::Rows(all) => {
                let known = self.arrays.iter().position(|a| a.0 == kind && a.1 == *all);
                let number = known.unwrap_or_else(|| {
                    self.arrays.push((kind, all.clone()));
                    self.arrays.len() - 1
                });
                format!("row{}", number + 1)
            }
        }
    }

    /// The name of a shape, which is written once.
    fn shape(&mut self, text: String, ending: &str) -> String {
        let known = self.shapes.iter().find(|(path, t)| *t == text && path.ends_with(ending));
        if let Some((path, _)) = known {
            return path.trim_end_matches(&format!(".{ending}")).to_string();
        }
        let name = format!("{}_{}", self.job.name, self.shapes.len() + 1);
        self.shapes.push((format!("{name}.{ending}"), text));
        name
    }

    fn words(&mut self, step: &Step, channel: usize) -> Option<&'static Words> {
        let found = CHANNELS.get(channel);
        if found.is_none() {
            self.refuse(step, "a fourth channel", "three channels are supported");
        }
        found
    }

    /// Sets the amplitude of a channel where it is another than before.
    fn amplitude(&mut self, step: &Step, words: &Words, p: &Pulse) {
        let nucleus = self.program.channels.get(p.channel).map_or("", |c| c.nucleus.as_str());
        let calibration = match calibration::of(&self.job.calibrations, nucleus) {
            Ok(calibration) => calibration,
            Err(wrong) => {
                if !self.wrong.contains(&wrong) {
                    self.wrong.push(wrong);
                }
                return;
            }
        };
        let share = p.strength / calibration.strength();
        if share > 1.0 + 1e-9 {
            self.refuse(step, "a pulse above the calibrated power", "calibrate at this power");
            return;
        }
        let told = plain(FULL_AMPLITUDE * share.min(1.0));
        let now = self.amplitudes.iter().find(|(k, _)| *k == p.channel).map(|(_, t)| t.clone());
        if now.as_deref() != Some(told.as_str()) {
            self.amplitudes.retain(|(k, _)| *k != p.channel);
            self.amplitudes.push((p.channel, told.clone()));
            self.line(format!("{}pwrf({told});", words.power));
        }
    }

    /// The table of the phases of a pulse, and the step in degrees that it counts.
    fn phase(&mut self, step: &Step, p: &Pulse) -> Option<(usize, f64)> {
        let degrees: Vec<f64> = p.phases.iter().map(|x| x.to_degrees().rem_euclid(360.0)).collect();
        let whole = |size: &&f64| degrees.iter().all(|x| (x / **size - (x / **size).round()).abs() < 1e-7);
        let Some(size) = PHASE_STEPS.iter().find(whole) else {
            self.refuse(step, "a phase that is not a multiple of 0.001 deg", "round the phase");
            return None;
        };
        let table: Vec<i64> = degrees.iter().map(|x| (x / size).round() as i64).collect();
        let known = self.tables.iter().position(|t| *t == table);
        let number = known.unwrap_or_else(|| {
            self.tables.push(table);
            self.tables.len() - 1
        });
        if number + 1 >= 60 {
            self.refuse(step, "more than 59 lists of phases", "use fewer cycles");
        }
        Some((number + 1, *size))
    }

    fn pulse(&mut self, step: &Step, p: &Pulse) {
        let Some(words) = self.words(step, p.channel) else { return };
        self.amplitude(step, words, p);
        let Some((table, size)) = self.phase(step, p) else { return };
        let time = self.time(&p.duration, "delay");
        // Quarters go with the pulse, others by the small-angle phase of the channel.
        let fine = size < 90.0;
        if fine {
            self.line(format!("{}stepsize({});", words.power, plain(size)));
            self.line(format!("{}(t{table});", words.phase));
        }
        let phase = if fine { "zero".to_string() } else { format!("t{table}") };
        match &p.shape {
            None => self.line(format!("{}({time}, {phase}, 0.0, 0.0);", words.pulse)),
            Some(shape) => {
                let steps: String = shape
                    .iter()
                    .map(|(a, x)| format!("{} {} 1\n", plain(x.to_degrees().rem_euclid(360.0)), plain(a * FULL_STEP)))
                    .collect();
                let mirrored = is_shape_mirrored(self.program.nucleus(p.channel), shape);
                let sense = if mirrored { format!("# {MIRRORED_PHASES}\n") } else { String::new() };
                let name = self.shape(format!("# TYPE selective\n# MODULATION amplitude\n{sense}{steps}"), "RF");
                self.line(format!("{}(\"{name}\", {time}, {phase}, 0.0, 0.0);", words.shaped));
            }
        }
        if fine {
            self.line(format!("{}(zero);", words.phase));
        }
    }

    /// Hard pulses at once; the library centres them.
    fn at_once(&mut self, step: &Step, align: Align, pulses: &[Pulse]) {
        let equal = pulses.iter().zip(pulses.iter().skip(1)).all(|(a, b)| a.duration == b.duration);
        if align != Align::Centre && !equal {
            self.refuse(step, "parallel pulses that are not aligned at their centres", "write `parallel align centre`");
            return;
        }
        let function = match pulses.len() {
            2 => "simpulse",
            3 => "sim3pulse",
            _ => {
                self.refuse(step, "more than three simultaneous pulses", "apply them one after the other");
                return;
            }
        };
        if pulses.iter().any(|p| p.shape.is_some()) {
            self.refuse(step, "simultaneous shapes", "apply them one after the other");
            return;
        }
        let mut sorted: Vec<&Pulse> = pulses.iter().collect();
        sorted.sort_by_key(|p| p.channel);
        let (mut times, mut phases) = (vec![], vec![]);
        for (k, p) in sorted.into_iter().enumerate() {
            if p.channel != k {
                self.refuse(step, "parallel pulses that skip a channel", "detect a nucleus that has a pulse");
                return;
            }
            let Some(words) = self.words(step, p.channel) else { return };
            self.amplitude(step, words, p);
            let Some((table, size)) = self.phase(step, p) else { return };
            if size < 90.0 {
                self.refuse(
                    step,
                    "parallel pulses at phases other than multiples of 90 deg",
                    "apply them one after the other",
                );
                return;
            }
            times.push(self.time(&p.duration, "delay"));
            phases.push(format!("t{table}"));
        }
        self.line(format!("{function}({}, {}, 0.0, 0.0);", times.join(", "), phases.join(", ")));
    }
}
