//! The scans of a file as one sequence: numbers that differ from scan to scan are cycles, those that differ from decay to decay swept
//! parameters.

use super::flow::{Flow, Signal, Step};
use super::sample::shown;
use crate::source::in_one_line;
use std::collections::BTreeMap;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A time, us.
    Time,
    /// A phase, degrees.
    Phase,
    /// A strength, Hz.
    Strength,
    /// A flip angle, degrees.
    Angle,
    /// A count.
    Count,
}

impl Kind {
    fn written(self, x: f64) -> String {
        let unit = match self {
            Kind::Time => " us",
            Kind::Phase | Kind::Angle => " deg",
            Kind::Strength => " Hz",
            Kind::Count => "",
        };
        format!("{}{unit}", shown(x))
    }

    fn letter(self) -> &'static str {
        match self {
            Kind::Time => "t",
            Kind::Phase => "phase",
            Kind::Strength => "rf",
            Kind::Angle => "angle",
            Kind::Count => "n",
        }
    }
}

/// How numbers are written, each in its turn.
type Numbers<'a> = dyn FnMut(Kind, f64) -> String + 'a;

/// What a sequence is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Written {
    /// Declarations of parameters and cycles.
    pub declarations: String,
    /// The statements.
    pub statements: String,
    /// The sweeps.
    pub sweeps: String,
    /// What of the scans is not in it.
    pub lost: Vec<String>,
}

/// The receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver<'a> {
    /// The nuclei of the channels.
    pub channels: &'a [String],
    /// The nucleus that is received.
    pub nucleus: &'a str,
    /// Degrees that are added to its phase.
    pub phase: f64,
    /// The time between points where nothing says it, us.
    pub dwell: f64,
    /// Whether F+ of the nucleus is seen; means of other operators are measured.
    pub acquires: bool,
}

/// The sequence of decays: the scans of each, and whether they are subtracted.
pub fn written(rows: &[Vec<(&Flow, bool)>], receiver: &Receiver) -> Written {
    let mut out = Written::default();
    let Some(first) = rows.first().and_then(|r| r.first()) else { return out };
    // The text with signs in the place of numbers is what scans must share.
    let mut shape: Option<String> = None;
    let mut numbers: Vec<Vec<Vec<f64>>> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    let even = rows.iter().all(|row| row.len() == rows.first().map_or(0, Vec::len));
    for row in rows {
        let mut own = Vec::new();
        for (flow, negative) in row {
            let (mut all, mut found) = (Vec::new(), Vec::new());
            let text = scan_text(flow, *negative, receiver, &mut |kind, x| {
                all.push(x);
                found.push(kind);
                "#".into()
            });
            if shape.get_or_insert_with(|| text.clone()) != &text || !even {
                out.lost.push("its FIDs and scans differ; only the first is used".into());
                let (one, text) = (vec![vec![*first]], &mut out);
                return Written { lost: std::mem::take(&mut text.lost), ..written(&one, receiver) };
            }
            kinds = found;
            own.push(all);
        }
        numbers.push(own);
    }
    let mut cells = Cells {
        numbers,
        rows: rows.len(),
        swept: vec![],
        cycles: vec![],
        known: BTreeMap::new(),
        counts: BTreeMap::new(),
        mixed: false,
    };
    let mut place = 0;
    let statements = scan_text(first.0, first.1, receiver, &mut |kind, _| {
        place += 1;
        cells.written(place - 1, kind)
    });
    debug_assert_eq!(place, kinds.len());
    out.statements = statements;
    for (name, phases) in &cells.cycles {
        let all: Vec<String> = phases.iter().map(|x| Kind::Phase.written(*x)).collect();
        out.declarations += &format!("cycle {name} = {}\n", all.join(", "));
    }
    if !cells.swept.is_empty() {
        out.sweeps += "\nsweep zip {\n";
    }
    for (name, kind, all) in &cells.swept {
        let texts: Vec<String> = all.iter().map(|x| kind.written(*x)).collect();
        out.declarations += &format!("param {name} = {}\n", texts.first().cloned().unwrap_or_default());
        out.sweeps += &format!("    {name} = {}\n", texts.join(", "));
    }
    if !cells.swept.is_empty() {
        out.sweeps += "}\n";
    }
    if cells.mixed {
        out.lost.push(
            "a value other than a phase changes between scans, or a value also changes between FIDs: only the first is used"
                .into(),
        );
    }
    if let Signal::Strobed { points, .. } = &first.0.signal {
        out.declarations += "param turns = 0    # between the points of the signal\n";
        out.sweeps += &format!("\nsweep turns = 0 .. {} points {points}\n", points.saturating_sub(1));
    }
    out
}

/// The numbers of all scans: by decay, scan and place.
struct Cells {
    numbers: Vec<Vec<Vec<f64>>>,
    rows: usize,
    swept: Vec<(String, Kind, Vec<f64>)>,
    cycles: Vec<(String, Vec<f64>)>,
    /// The names of numbers that were met before.
    known: BTreeMap<(Of, Kind, Vec<u64>), String>,
    /// How many sweeps there are of a kind.
    counts: BTreeMap<Kind, usize>,
    mixed: bool,
}

/// What numbers change with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Scans,
    Rows,
}

/// Numbers as a key: the two zeros are one.
fn key(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| (x + 0.0).to_bits()).collect()
}

impl Cells {
    fn written(&mut self, place: usize, kind: Kind) -> String {
        let all: Vec<Vec<f64>> =
            self.numbers.iter().map(|row| row.iter().filter_map(|scan| scan.get(place).copied()).collect()).collect();
        let first = all.first().and_then(|row| row.first()).copied().unwrap_or(0.0);
        let same_rows = all.iter().all(|row| Some(row) == all.first());
        let same_scans = all.iter().all(|row| row.iter().all(|x| Some(x) == row.first()));
        match (same_rows, same_scans) {
            (true, true) => kind.written(first),
            (true, false) if kind == Kind::Phase => {
                let phases = all.into_iter().next().unwrap_or_default();
                if let Some(name) = self.known.get(&(Of::Scans, kind, key(&phases))) {
                    return name.clone();
                }
                let name = format!("ph{}", self.cycles.len() + 1);
                self.known.insert((Of::Scans, kind, key(&phases)), name.clone());
                self.cycles.push((name.clone(), phases));
                name
            }
            (false, true) if self.rows > 1 => {
                let column: Vec<f64> = all.iter().filter_map(|row| row.first().copied()).collect();
                if let Some(name) = self.known.get(&(Of::Rows, kind, key(&column))) {
                    return name.clone();
                }
                let count = self.counts.entry(kind).or_insert(0);
                *count += 1;
                let name = format!("{}{count}", kind.letter());
                self.known.insert((Of::Rows, kind, key(&column)), name.clone());
                self.swept.push((name.clone(), kind, column));
                name
            }
            _ => {
                self.mixed = true;
                kind.written(first)
            }
        }
    }
}

fn scan_text(flow: &Flow, negative: bool, receiver: &Receiver, numbers: &mut Numbers) -> String {
    let mut out = String::new();
    steps_text(&flow.before, 1, receiver.channels, numbers, &mut out);
    let turn = if negative { 180.0 } else { 0.0 } + receiver.phase;
    let nucleus = receiver.nucleus;
    let acquire = |points: usize, dwell: f64, phase: f64, numbers: &mut Numbers, out: &mut String| {
        let phase = numbers(Kind::Phase, (phase + turn).rem_euclid(360.0));
        let phase = if phase == "0 deg" { String::new() } else { format!(" phase {phase}") };
        *out += &format!("    acquire {nucleus} points {points} dwell {} us{phase}\n", shown(dwell));
    };
    match &flow.signal {
        Signal::None => {}
        Signal::Free { points, dwell, .. } if !receiver.acquires => {
            let time = dwell.unwrap_or(receiver.dwell) * points.saturating_sub(1) as f64;
            out += &match points {
                1 => "    mark seen\n".to_string(),
                points => format!("    delay {} us record {points} as seen\n", shown(time)),
            };
        }
        Signal::Strobed { between, .. } if !receiver.acquires => {
            let mut body = String::new();
            steps_text(between, 2, receiver.channels, numbers, &mut body);
            out += &format!("    loop turns {{\n{body}    }}\n    mark seen\n");
        }
        Signal::Free { points, dwell, phase } => {
            acquire(*points, dwell.unwrap_or(receiver.dwell), *phase, numbers, &mut out);
        }
        Signal::Strobed { between, phase, .. } => {
            let mut body = String::new();
            steps_text(between, 2, receiver.channels, numbers, &mut body);
            out += &format!("    loop turns {{\n{body}    }}\n");
            acquire(1, receiver.dwell, *phase, numbers, &mut out);
        }
        Signal::Scattered(between) => {
            out += "    mark point1\n";
            for (k, steps) in between.iter().enumerate() {
                steps_text(steps, 1, receiver.channels, numbers, &mut out);
                out += &format!("    mark point{}\n", k + 2);
            }
        }
    }
    steps_text(&flow.behind, 1, receiver.channels, numbers, &mut out);
    out
}

fn steps_text(steps: &[Step], depth: usize, channels: &[String], numbers: &mut Numbers, out: &mut String) {
    let blanks = "    ".repeat(depth);
    for step in steps {
        match step {
            Step::Delay(time) => *out += &format!("{blanks}delay {}\n", numbers(Kind::Time, *time)),
            Step::Comment(text) => match text.trim().strip_prefix("mark ").filter(|name| is_name(name)) {
                Some(name) if depth == 1 => *out += &format!("{blanks}mark {name}\n"),
                _ => *out += &format!("{blanks}#{}\n", in_one_line(text)),
            },
            Step::Filter(orders) => match orders.as_slice() {
                [0] if channels.len() == 1 => *out += &format!("{blanks}crush\n"),
                orders => {
                    let mut sizes: Vec<u64> = orders.iter().map(|k| k.unsigned_abs()).collect();
                    sizes.sort_unstable();
                    sizes.dedup();
                    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
                    *out += &format!("{blanks}crush keep {}\n", sizes.join(", "));
                }
            },
            Step::Loop(count, body) => {
                let mut inside = String::new();
                *out += &format!("{blanks}loop {} {{\n", numbers(Kind::Count, *count as f64));
                steps_text(body, depth + 1, channels, numbers, &mut inside);
                *out += &format!("{inside}{blanks}}}\n");
            }
            Step::Pulse { time, ideal, sent } => pulses(*time, *ideal, sent, &blanks, channels, numbers, out),
            Step::Point(_) => {}
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn pulses(
    time: f64,
    ideal: bool,
    sent: &[Option<(f64, f64)>],
    blanks: &str,
    channels: &[String],
    numbers: &mut Numbers,
    out: &mut String,
) {
    let mut all = Vec::new();
    for (nucleus, sent) in channels.iter().zip(sent) {
        let Some((rf, phase)) = sent else { continue };
        // A negative strength is one of the opposite phase.
        let phase = if *rf < 0.0 { phase + 180.0 } else { *phase }.rem_euclid(360.0);
        all.push(if ideal {
            let angle = numbers(Kind::Angle, rf.abs() * time * 360.0 / 1e6);
            format!("pulse {nucleus} {angle} phase {} ideal", numbers(Kind::Phase, phase))
        } else {
            let (phase, rf) = (numbers(Kind::Phase, phase), numbers(Kind::Strength, rf.abs()));
            format!("pulse {nucleus} phase {phase} rf = {rf} duration = {}", numbers(Kind::Time, time))
        });
    }
    match all.as_slice() {
        [_, _, ..] if !ideal => {
            *out += &format!("{blanks}parallel {{\n");
            all.iter().for_each(|pulse| *out += &format!("{blanks}    {pulse}\n"));
            *out += &format!("{blanks}}}\n");
        }
        all => all.iter().for_each(|pulse| *out += &format!("{blanks}{pulse}\n")),
    }
}
