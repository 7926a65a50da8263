//! Diagram of the pulse sequence: one row per channel, time to the right.
//!
//! Durations within a sequence span nine decades, so widths are logarithmic in duration: longer statements are wider, and a pulse of a
//! microsecond is visible next to a delay of a second. The figure says so.

use crate::emulator::{Block, DryRun};
use crate::hamiltonian::Evaluator;
use crate::ir::{Align, Event, EventKind, Experiment, Lock, Look, Pulse};
use crate::output::drawing::{Anchor, Drawing, Shape, Stroke};
use crate::output::scaled;
use crate::syntax::Expr;
use crate::units::UnitSystem;

const ROW: f64 = 64.0;
const TOP: f64 = 34.0;
const LEFT: f64 = 84.0;

/// Row for statements without a transmitter channel.
const OTHER: &str = "evolution";
const GRADIENT: &str = "gradient";

/// A statement with its position in the drawing.
struct Drawn<'a> {
    event: &'a Event,
    block: Option<&'a Block>,
    x: f64,
    width: f64,
}

/// Rows needed by a sequence, nuclei first.
fn rows(experiment: &Experiment) -> Vec<String> {
    let mut nuclei: Vec<String> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    let add = |list: &mut Vec<String>, name: &str| {
        if !list.iter().any(|n| n == name) {
            list.push(name.into());
        }
    };
    fn walk<'e>(events: &'e [Event], visit: &mut dyn FnMut(&'e EventKind)) {
        for event in events {
            visit(&event.kind);
            match &event.kind {
                EventKind::Loop { body, .. } => walk(body, visit),
                EventKind::Project { up, down, .. } => {
                    walk(up, visit);
                    walk(down, visit);
                }
                _ => {}
            }
        }
    }
    walk(&experiment.sequence, &mut |kind| match kind {
        EventKind::Pulse(p) | EventKind::Decouple(p) => add(&mut nuclei, &p.nucleus),
        EventKind::Lock(l) => add(&mut nuclei, &l.nucleus),
        EventKind::Acquire { nucleus, .. } => add(&mut nuclei, nucleus),
        EventKind::Parallel { pulses, .. } => pulses.iter().for_each(|p| add(&mut nuclei, &p.nucleus)),
        EventKind::Evolve { .. } | EventKind::Compile(_) | EventKind::Dephase { .. } | EventKind::Reset { .. } => {
            add(&mut others, OTHER);
        }
        EventKind::Crush { .. } | EventKind::Gradient { .. } => add(&mut others, GRADIENT),
        EventKind::Prepare(_)
        | EventKind::Delay { .. }
        | EventKind::Read { .. }
        | EventKind::Mark { .. }
        | EventKind::Tomography(_)
        | EventKind::Project { .. }
        | EventKind::EndDecoupling { .. }
        | EventKind::Loop { .. } => {}
    });
    others.sort_by_key(|n| n != OTHER);
    nuclei.extend(others);
    if nuclei.is_empty() {
        nuclei.push(OTHER.into());
    }
    nuclei
}

/// Width of a statement of this duration.
fn width(duration: f64, shortest: f64, kind: &EventKind) -> f64 {
    let least = match kind {
        EventKind::Mark { .. } | EventKind::Read { .. } => return 26.0,
        EventKind::EndDecoupling { .. } => return 12.0,
        EventKind::Prepare(_) => return 64.0,
        EventKind::Pulse(_) | EventKind::Parallel { .. } => 46.0,
        EventKind::Acquire { .. } | EventKind::Evolve { .. } | EventKind::Lock(_) | EventKind::Loop { .. } => 110.0,
        // The numbers of statements of both branches in one line.
        EventKind::Project { .. } => 160.0,
        _ => 54.0,
    };
    if duration <= 0.0 { least } else { least + 22.0 * (duration / shortest).max(1.0).log10() }
}

/// Draws the diagram.
pub fn diagram(evaluator: &Evaluator, rehearsal: &DryRun) -> Drawing {
    let experiment = evaluator.experiment;
    let rows = rows(experiment);
    let shortest = rehearsal.blocks.iter().map(|b| b.duration).filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
    let mut x = LEFT;
    let mut all = Vec::new();
    for (k, event) in experiment.sequence.iter().enumerate() {
        let block = rehearsal.blocks.iter().find(|b| b.event == k);
        let width = width(block.map_or(0.0, |b| b.duration), shortest, &event.kind);
        all.push(Drawn { event, block, x, width });
        x += width + 6.0;
    }
    let (w, h) = (x + 12.0, TOP + ROW * rows.len() as f64 + 34.0);
    let mut out = Drawing::new("sequence", "pulse sequence", w, h);
    let line = |row: usize| TOP + ROW * (row as f64 + 1.0) - 8.0;
    for (k, name) in rows.iter().enumerate() {
        let y = line(k);
        out.text(8.0, y - 6.0, Anchor::Start, "channel", name.clone());
        out.line((LEFT, y), (w - 8.0, y), "axis");
    }
    let strongest = rehearsal.blocks.iter().filter_map(|b| b.rf).fold(0.0, f64::max);
    let second = if experiment.units == UnitSystem::Lab { "s" } else { "" };
    let page = Page { rows: &rows, line: &line, strongest, bottom: h, second, evaluator };
    for (k, drawn) in all.iter().enumerate() {
        page.draw(&mut out, drawn);
        if let EventKind::Decouple(field) = &drawn.event.kind {
            let ends =
                |d: &&Drawn| matches!(&d.event.kind, EventKind::EndDecoupling { nucleus } if *nucleus == field.nucleus);
            let end = all.iter().skip(k).find(ends).map_or(w - 8.0, |end| end.x + end.width);
            page.decoupling(&mut out, field, [drawn.x, end]);
        }
    }
    out
}

struct Page<'a> {
    rows: &'a [String],
    line: &'a dyn Fn(usize) -> f64,
    strongest: f64,
    bottom: f64,
    /// Unit of times.
    second: &'static str,
    evaluator: &'a Evaluator<'a>,
}

impl Page<'_> {
    fn row(&self, name: &str) -> f64 {
        (self.line)(self.rows.iter().position(|r| r == name).unwrap_or(0))
    }

    fn draw(&self, out: &mut Drawing, d: &Drawn) {
        let middle = d.x + d.width / 2.0;
        let rf = d.block.and_then(|b| b.rf);
        if let Some(block) = d.block {
            let time = |x: f64| scaled(x.max(0.0), self.second);
            let title = format!("start {}, duration {}", time(block.start), time(block.duration));
            out.shapes.push(Shape::Begin(Some(title)));
        } else {
            out.shapes.push(Shape::Begin(None));
        }
        match &d.event.kind {
            EventKind::Prepare(_) => {
                let y = TOP + 8.0;
                out.text(middle, y, Anchor::Middle, "small", "prepare");
                out.line((d.x + d.width, y + 6.0), (d.x + d.width, self.bottom - 30.0), "edge");
            }
            EventKind::Pulse(pulse) => self.pulse(out, pulse, d, (rf, Align::Centre)),
            EventKind::Parallel { align, pulses } => pulses.iter().for_each(|p| self.pulse(out, p, d, (rf, *align))),
            EventKind::Lock(lock) => self.lock(out, lock, d),
            EventKind::Delay { duration, .. } => {
                let y = (self.line)(0) + 14.0;
                out.shapes.push(Shape::Span([d.x + 2.0, d.x + d.width - 2.0, y]));
                out.text(middle, y - 20.0, Anchor::Middle, "small", short(&duration.to_string(), d.width));
            }
            EventKind::Evolve { hamiltonian, duration, .. } => self.evolution(out, d, [hamiltonian, duration]),
            EventKind::Compile(c) => self.evolution(out, d, [&c.hamiltonian, &c.duration]),
            EventKind::Dephase { hamiltonian } => {
                self.box_on(out, OTHER, d, 30.0, "dephase");
                let y = self.row(OTHER);
                out.text(middle, y - 11.0, Anchor::Middle, "small", short(&format!("dephase {hamiltonian}"), d.width));
            }
            EventKind::Reset { sites, .. } => self.reset(out, d, sites),
            EventKind::Project { site, up, down, .. } => self.project(out, d, site, [up.len(), down.len()]),
            EventKind::Crush { .. } | EventKind::Gradient { .. } => {
                let y = self.row(GRADIENT);
                let (right, top) = (d.x + d.width, y - 48.0);
                let bow = Stroke::Curve([d.x + d.width * 0.25, top, d.x + d.width * 0.75, top, right, y]);
                out.shapes.push(Shape::Path(vec![Stroke::Move(d.x, y), bow, Stroke::Close], "gradient"));
                let word = if matches!(d.event.kind, EventKind::Crush { .. }) { "crush" } else { "gradient" };
                out.text(middle, y + 13.0, Anchor::Middle, "small", word);
            }
            EventKind::Read { name, .. } => self.mark(out, middle, format!("read {name}")),
            EventKind::Mark { name } => self.mark(out, middle, name.clone()),
            EventKind::Acquire { nucleus, .. } => {
                let y = self.row(nucleus);
                let wave = |u: f64| (d.x + u * d.width, y - 20.0 * (-3.0 * u).exp() * (u * 38.0).cos());
                let points: Vec<(f64, f64)> = (0..=60).map(|k| wave(f64::from(k) / 60.0)).collect();
                out.through(&points, false, "decay");
                out.text(middle + 12.0, y - 28.0, Anchor::Middle, "small", "acquire");
            }
            EventKind::Tomography(_) => {
                if let Some(row) = self.rows.first() {
                    self.box_on(out, row, d, 30.0, "evolve");
                    out.text(middle, self.row(row) - 11.0, Anchor::Middle, "small", "tomography");
                }
            }
            EventKind::Loop { repeat, look, body } => {
                out.rect(d.x, TOP - 4.0, d.width, self.bottom - TOP - 34.0, "loop");
                out.text(middle, TOP + 12.0, Anchor::Middle, "small", format!("{} statements", body.len()));
                if let Some(Look::Signal(detection)) = look {
                    let y = self.row(&detection.nucleus);
                    out.text(middle, y - 28.0, Anchor::Middle, "small", "acquire every pass");
                }
                out.text(middle, TOP - 10.0, Anchor::Middle, "small", short(&repeat.to_string(), d.width));
            }
            // Drawn from its start to its end, across the statements between.
            EventKind::Decouple(_) | EventKind::EndDecoupling { .. } => {}
        }
        out.shapes.push(Shape::End);
    }

    /// A decoupling sequence, between two positions.
    fn decoupling(&self, out: &mut Drawing, field: &Pulse, [from, to]: [f64; 2]) {
        let y = self.row(&field.nucleus);
        out.rect(from, y - 16.0, to - from, 16.0, "lock");
        let name = field.shape.as_ref().map_or(String::new(), ToString::to_string);
        out.text((from + to) / 2.0, y - 20.0, Anchor::Middle, "small", short(&name, to - from));
    }

    fn mark(&self, out: &mut Drawing, x: f64, name: String) {
        out.line((x, TOP - 12.0), (x, self.bottom - 26.0), "mark");
        out.text(x, self.bottom - 12.0, Anchor::Middle, "name", name);
    }

    fn evolution(&self, out: &mut Drawing, d: &Drawn, [hamiltonian, duration]: [&Expr; 2]) {
        self.box_on(out, OTHER, d, 30.0, "evolve");
        let (x, y) = (d.x + d.width / 2.0, self.row(OTHER));
        out.text(x, y - 11.0, Anchor::Middle, "small", short(&hamiltonian.to_string(), d.width));
        out.text(x, y - 36.0, Anchor::Middle, "small", short(&duration.to_string(), d.width));
    }

    fn reset(&self, out: &mut Drawing, d: &Drawn, sites: &[Expr]) {
        self.box_on(out, OTHER, d, 30.0, "dephase");
        let names: Vec<String> = sites.iter().map(ToString::to_string).collect();
        let words = format!("reset {}", names.join(", "));
        out.text(d.x + d.width / 2.0, self.row(OTHER) - 11.0, Anchor::Middle, "small", short(&words, d.width));
    }

    fn project(&self, out: &mut Drawing, d: &Drawn, site: &Expr, [up, down]: [usize; 2]) {
        let middle = d.x + d.width / 2.0;
        out.rect(d.x, TOP - 4.0, d.width, self.bottom - TOP - 34.0, "loop");
        let branches = format!("up {up}, down {down} statements");
        out.text(middle, TOP + 12.0, Anchor::Middle, "small", short(&branches, d.width));
        out.text(middle, TOP - 10.0, Anchor::Middle, "small", short(&format!("project {site}"), d.width));
    }

    fn box_on(&self, out: &mut Drawing, row: &str, d: &Drawn, height: f64, class: &'static str) {
        let y = self.row(row) - height;
        out.rect(d.x, y, d.width, height, class);
    }

    fn pulse(&self, out: &mut Drawing, pulse: &Pulse, d: &Drawn, (rf, align): (Option<f64>, Align)) {
        // An ideal pulse has no rf amplitude: it is drawn as a full bar of zero width, at its alignment among parallel pulses.
        let strength = match rf {
            Some(rf) if self.strongest > 0.0 && !pulse.ideal => 14.0 + 20.0 * rf / self.strongest,
            _ => 34.0,
        };
        let y = self.row(&pulse.nucleus);
        let whole = d.width / 2.0 - 8.0;
        let half = if pulse.ideal { 3.0 } else { whole };
        let middle = d.x
            + d.width / 2.0
            + match align {
                Align::Start => half - whole,
                Align::Centre => 0.0,
                Align::End => whole - half,
            };
        if pulse.shape.is_some() {
            let (quarter, top) = (half / 2.0, y - strength);
            let up = Stroke::Curve([middle - quarter, y, middle - quarter, top, middle, top]);
            let down = Stroke::Curve([middle + quarter, top, middle + quarter, y, middle + half, y]);
            out.shapes.push(Shape::Path(vec![Stroke::Move(middle - half, y), up, down, Stroke::Close], "pulse"));
        } else {
            out.rect(middle - half, y - strength, 2.0 * half, strength, "pulse");
        }
        let angle = pulse.angle.as_ref().map_or(String::new(), |a| a.to_string());
        out.text(middle, y - strength - 14.0, Anchor::Middle, "small", short(&angle, 64.0));
        out.text(middle, y - strength - 3.0, Anchor::Middle, "phase", short(&pulse.phase.to_string(), 64.0));
    }

    fn lock(&self, out: &mut Drawing, lock: &Lock, d: &Drawn) {
        let y = self.row(&lock.nucleus);
        // Both ends relative to the larger rf amplitude.
        let strength = |x: &Expr| self.evaluator.number(x).unwrap_or(0.0);
        let strongest = strength(&lock.from).max(strength(&lock.to)).max(f64::MIN_POSITIVE);
        let height = |x: &Expr| 1.0 + 31.0 * strength(x) / strongest;
        let (right, ends) = (d.x + d.width, (y - height(&lock.from), y - height(&lock.to)));
        out.through(&[(d.x, y), (d.x, ends.0), (right, ends.1), (right, y)], true, "lock");
        let words = format!("{} to {}, {}", lock.from, lock.to, lock.phase);
        out.text(d.x + d.width / 2.0, y - 37.0, Anchor::Middle, "small", short(&words, d.width + 20.0));
    }
}

/// Truncates a text to the available width.
fn short(text: &str, width: f64) -> String {
    let most = (width / 5.6).max(4.0) as usize;
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
