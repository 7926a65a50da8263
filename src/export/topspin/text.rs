//! The pulse program.

use super::super::job::Point;
use super::super::number::{micro, plain};
use super::super::program::{Decoupling, Gradient, GradientStrength, PerRow, Program, Pulse, Purpose, Step, StepKind};
use super::tables::{ListKind, SHORTEST, Tables, Waves};
use crate::ir::Align;
use crate::source::in_one_line;

/// The time for the disk between two rows.
const DISK: &str = "30m";

/// Where the signal is received, and where loops begin.
const SCAN_LABEL: usize = 2;
const FIRST_LOOP_LABEL: usize = 4;

/// Words behind a line that tell how the file has it.
struct Tags {
    ideal: &'static str,
    crush: &'static str,
    timed_crush: &'static str,
    not_emulated: &'static str,
}

const TAGS: Tags = Tags {
    ideal: " ;ideal",
    crush: " ;crush",
    timed_crush: " ;crush of finite duration",
    not_emulated: " ;not emulated",
};

/// Every pulse program says where it comes from.
pub struct Origin<'a> {
    /// The name of the program.
    pub name: &'a str,
    /// The file it was written from.
    pub file: &'a str,
    /// The fingerprint of that file.
    pub fingerprint: &'a str,
    /// The point of the sweep, if every point is an experiment.
    pub point: Option<&'a Point>,
}

/// The text of a pulse program.
pub fn text(program: &Program, tables: &Tables, waves: &mut Waves, stem: &str, origin: &Origin) -> String {
    let mut out = head(program, tables, origin);
    out += &relations(tables);
    let next_label = FIRST_LOOP_LABEL;
    let mut body = Body { program, tables, lines: vec![], next_label, switches: String::new(), on: vec![] };
    body.scan();
    out += &body.lines.iter().map(Line::text).collect::<String>();
    out += "exit\n\n";
    for (number, phases) in &tables.phases {
        out += &format!("ph{number}={}\n", listed(phases));
    }
    out += &format!("ph31={}\n\n", receiver(program));
    out + &legend(program, tables, waves, stem)
}

fn has_gradients(tables: &Tables) -> bool {
    !tables.gradients.is_empty()
}

fn head(program: &Program, tables: &Tables, origin: &Origin) -> String {
    let strongest = program.strongest();
    let class = if strongest > 40e3 { "Solids" } else { "HighRes" };
    let dimension = if program.rows > 1 { "2D" } else { "1D" };
    let mut out = format!(
        ";{}\n;written by ergoseq {} from {}, sha256 {}\n;$CLASS={class}\n;$DIM={dimension}\n;$TYPE=\n;$SUBTYPE=\n;$COMMENT={}\n\n",
        origin.name,
        env!("CARGO_PKG_VERSION"),
        in_one_line(origin.file),
        origin.fingerprint,
        in_one_line(&program.title),
    );
    if let Some(point) = origin.point {
        out.insert_str(out.len() - 1, &format!(";{}\n", point.sentence()));
    }
    out += "#include <Avance.incl>\n#include <Delay.incl>\n";
    out += if has_gradients(tables) { "#include <Grad.incl>\n\n" } else { "\n" };
    for list in &tables.lists {
        let (word, _, parameter, _) = list.kind.words();
        let file = if list.number == 1 { format!("${parameter}") } else { format!("{}_{}", origin.name, list.name()) };
        out += &format!("define list<{word}> {}=<{file}>\n", list.name());
    }
    out + if tables.lists.is_empty() { "" } else { "\n" }
}

fn relations(tables: &Tables) -> String {
    let mut out = String::new();
    for pulse in &tables.pulses {
        if let Some((first, factor)) = tables.multiple(pulse) {
            out += &format!("\"p{}=p{first}*{}\"\n", pulse.number, plain(factor));
        }
    }
    out + &format!("\"d11={DISK}\"\n\"acqt0=0\"\n\n")
}

/// A line with the label that a loop or the scan returns to.
struct Line {
    label: Option<usize>,
    words: String,
}

impl Line {
    fn text(&self) -> String {
        match self.label {
            Some(label) => format!("{label} {}\n", self.words),
            None if self.words.starts_with(';') => format!("{}\n", self.words),
            None => format!("  {}\n", self.words),
        }
    }
}

/// Where the amplifier of gradients is blanked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanking {
    /// There is no gradient, or it is done elsewhere.
    None,
    /// While this step passes, a delay behind the last gradient: that takes no time of its own.
    At(usize),
    /// No delay follows the last gradient, so a short one is needed.
    Missing,
}

/// Where the amplifier is blanked in a scan.
fn blanking(steps: &[Step]) -> Blanking {
    fn has_gradient(step: &Step) -> bool {
        match &step.kind {
            StepKind::Gradient(_) => true,
            StepKind::Loop(_, body) => body.iter().any(has_gradient),
            _ => false,
        }
    }
    let Some(last) = steps.iter().rposition(has_gradient) else { return Blanking::None };
    let delay = |step: &Step| matches!(step.kind, StepKind::Delay(..));
    let behind = steps.iter().enumerate().skip(last + 1).find(|(_, step)| delay(step));
    behind.map_or(Blanking::Missing, |(k, _)| Blanking::At(k))
}

struct Body<'a> {
    program: &'a Program,
    tables: &'a Tables,
    lines: Vec<Line>,
    next_label: usize,
    /// Commands that switch decoupling when the next delay begins.
    switches: String,
    /// The channels that are being decoupled.
    on: Vec<usize>,
}

impl Body<'_> {
    fn line(&mut self, words: impl Into<String>) {
        self.lines.push(Line { label: None, words: words.into() });
    }

    fn labelled(&mut self, label: usize, words: impl Into<String>) {
        self.lines.push(Line { label: Some(label), words: words.into() });
    }

    fn scan(&mut self) {
        self.labelled(1, "ze");
        self.labelled(SCAN_LABEL, "d11");
        self.line("d1");
        if has_gradients(self.tables) {
            self.line("50u UNBLKGRAD");
        }
        let steps = &self.program.steps;
        self.steps(steps, blanking(steps));
        let switches = std::mem::take(&mut self.switches);
        let lists = self.tables.lists.iter().map(|list| format!("calclist({}, 1)", list.name()));
        let rows = lists.collect::<Vec<_>>().join(" & ");
        let store = if rows.is_empty() { "F0(zd)".into() } else { format!("F1QF({rows})") };
        self.line(format!("d11{switches} mc #0 to {SCAN_LABEL} {store}"));
    }

    /// The lines of steps; at the delay of the given number the amplifier of gradients is blanked.
    fn steps(&mut self, steps: &[Step], blanking: Blanking) {
        for (k, step) in steps.iter().enumerate() {
            if matches!(
                step.kind,
                StepKind::Pulses(..) | StepKind::Gradient(_) | StepKind::Loop(..) | StepKind::Acquire(_)
            ) {
                self.switch();
            }
            match &step.kind {
                StepKind::Delay(time, purpose) => {
                    let switches = std::mem::take(&mut self.switches);
                    let blank = if blanking == Blanking::At(k) { " BLKGRAD" } else { "" };
                    let tag = if *purpose == Purpose::NotEmulated { TAGS.not_emulated } else { "" };
                    self.line(format!("{}{blank}{switches}{tag}", self.delay(time)));
                }
                StepKind::Pulses(align, pulses) => {
                    let tag = if pulses.iter().all(|p| p.ideal) { TAGS.ideal } else { "" };
                    self.line(format!("{}{tag}", self.pulses(*align, pulses)));
                }
                StepKind::Gradient(gradient) => {
                    let tag = match (gradient.strength, gradient.timed) {
                        (GradientStrength::Absolute(_), _) => "",
                        (GradientStrength::Share(_), true) => TAGS.timed_crush,
                        (GradientStrength::Share(_), false) => TAGS.crush,
                    };
                    self.line(format!("{}{tag}", self.gradient(gradient)));
                }
                StepKind::Loop(count, body) => self.repeated(count, body),
                StepKind::Mark(name) => self.line(format!("; mark {name}")),
                StepKind::Acquire(_) => {
                    if blanking == Blanking::Missing {
                        self.line(format!("4u BLKGRAD{}", TAGS.not_emulated));
                    }
                    self.line(format!("go={SCAN_LABEL} ph31"));
                    self.off_before_next_scan();
                }
                StepKind::Decouple(decoupling) => self.decouple(decoupling),
                StepKind::EndDecoupling(channel) => {
                    self.switches += &format!(" do:f{}", channel + 1);
                    self.on.retain(|on| on != channel);
                }
            }
        }
    }

    /// Switches decoupling where no delay of the sequence begins.
    fn switch(&mut self) {
        let switches = std::mem::take(&mut self.switches);
        if !switches.is_empty() {
            self.line(format!("4u{switches}{}", TAGS.not_emulated));
        }
    }

    fn decouple(&mut self, decoupling: &Decoupling) {
        let channel = decoupling.channel + 1;
        let power = self.tables.power(decoupling.channel, decoupling.strength).unwrap_or_default();
        let command = if decoupling.sequence == "cw" { "cw".to_string() } else { format!("cpd{channel}") };
        let phase = self.tables.phase(&decoupling.phases).filter(|_| decoupling.phases != [0.0]);
        let phase = phase.map_or(String::new(), |number| format!(" ph{number}"));
        self.switches += &format!(" pl{power}:f{channel} {command}:f{channel}{phase}");
        self.on.push(decoupling.channel);
    }

    /// `go` returns to the label of the scan with the decoupling on.
    fn off_before_next_scan(&mut self) {
        let off: String = self.on.iter().map(|channel| format!(" do:f{}", channel + 1)).collect();
        if let Some(line) = self.lines.iter_mut().find(|line| line.label == Some(SCAN_LABEL)) {
            line.words += &off;
        }
    }

    fn delay(&self, time: &PerRow) -> String {
        match time {
            PerRow::Same(time) => match self.tables.delay(*time) {
                Some(number) => format!("d{number}"),
                None => format!("{}u", micro(*time)),
            },
            PerRow::Rows(all) => self.list(ListKind::Delay, all),
        }
    }

    fn list(&self, kind: ListKind, values: &[f64]) -> String {
        self.tables.list_of(kind, values).map(|list| list.name()).unwrap_or_default()
    }

    fn pulse(&self, p: &Pulse) -> String {
        let length = match &p.duration {
            PerRow::Same(_) => format!("p{}", self.tables.pulse(p).unwrap_or_default()),
            PerRow::Rows(all) => self.list(ListKind::Pulse, all),
        };
        let phase = self.tables.phase(&p.phases).unwrap_or_default();
        let channel = p.channel + 1;
        match &p.shape {
            Some(shape) => {
                format!("({length}:sp{} ph{phase}):f{channel}", self.tables.shape(p, shape).unwrap_or_default())
            }
            None => {
                let power = self.tables.power(p.channel, p.strength).unwrap_or_default();
                format!("({length} pl{power} ph{phase}):f{channel}")
            }
        }
    }

    fn pulses(&self, align: Align, pulses: &[Pulse]) -> String {
        let all: Vec<String> = pulses.iter().map(|p| self.pulse(p)).collect();
        if let [one] = all.as_slice() {
            return one.clone();
        }
        let word = match align {
            Align::Start => "lalign",
            Align::Centre => "center",
            Align::End => "ralign",
        };
        format!("({word} {} )", all.join(" "))
    }

    fn gradient(&self, gradient: &Gradient) -> String {
        let length = self.tables.gradient_pulse(gradient.duration).unwrap_or_default();
        format!("p{length}:gp{}", self.tables.gradient(gradient).unwrap_or_default())
    }

    /// A loop. Where its body begins with a loop, both return to one label: the inner one counts anew each time.
    fn repeated(&mut self, count: &PerRow, body: &[Step]) {
        let start = self.lines.len();
        self.steps(body, Blanking::None);
        self.switch();
        let Some(first) = self.lines.iter_mut().skip(start).find(|line| !line.words.starts_with(';')) else { return };
        let label = match first.label {
            Some(label) => label,
            None => {
                let label = self.next_label;
                self.next_label += 1;
                first.label = Some(label);
                label
            }
        };
        let times = match count {
            PerRow::Same(count) => match self.tables.count(*count) {
                Some(number) => format!("l{number}"),
                None => plain(*count),
            },
            PerRow::Rows(all) => self.list(ListKind::Count, all),
        };
        self.line(format!("lo to {label} times {times}"));
    }
}

/// The phases of the receiver.
fn receiver(program: &Program) -> String {
    listed(&program.acquisition().map_or(vec![0.0], |acquire| acquire.phases.clone()))
}

/// Phases in radian as a list: quarters of a turn, whole degrees, or any.
fn listed(phases: &[f64]) -> String {
    let degrees: Vec<f64> = phases.iter().map(|p| p.to_degrees()).collect();
    let near = |x: f64, step: f64| (x / step - (x / step).round()).abs() < 1e-9;
    let (head, step) = if degrees.iter().all(|x| near(*x, 90.0)) {
        ("", 90.0)
    } else if degrees.iter().all(|x| near(*x, 1.0)) {
        ("(360) ", 1.0)
    } else {
        let all: Vec<String> = degrees.iter().map(|x| plain(x.rem_euclid(360.0))).collect();
        return format!("(float, 90.0) {}", all.join(" "));
    };
    let turn = (360.0 / step) as i64;
    let all: Vec<String> = degrees.iter().map(|x| ((x / step).round() as i64).rem_euclid(turn).to_string()).collect();
    format!("{head}{}", all.join(" "))
}

/// What every parameter is, with its value.
fn legend(program: &Program, tables: &Tables, waves: &mut Waves, stem: &str) -> String {
    let nucleus = |channel: usize| program.channels.get(channel).map_or("", |c| c.nucleus.as_str());
    let mut out = String::new();
    for (k, channel) in program.channels.iter().enumerate() {
        out += &format!(";nuc{} : nucleus {}\n", k + 1, channel.nucleus);
    }
    for (number, channel, strength) in &tables.powers {
        let (strength, f) = (plain(strength * 1e-3), channel + 1);
        out += &format!(";pl{number} : f{f} channel - power level of {} [{strength} kHz]\n", nucleus(*channel));
    }
    for shape in &tables.shapes {
        let (strength, f) = (plain(shape.strength * 1e-3), shape.channel + 1);
        let name = waves.shape(stem, &shape.shape, program.nucleus(shape.channel));
        out += &format!(
            ";sp{} : f{f} channel - shape {name} of {} [{strength} kHz]\n",
            shape.number,
            nucleus(shape.channel)
        );
    }
    for pulse in &tables.pulses {
        let what = match pulse.angle {
            angle if angle > 0.0 => format!("{} degree pulse", plain((angle.to_degrees() * 1e6).round() / 1e6)),
            _ => "pulse".into(),
        };
        out +=
            &format!(";p{} : f{} channel - {what} [{} us]\n", pulse.number, pulse.channel + 1, micro(pulse.duration));
    }
    for (number, duration) in &tables.gradient_pulses {
        out += &format!(";p{number} : gradient [{} us]\n", micro(*duration));
    }
    for numbered in &tables.gradients {
        out += &match numbered.gradient.strength {
            GradientStrength::Absolute(strength) => {
                format!(";gpz{} : gradient [{} T/m]\n", numbered.number, plain(strength))
            }
            GradientStrength::Share(share) => {
                format!(";gpz{} : crusher, {} percent\n", numbered.number, plain(100.0 * share))
            }
        };
    }
    for decoupling in tables.decouplings.iter().filter(|d| d.sequence != "cw") {
        let (f, pulse) = (decoupling.channel + 1, micro(decoupling.pulse));
        out += &format!(";cpdprg{f} : f{f} channel - decoupling by {}\n", decoupling.sequence);
        out += &format!(";pcpd{f} : f{f} channel - 90 degree pulse of decoupling [{pulse} us]\n");
    }
    out += ";d1 : recycle delay, 5 * T1\n";
    for (number, time) in &tables.delays {
        out += &format!(";d{number} : delay [{} us]\n", micro(*time));
    }
    out += &format!(";d11 : delay for the disk [{DISK}]\n");
    for (number, count) in &tables.counts {
        out += &format!(";l{number} : loop [{}]\n", plain(*count));
    }
    for list in &tables.lists {
        let all: Vec<String> = list.values.iter().map(|x| list.entry(*x)).collect();
        let none = list.kind == ListKind::Delay && list.values.iter().any(|x| *x < SHORTEST);
        let none = if none { format!(", the shortest delay {} us for none", micro(SHORTEST)) } else { String::new() };
        out += &format!(";{} : rows of {}{none} [{}]\n", list.name(), program.swept.join(", "), all.join(", "));
    }
    if let Some((points, dwell)) = program.acquisition().and_then(|a| a.points) {
        out += &format!(
            ";td : real and imaginary points [{}]\n;swh : points a second [{}]\n",
            2 * points,
            plain(1.0 / dwell)
        );
    }
    if program.rows > 1 {
        out += &format!(";td1 : {}\n", program.rows);
    }
    out + &format!(";ns : {} * n\n", program.scans)
}
