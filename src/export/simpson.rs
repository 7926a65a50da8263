//! An input file of SIMPSON: the spin system, the crystallites, and the sequence as Tcl.
//!
//! SIMPSON's pulses turn by `exp(-i theta (Ix cos phi + Iy sin phi))` as those of the program do, and its couplings have the same sign.
//! Its shifts are those of a spectrometer: `shift` of `nu` hertz is `-2 pi nu Iz` where gamma is positive. SIMPSON has no receiver phase,
//! so it is subtracted from the phases of all pulses on the channel, which gives the same signal.
//!
//! In its rotor the field turns the other way: its azimuth is `2 pi nu t`, ours `pi - 2 pi nu t`. Tensors of rank two are the same in a
//! mirror, so the sample is written mirrored in the plane of y and z, which turns the azimuth `phi` into `pi - phi`.

use super::job::{File, Job};
use super::number::{micro, plain};
use super::program::{GradientStrength, PerRow, Program, Pulse, Step, StepKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::instrument::starts;
use crate::hamiltonian::sample::{Frame, Sample};
use crate::source::in_one_line;
use crate::spin::mirrored;
use std::f64::consts::PI;

/// The strength at which ideal pulses are told: SIMPSON takes their angle from strength and duration, and lets no time pass.
const IDEAL: f64 = 1e6;

/// SIMPSON holds the Hamiltonian of a spinning sample for so many steps a turn; its error falls as the length of a step.
const STEPS: f64 = 1000.0;

/// Points and width of a signal where the file says nothing.
const POINTS: (usize, f64) = (512, 1e-6);

/// Writes the files.
///
/// # Errors
/// What SIMPSON has no words for.
pub fn write(job: &Job) -> Result<Vec<File>, Vec<Diagnostic>> {
    let mut files = Vec::new();
    let mut crystals: Vec<File> = Vec::new();
    for part in &job.experiments {
        let (name, program) = (job.stem(part), &part.program);
        let Some(sample) = &part.sample else { continue };
        // Experiments with the same orientations share a file.
        let directions = crystal_file(sample);
        let crystal = match crystals.iter().find(|f| f.text == directions) {
            Some(known) => known.path.clone(),
            None => {
                let path = if crystals.is_empty() { format!("{}.cry", job.name) } else { format!("{name}.cry") };
                crystals.push(File::new(&path, directions));
                path
            }
        };
        let mut input = Input { program, sample, lines: vec![], wrong: vec![], depth: 1, turned: 0 };
        input.sequence();
        if !input.wrong.is_empty() {
            return Err(input.wrong);
        }
        let text = input.text(job, &name, &crystal);
        files.push(File::new(format!("{name}.in"), text));
    }
    let names: Vec<String> =
        files.iter().filter(|f| f.path.ends_with(".in")).map(|f| format!("`simpson {}`", f.path)).collect();
    let readme = format!(
        "# {}\n\nWritten by ergoseq {} from `{}` for SIMPSON 4 and 5.\n\nRun {} in this folder: each writes its FIDs to this folder, one `.fid` file per row. The `.cry` file holds the orientations of the crystallites with their weights.\n",
        job.name,
        env!("CARGO_PKG_VERSION"),
        job.source,
        names.join(", "),
    );
    files.extend(crystals);
    files.push(File::new("README.md", readme));
    Ok(files)
}

/// An angle in degrees, from 0 to 360.
fn degrees(x: f64) -> String {
    let text = plain(x.to_degrees().rem_euclid(360.0));
    if text == "360" { "0".into() } else { text }
}

/// Whether the rotor turns as SIMPSON's does. The azimuth of the field is `pi + 2 pi |nu| t` then, and the sample is written as it is: its
/// third angle is `pi` less the phase of the rotor, and SIMPSON's begins at 0.
fn turns_back(sample: &Sample) -> bool {
    sample.spinning.is_some_and(|(rate, _)| rate < 0.0)
}

/// The frame of a tensor, mirrored where the rotor turns the usual way.
fn frame(sample: &Sample, [alpha, beta, gamma]: Frame) -> String {
    let angles = if turns_back(sample) { [alpha, beta, gamma] } else { [PI - alpha, beta, PI - gamma] };
    angles.map(degrees).join(" ")
}

/// Directions and weights, degrees.
fn crystal_file(sample: &Sample) -> String {
    let mut out = format!("{}\n", sample.crystallites.len());
    for (alpha, beta, weight) in &sample.crystallites {
        let alpha = if turns_back(sample) { *alpha } else { PI - alpha };
        out += &format!("{} {} {}\n", degrees(alpha), degrees(*beta), plain(*weight));
    }
    out
}

struct Input<'a> {
    program: &'a Program,
    sample: &'a Sample,
    lines: Vec<String>,
    wrong: Vec<Diagnostic>,
    depth: usize,
    /// How many loops were begun: each has a variable of its own.
    turned: usize,
}

impl Input<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        self.lines.push(format!("{}{}\n", "    ".repeat(self.depth), text.as_ref()));
    }

    fn refuse(&mut self, step: &Step, message: &str, help: &str) {
        let diagnostic = Diagnostic::new(Code::NotExported, step.span, message).label("not supported by SIMPSON");
        self.wrong.push(diagnostic.help(help));
    }

    fn text(&self, job: &Job, name: &str, crystal: &str) -> String {
        let acquire = self.program.acquisition();
        let (points, dwell) = acquire.as_ref().and_then(|a| a.points).unwrap_or(POINTS);
        let received = acquire.map_or(0, |a| a.channel);
        let (rate, angle) = self.sample.spinning.unwrap_or((0.0, 0.0));
        let field = self.sample.field.unwrap_or(9.4);
        let proton = crate::spin::Isotope::named("1H").map_or(267.522e6, |i| i.gamma) * field / (2.0 * PI);
        let mut out = format!(
            "# {name}\n# written by ergoseq {} from {}, sha256 {}\n# {}\n\n",
            env!("CARGO_PKG_VERSION"),
            in_one_line(&job.source),
            job.fingerprint,
            in_one_line(&self.program.title)
        );
        out += &self.spin_system();
        out += &format!(
            "par {{\n    method           direct\n    proton_frequency {}\n    spin_rate        {}\n",
            plain(proton),
            plain(rate.abs())
        );
        if rate != 0.0 {
            out += &format!("    rotor_angle      {}\n", plain(angle.to_degrees()));
        }
        out += &format!(
            "    crystal_file     {crystal}\n    gamma_angles     {}\n    np               {points}\n    sw               {}\n    \
             start_operator   {}\n    detect_operator  {}\n    verbose          0000\n}}\n\n",
            self.sample.rotor_phases,
            plain(1.0 / dwell),
            self.start_operator(),
            self.operator(received, "p"),
        );
        out += "proc pulseq {} {\n    global par\n    set scan $par(scan)\n    set row $par(row)\n    reset\n";
        if rate != 0.0 {
            out += &format!("    maxdt {}\n", micro((1.0 / (rate.abs() * STEPS)).min(1e-6)));
        }
        out += &self.lines.concat();
        out += &format!(
            "    acq\n    for {{set k 1}} {{$k < $par(np)}} {{incr k}} {{\n        delay {}\n        acq\n    }}\n}}\n\n",
            micro(dwell)
        );
        out += &format!(
            "proc main {{}} {{\n    global par\n    for {{set par(row) 0}} {{$par(row) < {}}} {{incr par(row)}} {{\n        set par(scan) 0\n        \
             set f [fsimpson]\n        for {{set par(scan) 1}} {{$par(scan) < {}}} {{incr par(scan)}} {{\n            set g [fsimpson]\n            \
             fadd $f $g\n            funload $g\n        }}\n        fsave $f $par(name)_$par(row).fid\n        funload $f\n    }}\n}}\n",
            self.program.rows, self.program.scans
        );
        out
    }

    fn spin_system(&self) -> String {
        let sample = self.sample;
        let mut channels: Vec<&str> = self.program.channels.iter().map(|c| c.nucleus.as_str()).collect();
        for nucleus in &sample.nuclei {
            if !channels.contains(&nucleus.as_str()) {
                channels.push(nucleus);
            }
        }
        let mut out =
            format!("spinsys {{\n    channels {}\n    nuclei {}\n", channels.join(" "), sample.nuclei.join(" "));
        // A spin has one line of shifts, isotropic and anisotropic.
        for spin in 0..sample.nuclei.len() {
            let isotropic: f64 = sample.offsets.iter().filter(|o| o.0 == spin).map(|o| o.1).sum();
            let tensor = sample.anisotropies.iter().find(|t| t.0 == spin);
            let (size, eta, lies) = tensor.map_or((0.0, 0.0, [0.0; 3]), |t| (t.1, t.2, t.3));
            if isotropic != 0.0 || tensor.is_some() {
                let nucleus = sample.nuclei.get(spin).map_or("", String::as_str);
                out += &format!(
                    "    shift {} {} {} {} {}\n",
                    spin + 1,
                    plain(mirrored(nucleus, isotropic)),
                    plain(mirrored(nucleus, size)),
                    plain(eta),
                    frame(sample, lies)
                );
            }
        }
        for (spin, size, eta, lies, order) in &sample.quadrupoles {
            let (size, eta) = (plain(*size), plain(*eta));
            out += &format!("    quadrupole {} {order} {size} {eta} {}\n", spin + 1, frame(sample, *lies));
        }
        for (a, b, j) in &sample.scalar {
            out += &format!("    jcoupling {} {} {} 0 0 0 0 0\n", a + 1, b + 1, plain(*j));
        }
        for (a, b, d, lies) in &sample.dipolar {
            out += &format!("    dipole {} {} {} {}\n", a + 1, b + 1, plain(*d), frame(sample, *lies));
        }
        out + "}\n\n"
    }

    /// The polarised spins, each as strong as its gamma beside the size of that of the received nucleus.
    fn start_operator(&self) -> String {
        let gamma = |nucleus: &str| crate::spin::Isotope::named(nucleus).map_or(1.0, |i| i.gamma);
        let received = self.program.channels.first().map_or(1.0, |c| gamma(&c.nucleus).abs());
        let polarised = |k: &usize| self.program.polarised.as_ref().is_none_or(|all| all.contains(k));
        let terms = self.sample.nuclei.iter().enumerate().filter(|(k, _)| polarised(k));
        let all: Vec<String> = terms
            .map(|(k, nucleus)| match gamma(nucleus) / received {
                1.0 => format!("I{}z", k + 1),
                share => format!("{}*I{}z", plain(share), k + 1),
            })
            .collect();
        all.join("+").replace("+-", "-")
    }

    fn operator(&self, channel: usize, letter: &str) -> String {
        let nucleus = self.program.channels.get(channel).map_or("", |c| c.nucleus.as_str());
        let own = self.sample.nuclei.iter().enumerate().filter(|(_, n)| *n == nucleus);
        own.map(|(k, _)| format!("I{}{letter}", k + 1)).collect::<Vec<_>>().join("+")
    }

    fn sequence(&mut self) {
        let program = self.program;
        self.steps(&program.steps);
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Delay(time, _) => self.line(format!("delay {}", per_row(time, 1e6))),
                StepKind::Pulses(align, pulses) => match pulses.as_slice() {
                    [one] => self.pulse(one),
                    all if all.iter().all(|p| p.ideal) => all.iter().for_each(|p| self.pulse(p)),
                    all => self.at_once(step, *align, all),
                },
                StepKind::Gradient(gradient) => match gradient.strength {
                    GradientStrength::Share(_) if self.program.channels.len() == 1 => {
                        self.line("matrix set 1 totalcoherence {0}");
                        self.line("filter 1");
                    }
                    GradientStrength::Share(_) => {
                        let help = "SIMPSON filters only the total coherence order: write a phase cycle";
                        self.refuse(step, "a `crush` of several nuclei", help);
                    }
                    GradientStrength::Absolute(_) => {
                        self.refuse(step, "a finite gradient", "use `crush`, which is ideal")
                    }
                },
                StepKind::Loop(count, body) => {
                    self.turned += 1;
                    let k = format!("n{}", self.turned);
                    self.line(format!("for {{set {k} 0}} {{${k} < {}}} {{incr {k}}} {{", per_row(count, 1.0)));
                    self.depth += 1;
                    self.steps(body);
                    self.depth -= 1;
                    self.line("}");
                }
                StepKind::Mark(name) => self.line(format!("# mark {name}")),
                // Decoupling is refused before.
                StepKind::Acquire(_) | StepKind::Decouple(_) | StepKind::EndDecoupling(_) => {}
            }
        }
    }

    fn channels(&self, of: impl Fn(usize) -> Option<(String, String)>) -> String {
        let all = (0..self.spin_channels()).map(|k| match of(k) {
            Some((strength, phase)) => format!("{strength} {phase}"),
            None => "0 0".into(),
        });
        all.collect::<Vec<_>>().join(" ")
    }

    /// The channels of the spin system: those of the program, and nuclei that nothing is sent to.
    fn spin_channels(&self) -> usize {
        let known: Vec<&str> = self.program.channels.iter().map(|c| c.nucleus.as_str()).collect();
        let mut more: Vec<&str> =
            self.sample.nuclei.iter().map(String::as_str).filter(|n| !known.contains(n)).collect();
        more.dedup();
        known.len() + more.len()
    }

    fn pulse(&mut self, p: &Pulse) {
        let phase = self.phase(p);
        if p.ideal {
            // A turn by an angle takes angle/(2 pi nu).
            let time = per_row(&p.angle.map(|angle| angle / (2.0 * PI * IDEAL)), 1e6);
            let told = self.channels(|k| (k == p.channel).then(|| (plain(IDEAL), phase.clone())));
            self.line(format!("pulseid {time} {told}"));
            return;
        }
        match &p.shape {
            None => {
                let told = self.channels(|k| (k == p.channel).then(|| (plain(p.strength), phase.clone())));
                self.line(format!("pulse {} {told}", per_row(&p.duration, 1e6)));
            }
            Some(shape) => {
                let steps: Vec<String> = shape
                    .iter()
                    .map(|(a, phase)| format!("{} {}", plain(a * p.strength), plain(phase.to_degrees())))
                    .collect();
                let time = per_row(&p.duration, 1e6 / shape.len().max(1) as f64);
                self.line(format!("foreach {{rf turn}} {{{}}} {{", steps.join(" ")));
                let told = self
                    .channels(|k| (k == p.channel).then(|| ("$rf".to_string(), format!("[expr {{{phase} + $turn}}]"))));
                self.depth += 1;
                self.line(format!("pulse {time} {told}"));
                self.depth -= 1;
                self.line("}");
            }
        }
    }

    /// The phase of a pulse in degrees, turned back by that of the receiver on its channel.
    fn phase(&self, p: &Pulse) -> String {
        let receiver = self.program.acquisition().filter(|a| a.channel == p.channel).map_or(vec![0.0], |a| a.phases);
        let scans = if p.phases.len() == 1 && receiver.len() == 1 { 1 } else { self.program.scans };
        let at = |list: &[f64], k: usize| list.get(k % list.len().max(1)).copied().unwrap_or(0.0);
        let all: Vec<String> =
            (0..scans).map(|k| plain((at(&p.phases, k) - at(&receiver, k)).to_degrees().rem_euclid(360.0))).collect();
        match all.as_slice() {
            [one] => one.clone(),
            _ => format!("[lindex {{{}}} $scan]", all.join(" ")),
        }
    }

    /// Hard pulses on several channels, cut where one begins or ends.
    fn at_once(&mut self, step: &Step, align: crate::ir::Align, pulses: &[Pulse]) {
        if pulses.iter().any(|p| p.ideal) {
            self.refuse(step, "ideal pulses parallel to finite pulses", "make all of them `ideal`, or none");
            return;
        }
        let fixed: Option<Vec<f64>> = pulses
            .iter()
            .map(|p| if let (PerRow::Same(t), None) = (&p.duration, &p.shape) { Some(*t) } else { None })
            .collect();
        let Some(durations) = fixed else {
            self.refuse(step, "simultaneous shaped or swept pulses", "apply them one after the other");
            return;
        };
        let begins = starts(&durations, align);
        let spans: Vec<(f64, f64)> = begins.iter().zip(&durations).map(|(b, d)| (*b, b + d)).collect();
        let mut edges: Vec<f64> = spans.iter().flat_map(|(a, b)| [*a, *b]).collect();
        edges.sort_by(f64::total_cmp);
        edges.dedup_by(|b, a| (*b - *a).abs() < 1e-13);
        for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
            let middle = 0.5 * (from + to);
            let active: Vec<(usize, String, String)> = pulses
                .iter()
                .zip(&spans)
                .filter(|(_, (a, b))| *a < middle && middle < *b)
                .map(|(p, _)| (p.channel, plain(p.strength), self.phase(p)))
                .collect();
            let told = self.channels(|k| active.iter().find(|a| a.0 == k).map(|a| (a.1.clone(), a.2.clone())));
            self.line(format!("pulse {} {told}", micro(to - from)));
        }
    }
}

/// A number, or one a row.
fn per_row(x: &PerRow, scale: f64) -> String {
    match x {
        PerRow::Same(x) => plain(x * scale),
        PerRow::Rows(all) => {
            let all: Vec<String> = all.iter().map(|x| plain(x * scale)).collect();
            format!("[lindex {{{}}} $row]", all.join(" "))
        }
    }
}
