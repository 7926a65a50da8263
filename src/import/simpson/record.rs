//! What a pulse sequence does as it runs: its pulses, delays, propagators and points in their order.

use super::interpreter::{Argument, Host};
use super::sample::{LARGEST, Sections};
use super::words::{Wrong, elements};
use super::work::{MOST_ACTS, MOST_ADDED};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, in_one_line};
use std::collections::{BTreeMap, BTreeSet};

/// Commands that process decays.
const PROCESSING: &[&str] = &[
    "fzerofill",
    "faddlb",
    "fft",
    "fft1d",
    "fphase",
    "fautoscale",
    "frev",
    "fbc",
    "fsmooth",
    "fscale",
    "fextract",
    "fplot2d",
    "fnewnp",
    "fzero",
    "ftranspose",
    "fset",
    "frealrms",
    "frms",
    "ffindpeaks",
    "fmaxheight",
    "findex",
    "fget",
    "fint",
];

/// The most shapes of a file, and steps of one.
const MOST_STEPS: usize = 100_000;

/// What a channel sends: its strength in hertz and its phase in degrees; nothing where it is `None`.
pub type Sent = Vec<Option<(f64, f64)>>;

/// Something that is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Nothing is sent, us.
    Delay(f64),
    /// The channels send, us.
    Pulse { time: f64, ideal: bool, sent: Sent },
    /// Coherences of these orders stay.
    Filter(Vec<i64>),
    /// A comment, and where it stands.
    Comment(String, usize),
    /// A repetition.
    Loop(usize, Vec<Act>),
    /// The propagator is forgotten.
    Reset,
    /// It is kept under a number.
    Store(String),
    /// A kept one is applied so often.
    Apply(String, usize),
    /// The density matrix moves on.
    Evolve,
    /// A point of the signal, with the phase of the receiver in degrees.
    Point(f64),
    /// So many points with a kept propagator between them.
    Points(usize, String, f64),
    /// So many points every so many us, while these acts are repeated.
    Block(Vec<Act>, usize, f64),
}

/// A call of the pulse sequence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    /// What is done.
    pub acts: Vec<Act>,
    /// The offsets of the channels, Hz, where they are set before anything is done.
    pub offsets: Vec<f64>,
    /// The values of `par`.
    pub parameters: BTreeMap<String, String>,
}

/// What a file does.
pub struct Recorder<'a> {
    text: &'a str,
    file: u32,
    /// The sections `spinsys` and `par`.
    pub sections: Sections,
    /// What is not understood.
    pub said: Vec<Diagnostic>,
    said_at: BTreeSet<usize>,
    /// Comments outside of the pulse sequence, and what is done with decays.
    pub remarks: Vec<String>,
    remarked: BTreeSet<usize>,
    /// The calls of the pulse sequence.
    pub scans: Vec<Scan>,
    /// Decays: the scans that are added up in each, and whether they are subtracted.
    decays: BTreeMap<String, Vec<(usize, bool)>>,
    /// Those that were added to others.
    added: BTreeSet<String>,
    saved: Vec<String>,
    is_saved: BTreeSet<String>,
    /// How many scans all decays have, those of sums and copies counted.
    scans_added: usize,
    /// How much was recorded.
    recorded: usize,
    open: Option<Scan>,
    /// The acts of the turns that are open, innermost last.
    stack: Vec<Vec<Act>>,
    /// How many of them are not those of the scan.
    outer: usize,
    /// The acts of turns that are over.
    turns: Vec<Vec<Act>>,
    filters: BTreeMap<String, Vec<i64>>,
    shapes: BTreeMap<String, Vec<(f64, f64)>>,
    /// How many steps all shapes have.
    shape_steps: usize,
}

impl<'a> Recorder<'a> {
    /// Nothing yet.
    pub fn new(text: &'a str, file: u32) -> Recorder<'a> {
        Recorder {
            text,
            file,
            sections: Sections::default(),
            said: vec![],
            said_at: BTreeSet::new(),
            remarks: vec![],
            remarked: BTreeSet::new(),
            scans: vec![],
            decays: BTreeMap::new(),
            added: BTreeSet::new(),
            saved: vec![],
            is_saved: BTreeSet::new(),
            scans_added: 0,
            recorded: 0,
            open: None,
            stack: vec![],
            outer: 0,
            turns: vec![],
            filters: BTreeMap::new(),
            shapes: BTreeMap::new(),
            shape_steps: 0,
        }
    }

    /// A place of the file, on a boundary of letters.
    fn span(&self, from: usize, to: usize) -> Span {
        let place = |at: usize| {
            let mut at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at as u32
        };
        Span { file: self.file, start: place(from), end: place(to.max(from)) }
    }

    /// Says once at a place what is not understood.
    pub fn say(&mut self, from: usize, to: usize, message: &str, why: &str) {
        if self.said_at.insert(from) {
            let diagnostic = Diagnostic::new(Code::UnknownConstruct, self.span(from, to), message)
                .label(why)
                .help("write its effect as statements of the sequence");
            self.said.push(diagnostic);
        }
    }

    fn act(&mut self, act: Act) {
        self.recorded += 1;
        if self.recorded > MOST_ACTS {
            return;
        }
        if let Some(acts) = self.stack.last_mut() {
            acts.push(act);
        }
    }

    /// A comment of the pulse sequence, or of the file, once.
    fn remark(&mut self, text: String, at: usize) {
        if self.open.is_some() {
            self.act(Act::Comment(text, at));
        } else if self.remarked.insert(at) {
            self.remarks.push(text);
        }
    }

    /// Decays with the scans of each, those that were saved, else those that were not added to others.
    pub fn rows(&self) -> Vec<Vec<(usize, bool)>> {
        let names: Vec<&String> = match self.saved.as_slice() {
            [] => {
                let mut left: Vec<&String> = self.decays.keys().filter(|k| !self.added.contains(*k)).collect();
                left.sort_by_key(|name| self.decays.get(*name).and_then(|all| all.first()));
                left
            }
            saved => saved.iter().collect(),
        };
        names.into_iter().filter_map(|name| self.decays.get(name).cloned()).collect()
    }

    /// What channels send, from pairs of strength and phase.
    fn sent(&self, words: &[Argument], at: usize) -> Result<Sent, Wrong> {
        let channels = self.sections.channels().len();
        let (pairs, odd) = words.as_chunks::<2>();
        if pairs.len() != channels || !odd.is_empty() {
            return Err((format!("expected an rf amplitude and a phase for each of {channels} channels"), at));
        }
        pairs
            .iter()
            .map(|[strength, phase]| {
                let (rf, phase) = (number(&strength.text, at)?, angle(&phase.text, at)?);
                Ok((rf != 0.0).then_some((rf, phase)))
            })
            .collect()
    }

    /// Sends for a time in us.
    fn send(&mut self, time: f64, ideal: bool, sent: Sent, at: usize) -> Result<(), Wrong> {
        if time < 0.0 {
            return Err(("a time must not be negative".into(), at));
        }
        if time > 0.0 {
            match sent.iter().any(Option::is_some) {
                true => self.act(Act::Pulse { time, ideal, sent }),
                false if ideal => {}
                false => self.act(Act::Delay(time)),
            }
        }
        Ok(())
    }

    /// A command of a pulse sequence; `None` where it is not known.
    fn done(&mut self, words: &[Argument], at: usize) -> Result<Option<String>, Wrong> {
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        match texts.as_slice() {
            ["pulse" | "pulseid", time, ..] => {
                let sent = self.sent(words.get(2..).unwrap_or_default(), at)?;
                let time = number(time, at)?;
                self.send(time, texts.first() == Some(&"pulseid"), sent, at)?;
            }
            ["delay", time] => self.send(number(time, at)?, false, vec![], at)?,
            ["reset"] => self.act(Act::Reset),
            ["store", slot] => self.act(Act::Store((*slot).to_string())),
            ["prop", slot, times @ ..] if times.len() < 2 => {
                let times = times.first().map_or(Ok(1), |t| count(t, at))?;
                self.act(Act::Apply((*slot).to_string(), times));
            }
            ["evolve"] => self.act(Act::Evolve),
            ["acq"] => self.act(Act::Point(0.0)),
            ["acq", phase] => self.act(Act::Point(angle(phase, at)?)),
            ["acq", points, slot, phase @ ..] if phase.len() < 2 => {
                let phase = phase.first().map_or(Ok(0.0), |p| angle(p, at))?;
                self.act(Act::Points(count(points, at)?, (*slot).to_string(), phase));
            }
            ["maxdt", step] => self.remark(format!(" maxdt {step}: the step of SIMPSON"), at),
            ["offset", offsets @ ..] => self.offset(offsets, at)?,
            ["matrix", "set", slot, "totalcoherence", orders] => {
                let orders: Option<Vec<i64>> = elements(orders).iter().map(|x| x.parse().ok()).collect();
                let Some(orders) = orders else { return Err(("coherence orders must be integers".into(), at)) };
                self.filters.insert((*slot).to_string(), orders);
            }
            ["filter", slot] => {
                let Some(orders) = self.filters.get(*slot).cloned() else { return Ok(None) };
                let both = orders.iter().all(|k| orders.contains(&-k));
                if !both {
                    return Err(("`crush keep` keeps orders of both signs".into(), at));
                }
                self.act(Act::Filter(orders));
            }
            ["list2shape", steps] => return self.shape(steps, at).map(Some),
            ["free_shape" | "free_all_shapes", ..] => {}
            ["pulse_shaped", time, shapes @ ..] => self.shaped(number(time, at)?, shapes, at)?,
            _ => return Ok(None),
        }
        Ok(Some(String::new()))
    }

    fn offset(&mut self, offsets: &[&str], at: usize) -> Result<(), Wrong> {
        let offsets: Vec<f64> = offsets.iter().map(|x| number(x, at)).collect::<Result<_, _>>()?;
        if offsets.len() != self.sections.channels().len() {
            return Err(("expected one offset per channel".into(), at));
        }
        let timed = |acts: &Vec<Act>| acts.iter().any(|a| !matches!(a, Act::Comment(..) | Act::Reset));
        let late = self.stack.iter().any(timed) || self.stack.len() > self.outer + 1;
        match self.open.as_mut() {
            Some(scan) if scan.offsets == offsets || (!late && scan.offsets.is_empty()) => scan.offsets = offsets,
            Some(scan) if scan.offsets.is_empty() && offsets.iter().all(|x| *x == 0.0) => {}
            _ => return Err(("an offset that changes during the sequence is not supported".into(), at)),
        }
        Ok(())
    }

    fn shape(&mut self, steps: &str, at: usize) -> Result<String, Wrong> {
        let steps: Vec<(f64, f64)> = elements(steps)
            .iter()
            .map(|step| match elements(step).as_slice() {
                [strength, phase] => Ok((number(strength, at)?, angle(phase, at)?)),
                _ => Err(("a step of a shape needs an rf amplitude and a phase".to_string(), at)),
            })
            .collect::<Result<_, _>>()?;
        self.shape_steps += steps.len();
        if steps.is_empty() || self.shape_steps > MOST_STEPS {
            return Err((format!("the shapes have no steps, or more than {MOST_STEPS} in total"), at));
        }
        let name = format!("shape{}", self.shapes.len() + 1);
        self.shapes.insert(name.clone(), steps);
        Ok(name)
    }

    fn shaped(&mut self, time: f64, shapes: &[&str], at: usize) -> Result<(), Wrong> {
        let mut all: Vec<Option<Vec<(f64, f64)>>> = Vec::new();
        for name in shapes {
            match (*name, self.shapes.get(*name)) {
                ("nothing", _) => all.push(None),
                (_, Some(steps)) => all.push(Some(steps.clone())),
                (other, None) => return Err((format!("unknown shape `{other}`"), at)),
            }
        }
        if all.len() != self.sections.channels().len() {
            return Err(("expected a shape, or `nothing`, for every channel".into(), at));
        }
        let lengths: BTreeSet<usize> = all.iter().flatten().map(Vec::len).collect();
        let steps = match lengths.iter().collect::<Vec<_>>().as_slice() {
            [] => return self.send(time, false, vec![None; all.len()], at),
            [one] => **one,
            _ => return Err(("simultaneous shapes must have the same number of steps".into(), at)),
        };
        for k in 0..steps {
            let one = |shape: &Option<Vec<(f64, f64)>>| shape.as_ref()?.get(k).copied().filter(|(rf, _)| *rf != 0.0);
            let sent = all.iter().map(one).collect();
            self.send(time / steps as f64, false, sent, at)?;
        }
        Ok(())
    }

    /// A command outside of the pulse sequence; `None` where it is not known.
    fn outside(
        &mut self,
        words: &[Argument],
        at: usize,
        variables: &mut BTreeMap<String, String>,
    ) -> Result<Option<String>, Wrong> {
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        match texts.as_slice() {
            ["spinsys", _] | ["par", _] => {
                let Some(body) = words.get(1) else { return Ok(None) };
                let place = body.at.unwrap_or(at);
                let unread = match texts.first() {
                    Some(&"par") => self.sections.par(&body.text, place, variables),
                    _ => self.sections.spinsys(&body.text, place),
                };
                for (from, to, why) in unread {
                    self.unread(from, to, &why);
                }
            }
            ["fsave", decay, ..] => {
                if self.decays.contains_key(*decay) && self.is_saved.insert((*decay).to_string()) {
                    self.saved.push((*decay).to_string());
                }
            }
            ["fadd" | "fsub", to, from] => {
                let less = texts.first() == Some(&"fsub");
                let Some(more) = self.copied(from) else { return Ok(None) };
                let Some(all) = self.decays.get_mut(*to) else { return Ok(None) };
                all.extend(more.into_iter().map(|(scan, negative)| (scan, negative != less)));
                self.added.insert((*from).to_string());
            }
            ["fdup", decay] => {
                let Some(all) = self.copied(decay) else { return Ok(None) };
                self.added.insert((*decay).to_string());
                return Ok(Some(self.named(all)));
            }
            ["funload", ..] => {}
            [word, ..] if PROCESSING.contains(word) => {
                self.remark(format!(" processing of the FID: {}", in_one_line(&texts.join(" "))), at);
            }
            _ => return Ok(None),
        }
        Ok(Some(String::new()))
    }

    /// The scans of a decay once more; none once they are too many.
    fn copied(&mut self, decay: &str) -> Option<Vec<(usize, bool)>> {
        let all = self.decays.get(decay)?;
        self.scans_added += all.len();
        (self.scans_added <= MOST_ADDED).then(|| all.clone())
    }

    fn named(&mut self, scans: Vec<(usize, bool)>) -> String {
        let name = format!("decay{}", self.decays.len() + 1);
        self.decays.insert(name.clone(), scans);
        name
    }
}

impl Host for Recorder<'_> {
    fn command(
        &mut self,
        words: &[Argument],
        at: usize,
        variables: &mut BTreeMap<String, String>,
    ) -> Result<Option<String>, Wrong> {
        if self.open.is_some()
            && let Some(value) = self.done(words, at)?
        {
            return Ok(Some(value));
        }
        self.outside(words, at, variables)
    }

    fn over(&self) -> Option<String> {
        if self.recorded > MOST_ACTS {
            return Some(format!("its scans record more than {MOST_ACTS} pulses, delays and comments"));
        }
        (self.scans_added > MOST_ADDED).then(|| format!("its FIDs add up more than {MOST_ADDED} scans"))
    }

    fn comment(&mut self, text: &str, at: usize) {
        self.remark(text.to_string(), at);
    }

    fn unread(&mut self, from: usize, to: usize, why: &str) {
        let span = self.span(from, to);
        let words = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        self.remark(format!(" not converted: {}", in_one_line(words)), from);
        self.say(from, to, "this line is not converted", why);
    }

    fn turn(&mut self) {
        self.stack.push(vec![]);
    }

    fn turned(&mut self) {
        let acts = self.stack.pop().unwrap_or_default();
        self.turns.push(acts);
    }

    fn repeated(&mut self, turns: usize) {
        let bodies = self.turns.split_off(self.turns.len().saturating_sub(turns));
        let Some(into) = self.stack.last_mut() else { return };
        let silent = |acts: &Vec<Act>| acts.iter().all(|a| matches!(a, Act::Comment(..)));
        match bodies.as_slice() {
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|b| b == first) && !silent(first) => {
                into.push(Act::Loop(turns, first.clone()));
            }
            _ => {
                // A comment is kept once.
                let key = |act: &Act| match act {
                    Act::Comment(text, at) => Some((text.clone(), *at)),
                    _ => None,
                };
                let mut known: Option<BTreeSet<(String, usize)>> = None;
                for act in bodies.into_iter().flatten() {
                    let comment = key(&act);
                    let known =
                        comment.map(|c| known.get_or_insert_with(|| into.iter().filter_map(key).collect()).insert(c));
                    if known != Some(false) {
                        into.push(act);
                    }
                }
            }
        }
    }

    fn block(&mut self, at: usize) -> Result<(), Wrong> {
        let body = self.turns.pop().unwrap_or_default();
        let parameter =
            |name: &str| self.open.as_ref().and_then(|s| s.parameters.get(name)).cloned().unwrap_or_default();
        let (points, width) = (count(&parameter("np"), at)?, number(&parameter("sw"), at)?);
        if width < 1.0 / LARGEST {
            return Err((format!("`sw` must be at least {:e}", 1.0 / LARGEST), at));
        }
        self.act(Act::Block(body, points, 1e6 / width));
        Ok(())
    }

    fn scan(&mut self, variables: &BTreeMap<String, String>) {
        let parameters = variables.iter().filter_map(|(name, value)| {
            let inside = name.strip_prefix("par(")?.strip_suffix(')')?;
            Some((inside.to_string(), value.clone()))
        });
        self.open = Some(Scan { parameters: parameters.collect(), ..Scan::default() });
        self.outer = self.stack.len();
        self.stack.push(vec![]);
    }

    fn scanned(&mut self) -> String {
        let mut scan = self.open.take().unwrap_or_default();
        scan.acts = self.stack.pop().unwrap_or_default();
        self.scans.push(scan);
        let last = self.scans.len() - 1;
        self.named(vec![(last, false)])
    }
}

/// A number.
fn number(text: &str, at: usize) -> Result<f64, Wrong> {
    let x = text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    let x = x.ok_or_else(|| (format!("`{text}` is not a number"), at))?;
    if x.abs() <= LARGEST { Ok(x) } else { Err((format!("`{text}` is larger than {LARGEST:e}"), at)) }
}

/// A phase in degrees, or `x`, `-y`.
fn angle(text: &str, at: usize) -> Result<f64, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "x" => Ok(0.0),
        "y" => Ok(90.0),
        "-x" => Ok(180.0),
        "-y" => Ok(270.0),
        other => number(other, at),
    }
}

fn count(text: &str, at: usize) -> Result<usize, Wrong> {
    let x = number(text, at)?;
    if x >= 0.0 && x.fract() == 0.0 && x <= 1e6 {
        Ok(x as usize)
    } else {
        Err((format!("`{text}` is not a count"), at))
    }
}
