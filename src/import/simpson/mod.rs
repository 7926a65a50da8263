//! An input file of SIMPSON as a `.seq` file.
//!
//! * `words`, `expression` and `interpreter`: the part of Tcl that such files are written in.
//! * `sample`: the sections `spinsys` and `par`.
//! * `record`: what the pulse sequence does as it runs.
//! * `flow`: propagators and points in their order.
//! * `work`: how much of all this a file may ask for.
//! * `write`: scans and decays as one sequence, with cycles and sweeps.
//!
//! The file is run as SIMPSON runs it, with pulses that are only noted. Loops whose turns are equal stay loops. Comments are kept; what is
//! not understood is kept as a comment with a warning at its line. Signs are those of the export: shifts as a spectrometer counts
//! them, tensors in a mirror where the sample turns.

mod expression;
mod flow;
mod interpreter;
mod record;
mod sample;
mod words;
mod work;
mod write;

use super::Imported;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::powder::grid_of;
use crate::source::{Span, in_one_line};
use crate::spin::Isotope;
use flow::{Flow, Signal};
use record::{Recorder, Scan};
use sample::{LARGEST, Par, TEMPERATURE, shown};
use write::{Receiver, written};

/// The most points that are marked one by one.
const MOST_MARKS: usize = 1024;

/// Whether a text is an input file of SIMPSON.
pub fn is_input(text: &str) -> bool {
    let begins = |word: &str| {
        text.lines().any(|l| l.trim_start().strip_prefix(word).is_some_and(|r| r.trim_start().starts_with('{')))
    };
    begins("spinsys") || (begins("par") && text.contains("pulseq"))
}

/// Imports an input file; `file` is the number of its text among the sources, and `crystals` gives the text of a file of crystallites that
/// lies beside it.
///
/// # Errors
/// Braces that are not closed, programs without end, and files without spins or without a pulse sequence.
pub fn import(
    name: &str,
    text: &str,
    file: u32,
    crystals: &dyn Fn(&str) -> Option<String>,
) -> Result<Imported, Vec<Diagnostic>> {
    let mut recorder = recorded(name, text, file)?;
    let rows = recorder.rows();
    let mut lost: Vec<String> = Vec::new();
    let scans = std::mem::take(&mut recorder.scans);
    let mut steps = 0;
    let flows: Vec<Flow> = scans
        .iter()
        .map(|scan| {
            flow::flow(&scan.acts, &mut steps).unwrap_or_else(|why| {
                // What is wrong with many scans is said once.
                if lost.last() != Some(&why) {
                    lost.push(why);
                }
                Flow { before: vec![], signal: Signal::None, behind: vec![], turned: false }
            })
        })
        .collect();
    let Some(first) = rows.first().and_then(|r| r.first()).and_then(|(k, _)| scans.get(*k)) else {
        return Err(missing(name, "decay that is kept"));
    };
    let others = ["start_operator", "detect_operator", "sw", "np", "spin_rate", "crystal_file", "gamma_angles"];
    for name in others.iter().filter(|n| scans.iter().any(|s| s.parameters.get(**n) != first.parameters.get(**n))) {
        lost.push(format!("`{name}` changes between scans; only the first value is used"));
    }
    let mut file_text = Text::of(&recorder, first, crystals, &mut lost);
    let turned = |(k, negative): &(usize, bool)| flows.get(*k).is_some_and(|f| file_text.loses_phase(f, *negative));
    if rows.iter().flatten().any(turned) {
        lost.push("receiver phases do not apply to expectation values of operators".into());
    }
    let dwell = match Par(&first.parameters).number("sw") {
        Ok(Some(width)) if width >= 1.0 / LARGEST => 1e6 / width,
        Ok(None) => 1.0,
        _ => {
            lost.push("`sw` must be positive and finite; single points are acquired with a dwell time of 1 us".into());
            1.0
        }
    };
    let receiver = Receiver {
        channels: recorder.sections.channels(),
        nucleus: &file_text.nucleus,
        phase: file_text.phase,
        dwell,
        acquires: file_text.seen.is_empty(),
    };
    let all: Vec<Vec<(&Flow, bool)>> = rows
        .iter()
        .map(|row| row.iter().filter_map(|(k, negative)| flows.get(*k).map(|f| (f, *negative))).collect())
        .collect();
    let mut sequence = written(&all, &receiver);
    lost.append(&mut sequence.lost);
    file_text.measure(all.first().and_then(|r| r.first()).map(|f| &f.0.signal), &recorder, &mut lost);
    for (k, why) in lost.iter().enumerate() {
        file_text.remarks.push(format!(" not converted: {why}"));
        // Those of the whole file stand at its beginning.
        let at = text.find("spinsys").unwrap_or(0);
        recorder.say(at + k, (at + k + 1).min(text.len()), why, "of the whole file");
    }
    recorder.said.sort_by_key(|d| d.span.map_or(0, |s| s.start));
    let (body, text) = file_text.whole(name, &sequence);
    super::readable(name, Imported { body, text, warnings: recorder.said })
}

/// What a file does, from running it.
fn recorded<'a>(name: &str, text: &'a str, file: u32) -> Result<Recorder<'a>, Vec<Diagnostic>> {
    let mut recorder = Recorder::new(text, file);
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name).trim_end_matches(".in");
    if let Err((why, at)) = interpreter::interpret(stem, text, &mut recorder) {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let span = Span { file, start: at as u32, end: at as u32 };
        return Err(vec![
            Diagnostic::new(Code::CannotRead, span, format!("the file cannot be run as Tcl: {why}"))
                .label("here")
                .help("correct it first: SIMPSON also reads it as Tcl"),
        ]);
    }
    if recorder.sections.nuclei().is_empty() {
        return Err(missing(name, "`nuclei` in `spinsys`"));
    }
    if recorder.scans.is_empty() {
        return Err(missing(name, "`proc pulseq` that is called"));
    }
    Ok(recorder)
}

/// A file without something that input files have.
fn missing(name: &str, what: &str) -> Vec<Diagnostic> {
    let message = format!("`{}` is not a SIMPSON input file: it has no {what}", in_one_line(name));
    vec![
        Diagnostic::without_place(Code::CannotRead, message)
            .help("a SIMPSON input file has `spinsys { ... }`, `par { ... }` and `proc pulseq {} { ... }`"),
    ]
}

/// The parts of the text of a `.seq` file.
#[derive(Default)]
struct Text {
    remarks: Vec<String>,
    system: String,
    ensemble: String,
    declarations: String,
    prepare: String,
    nucleus: String,
    /// Degrees that are added to the phase of the receiver.
    phase: f64,
    /// The operators whose means are measured, where the signal is not F+ of a nucleus.
    seen: Vec<String>,
    measure: String,
}

impl Text {
    fn of(recorder: &Recorder, scan: &Scan, crystals: &dyn Fn(&str) -> Option<String>, lost: &mut Vec<String>) -> Text {
        let mut out = Text { remarks: recorder.remarks.clone(), ..Text::default() };
        let par = Par(&scan.parameters);
        let rotor = par.rotor().unwrap_or_else(|why| {
            lost.push(why);
            None
        });
        let powder = Powder::of(&par, rotor.is_some(), recorder.sections.is_anisotropic(), crystals, lost);
        let back = powder.back;
        match recorder.sections.system(&scan.parameters, &scan.offsets, powder.turned || rotor.is_some(), back) {
            Ok(lines) => out.system = lines,
            Err(why) => lost.push(why),
        }
        out.system += &powder.orientation;
        if let Some((rate, angle)) = rotor {
            let magic = (1.0 / 3f64.sqrt()).acos().to_degrees();
            // SIMPSON's files have the magic angle with a few digits.
            let at = if (angle - magic).abs() < 1e-8 { String::new() } else { format!(" at {} deg", shown(angle)) };
            out.system += &format!("    spinning {} Hz{at}\n", shown(if back { -rate } else { rate }));
        }
        out.ensemble = powder.ensemble;
        out.start(recorder, par.word("start_operator"), lost);
        out.detect(recorder, par.word("detect_operator"), lost);
        out
    }

    /// What the sequence begins with.
    fn start(&mut self, recorder: &Recorder, text: &str, lost: &mut Vec<String>) {
        let nuclei = recorder.sections.nuclei();
        let Some(terms) = sample::operator(text).filter(|all| all.iter().all(|t| "xyz".contains(t.2))) else {
            lost.push(format!(
                "`start_operator {text}` is not a sum of Ix, Iy and Iz; thermal equilibrium is used instead"
            ));
            self.prepare = "thermal".into();
            return;
        };
        if let Some(n) = terms.iter().filter_map(|t| t.1).find(|n| *n == 0 || *n > nuclei.len()) {
            lost.push(format!("`start_operator {text}`: there is no spin {n}"));
        }
        let mut weights = vec![[0.0f64; 3]; nuclei.len()];
        for (factor, spin, letter) in &terms {
            let axis = match letter {
                'x' => 0,
                'y' => 1,
                _ => 2,
            };
            let chosen = |k: usize| spin.is_none_or(|n| n == k + 1);
            for (_, weight) in weights.iter_mut().enumerate().filter(|(k, _)| chosen(*k)) {
                if let Some(w) = weight.get_mut(axis) {
                    *w += factor;
                }
            }
        }
        if weights.iter().flatten().all(|w| *w == 0.0) {
            self.prepare = "mixed".into();
            return;
        }
        let gamma = |k: usize| nuclei.get(k).and_then(|n| Isotope::named(n)).map_or(1.0, |i| i.gamma);
        let shares: Vec<f64> = weights.iter().enumerate().map(|(k, [.., z])| z / gamma(k)).collect();
        let largest = shares.iter().copied().fold(0.0, f64::max);
        let along_z = weights.iter().all(|[x, y, _]| *x == 0.0 && *y == 0.0);
        // Numbers of SIMPSON's files have a few digits.
        let thermal = shares.iter().all(|s| *s == 0.0 || (s / largest - 1.0).abs() < 1e-9);
        let sites = |of: &dyn Fn(f64) -> bool| {
            let all: Vec<String> =
                shares.iter().enumerate().filter(|(_, s)| of(**s)).map(|(k, _)| format!("s{}", k + 1)).collect();
            all.join(", ")
        };
        if along_z && thermal && largest > 0.0 {
            let rest = sites(&|s| s == 0.0);
            self.prepare = match rest.is_empty() {
                true => "thermal".into(),
                false => format!("thermal({}), mixed({rest})", sites(&|s| s != 0.0)),
            };
            return;
        }
        let mut sum = Vec::new();
        for (k, weight) in weights.iter().enumerate() {
            for (axis, w) in ["x", "y", "z"].iter().zip(weight).filter(|(_, w)| **w != 0.0) {
                sum.push(format!("{} * I{axis}(s{})", shown(*w), k + 1));
            }
        }
        self.declarations += &format!("hamiltonian start = -400 MHz * ({})\n", sum.join(" + "));
        self.prepare = format!("high_temperature(start, {} K)", shown(TEMPERATURE));
    }

    /// What is received.
    fn detect(&mut self, recorder: &Recorder, text: &str, lost: &mut Vec<String>) {
        let nuclei = recorder.sections.nuclei();
        let all = sample::operator(text).unwrap_or_default();
        let named = |spin: &Option<usize>| match spin {
            Some(n) => n.checked_sub(1).and_then(|k| nuclei.get(k)),
            None => nuclei.first(),
        };
        let nucleus = all.first().and_then(|(_, spin, _)| named(spin));
        let usual = recorder.sections.channels().first().or(nuclei.first());
        self.nucleus = nucleus.or(usual).cloned().unwrap_or_default();
        let factor = all.first().map_or(1.0, |t| t.0);
        let seen = |k: usize| all.iter().any(|(_, spin, _)| spin.is_none_or(|n| n == k + 1));
        let whole = nuclei.iter().enumerate().all(|(k, n)| (*n == self.nucleus) == seen(k));
        let raising = !all.is_empty() && all.iter().all(|(f, _, letter)| *letter == 'p' && *f == factor);
        if !whole || !raising {
            self.seen = means(&all, nuclei.len());
            if self.seen.is_empty() {
                lost.push(format!(
                    "`detect_operator {text}` is not a sum of single-spin operators; the signal of {} is acquired instead",
                    self.nucleus
                ));
            }
        }
        self.phase = if raising && factor < 0.0 { 180.0 } else { 0.0 };
    }

    /// Whether a scan has a phase of the receiver that is not written.
    fn loses_phase(&self, flow: &Flow, negative: bool) -> bool {
        let marked = matches!(flow.signal, Signal::Scattered(_)) || !self.seen.is_empty();
        marked && (negative || flow.turned)
    }

    fn measure(&mut self, signal: Option<&Signal>, recorder: &Recorder, lost: &mut Vec<String>) {
        let sum = |axis: &str| {
            let own = recorder.sections.nuclei().iter().enumerate().filter(|(_, n)| **n == self.nucleus);
            own.map(|(k, _)| format!("I{axis}(s{})", k + 1)).collect::<Vec<_>>().join(" + ")
        };
        let transverse = || vec![sum("x"), sum("y")];
        let seen = if self.seen.is_empty() { transverse() } else { self.seen.clone() };
        let means: Vec<String> = seen.iter().map(|o| format!("expectation({o})")).collect();
        let means = format!("measure {{ {} }}\n", means.join(", "));
        self.measure = match signal {
            Some(Signal::Scattered(between)) => {
                if between.len() >= MOST_MARKS {
                    lost.push(format!(
                        "{} points with different pulses between them need too many marks",
                        between.len() + 1
                    ));
                }
                means
            }
            None | Some(Signal::None) => means,
            Some(_) if !self.seen.is_empty() => means,
            Some(_) => format!("measure {{ signal({0}), signal_im({0}) }}\n", self.nucleus),
        };
    }

    /// The declarations and the sequence, and the whole text.
    fn whole(&self, name: &str, sequence: &write::Written) -> (String, String) {
        let mut body = format!("{}{}", sequence.declarations, self.declarations);
        if !body.is_empty() {
            body.push('\n');
        }
        body += &format!("sequence {{\n    prepare {}\n{}}}\n", self.prepare, sequence.statements);
        body += &sequence.sweeps;
        let mut text = format!("ergoseq 1\ntitle \"{}\"\n\n", in_one_line(name).replace('"', "'"));
        for remark in &self.remarks {
            text += &format!("#{}\n", in_one_line(remark));
        }
        text += &format!("\nsystem {{\n{}}}\n\n{}{body}\n{}", self.system, self.ensemble, self.measure);
        (body, text)
    }
}

/// The Hermitian operators whose means are the real and the imaginary part of the mean of a sum; none where it is no such sum.
fn means(terms: &[(f64, Option<usize>, char)], spins: usize) -> Vec<String> {
    let mut parts = [Vec::new(), Vec::new()];
    for (factor, spin, letter) in terms {
        let chosen: Vec<usize> = spin.map_or((1..=spins).collect(), |n| vec![n]);
        for n in chosen.into_iter().filter(|n| (1..=spins).contains(n)) {
            let [real, imaginary] = &mut parts;
            match letter {
                'x' | 'y' | 'z' => real.push(format!("{} * I{letter}(s{n})", shown(*factor))),
                'p' | 'm' => {
                    real.push(format!("{} * Ix(s{n})", shown(*factor)));
                    let sign = if *letter == 'p' { 1.0 } else { -1.0 };
                    imaginary.push(format!("{} * Iy(s{n})", shown(sign * factor)));
                }
                _ => return vec![],
            }
        }
    }
    parts.iter().filter(|p| !p.is_empty()).map(|p| p.join(" + ")).collect()
}

/// The directions of the crystallites.
#[derive(Default)]
struct Powder {
    /// Whether a direction other than that of the crystal counts.
    turned: bool,
    /// Whether the rotor is written as one that turns the other way.
    back: bool,
    orientation: String,
    ensemble: String,
}

impl Powder {
    fn of(
        par: &Par,
        spinning: bool,
        anisotropic: bool,
        crystals: &dyn Fn(&str) -> Option<String>,
        lost: &mut Vec<String>,
    ) -> Powder {
        let mut out = Powder::default();
        if !anisotropic {
            return out;
        }
        let (name, mut phases) = (par.word("crystal_file"), 1);
        let gamma = par.number("gamma_zero").ok().flatten().unwrap_or(0.0);
        if spinning {
            phases = par.number("gamma_angles").ok().flatten().map_or(1, |x| x.max(1.0) as usize);
        }
        let rotor = if spinning { format!("rotor = {phases}") } else { String::new() };
        let grid = |shape: &str, points: usize, more: &str| {
            let settings: Vec<&str> = [more, &rotor].into_iter().filter(|s| !s.is_empty()).collect();
            let settings = if settings.is_empty() { String::new() } else { format!("({})", settings.join(", ")) };
            format!("ensemble {{ orientation : {shape}{settings} points {points} }}\n\n")
        };
        let directions = match name {
            "" | "alpha0beta0" => Some(vec![([0.0; 2], 1.0)]),
            other => crystals(other).and_then(|text| directions(&text)),
        };
        match directions.as_deref() {
            Some([([alpha, beta], _)]) => {
                if phases > 1 {
                    lost.push("the gamma angles of a single crystal are not supported: only the first is used".into());
                }
                if *alpha != 0.0 || *beta != 0.0 || gamma != 0.0 {
                    out.turned = true;
                    out.orientation =
                        format!("    orientation ({}, {}, {}) deg\n", shown(gamma), shown(*beta), shown(*alpha));
                }
                return out;
            }
            Some(all) => {
                let polar = |[alpha, beta]: [f64; 2], back: bool| {
                    let azimuth = if back { 180.0 - alpha } else { alpha };
                    (beta.to_radians(), azimuth.to_radians())
                };
                for back in [false, true] {
                    let sphere: Vec<((f64, f64), f64)> = all.iter().map(|(d, w)| (polar(*d, back), *w)).collect();
                    if let Some((shape, points, more)) = grid_of(&sphere, spinning) {
                        out.turned = true;
                        out.back = back && spinning;
                        out.ensemble = grid(shape, points, &more);
                        return out;
                    }
                }
                lost.push(format!(
                    "the {} orientations of `{name}` match no known grid: a grid of the same size is used",
                    all.len()
                ));
                out.ensemble = grid("spiral", all.len(), "");
            }
            None => {
                let digits: String = name.chars().filter(char::is_ascii_digit).collect();
                let points = digits.parse::<usize>().ok().filter(|n| (1..=100_000).contains(n)).unwrap_or(144);
                lost.push(format!(
                    "the orientations of `{name}` are built into SIMPSON: a grid of {points} points is used"
                ));
                out.ensemble = grid("spiral", points, "");
            }
        }
        out.turned = true;
        out
    }
}

/// The angles alpha and beta of a file of crystallites in degrees, with weights.
fn directions(text: &str) -> Option<Vec<([f64; 2], f64)>> {
    let mut numbers = text.split_whitespace().map(|w| w.parse::<f64>().ok().filter(|x| x.is_finite()));
    let count = numbers.next().flatten()?;
    let rest: Vec<f64> = numbers.collect::<Option<_>>()?;
    let (all, odd) = rest.as_chunks::<3>();
    let fits = odd.is_empty() && all.len() as f64 == count && !all.is_empty();
    fits.then(|| all.iter().map(|[a, b, w]| ([*a, *b], *w)).collect())
}
