//! The statement `compile`: the pulses and delays that make a Hamiltonian are found once, at the declared values of all parameters, and
//! stand in the place of the statement from then on. Errors of the spins, the rf and the couplings act on them as on any pulse.
//!
//! Equal statements, as in a loop or in a subsequence that is called twice, are searched for once.

use super::value::{Evaluator, Fault, Values};
use super::wanted::{self, Wishes};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, Align, Compile, Event, EventKind, Experiment, Pulse, Repeat, ShapeTable};
use crate::source::{Place, Span};
use crate::syntax::{Expr, ExprKind};
use crate::synthesis::block::{Element, Transmitter, decimals};
use crate::synthesis::{Problem, Refusal, Setting, Synthesis, infidelity, synthesise, text, time};
use crate::units::Unit;
use std::f64::consts::TAU;

/// Puts pulses and delays in the place of every `compile` statement. Returns warnings: of fidelities that are not reached.
///
/// # Errors
/// If H, T or a setting depends on the counter of a loop, cannot be evaluated, or there are no pulses; with the proof, if there is one.
pub fn expand(experiment: &mut Experiment) -> Result<Vec<Diagnostic>, Fault> {
    if !any(&experiment.sequence) {
        return Ok(vec![]);
    }
    let declared = experiment.clone();
    let mut expansion = Expansion { e: Evaluator::new(&declared, &Values::new())?, found: vec![], shapes: vec![] };
    experiment.sequence = expansion.events(&declared.sequence, &mut vec![])?;
    experiment.shapes.append(&mut expansion.shapes);
    let mut warnings = Vec::new();
    for found in expansion.found {
        warnings.extend(found.warning);
        experiment.compiled.push(found.compiled);
    }
    Ok(warnings)
}

/// Puts the evolution that is wanted in the place of every `compile` statement, without a search: what an editor shows of a file while it
/// is written. The proofs that need no search are made.
///
/// # Errors
/// Those of [`expand`] that are known without a search.
pub fn stand_in(experiment: &mut Experiment) -> Result<(), Fault> {
    if !any(&experiment.sequence) {
        return Ok(());
    }
    let declared = experiment.clone();
    let e = Evaluator::new(&declared, &Values::new())?;
    experiment.sequence.iter_mut().try_for_each(|event| evolved(&e, event, &mut vec![]))
}

/// A `compile` whose pulses were not found: the experiment was not made by a function that does.
pub(super) fn not_yet(span: Span) -> Fault {
    Diagnostic::new(Code::NotEmulated, span, "the pulses of this `compile` have not been found yet")
        .help("`ergoseq::expand` puts them in its place")
        .into()
}

fn any(events: &[Event]) -> bool {
    events.iter().any(|event| match &event.kind {
        EventKind::Compile(_) => true,
        EventKind::Loop { body, .. } => any(body),
        EventKind::Project { up, down, .. } => any(up) || any(down),
        _ => false,
    })
}

/// The pulses of a statement.
struct Found {
    events: Vec<Event>,
    compiled: ir::Compiled,
    warning: Option<Diagnostic>,
}

struct Expansion<'a> {
    e: Evaluator<'a>,
    found: Vec<Found>,
    shapes: Vec<ShapeTable>,
}

impl Expansion<'_> {
    fn events(&mut self, events: &[Event], counters: &mut Vec<String>) -> Result<Vec<Event>, Fault> {
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            let place = event.place;
            let kind = match &event.kind {
                EventKind::Compile(statement) => {
                    independent(statement, counters)?;
                    out.extend(self.pulses(statement, place)?);
                    continue;
                }
                EventKind::Loop { repeat, look, body } => {
                    let body = within(repeat, counters, |inside| self.events(body, inside))?;
                    EventKind::Loop { repeat: repeat.clone(), look: look.clone(), body }
                }
                EventKind::Project { site, axis, error, up, down } => EventKind::Project {
                    error: error.clone(),
                    site: site.clone(),
                    axis: *axis,
                    up: self.events(up, counters)?,
                    down: self.events(down, counters)?,
                },
                other => other.clone(),
            };
            out.push(Event { kind, place });
        }
        Ok(out)
    }

    /// The events in the place of a statement, at its position.
    fn pulses(&mut self, statement: &Compile, place: Place) -> Result<Vec<Event>, Fault> {
        let known = match self.found.iter().position(|f| same(&f.compiled.statement, statement)) {
            Some(known) => known,
            None => {
                let found = self.search(statement, place)?;
                self.found.push(found);
                self.found.len() - 1
            }
        };
        let mut events = self.found.get(known).map_or_else(Vec::new, |f| f.events.clone());
        events.iter_mut().for_each(|event| put(event, place));
        Ok(events)
    }

    fn search(&mut self, statement: &Compile, place: Place) -> Result<Found, Fault> {
        let problem = problem(&self.e, statement)?;
        let span = statement.hamiltonian.span();
        let synthesis = synthesise(&problem).map_err(|refusal| refused(&refusal, span))?;
        let number = self.found.len() + 1;
        let names: Vec<String> = problem.channels.iter().map(|c| format!("compiled_{}_{number}", c.nucleus)).collect();
        let shapes = synthesis.found.block.shapes();
        self.shapes.extend(shapes.into_iter().zip(&names).map(|(steps, name)| ShapeTable {
            name: name.clone(),
            steps: steps.to_vec(),
            place,
        }));
        let writer = Writer { channels: &problem.channels, names: &names, ideal: problem.ideal };
        let events = writer.events(&synthesis.found.block.elements);
        let compiled = ir::Compiled {
            statement: statement.clone(),
            parameters: self.parameters(statement),
            note: note(statement, &problem, &synthesis),
            report: text::lines(&problem, &synthesis),
            place,
        };
        let warning = (!synthesis.reached).then(|| imperfect(&problem, &synthesis, span));
        Ok(Found { events, compiled, warning })
    }

    /// The parameters on which a statement depends, with their values.
    fn parameters(&self, statement: &Compile) -> Vec<(String, f64)> {
        let experiment = self.e.experiment;
        let mut names: Vec<String> = Vec::new();
        parts(statement).into_iter().for_each(|part| mentioned(part, &mut names));
        let mut read = 0;
        while let Some(name) = names.get(read).cloned() {
            read += 1;
            let param = experiment.params.iter().filter(|p| p.name == name).map(|p| &p.default);
            let operator = experiment.hamiltonians.iter().filter(|h| h.name == name).map(|h| &h.value);
            param.chain(operator).for_each(|expr| mentioned(expr, &mut names));
        }
        let value = |name: String| Some((name.clone(), *self.e.values.get(&name)?));
        names.into_iter().filter_map(value).collect()
    }
}

fn parts(statement: &Compile) -> Vec<&Expr> {
    let own = [&statement.hamiltonian, &statement.duration];
    own.into_iter().chain(&statement.infidelity).chain(&statement.within).collect()
}

/// Equal apart from their positions.
fn same(a: &Compile, b: &Compile) -> bool {
    let text = |c: &Compile| parts(c).iter().map(|part| part.to_string()).collect::<Vec<_>>();
    a.ideal == b.ideal && a.within.is_some() == b.within.is_some() && text(a) == text(b)
}

fn mentioned(expr: &Expr, names: &mut Vec<String>) {
    expr.walk(&mut |part| {
        if let ExprKind::Name(name) | ExprKind::Index(name, _) | ExprKind::Call(name, _) = &part.kind
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    });
}

/// Calls `visit` with the counters inside of a loop.
fn within<T>(repeat: &Repeat, counters: &mut Vec<String>, visit: impl FnOnce(&mut Vec<String>) -> T) -> T {
    let outside = counters.len();
    if let Repeat::Counter(each) = repeat {
        counters.push(each.index.clone());
    }
    let found = visit(counters);
    counters.truncate(outside);
    found
}

fn independent(statement: &Compile, counters: &[String]) -> Result<(), Fault> {
    for part in parts(statement) {
        let mut names = Vec::new();
        mentioned(part, &mut names);
        if let Some(counter) = counters.iter().find(|c| names.contains(c)) {
            let message = format!(
                "the pulses of `compile` are found once, and cannot depend on the counter `{counter}` of a loop"
            );
            return Err(Diagnostic::new(Code::Contradiction, part.span(), message)
                .label(format!("depends on `{counter}`"))
                .help("write one `compile` for every value")
                .into());
        }
    }
    Ok(())
}

fn problem(e: &Evaluator, statement: &Compile) -> Result<Problem, Fault> {
    let number = |expr: &Option<Expr>| expr.as_ref().map(|x| e.number(x)).transpose();
    let mut wishes = Wishes { ideal: statement.ideal, within: number(&statement.within)?, ..Wishes::default() };
    if let (Some(x), Some(expr)) = (number(&statement.infidelity)?, &statement.infidelity) {
        if !(x > 0.0 && x < 1.0) {
            let message = format!("an infidelity lies between 0 and 1, this is {x}");
            return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into());
        }
        wishes.infidelity = x;
    }
    Ok(wanted::problem(e, &statement.hamiltonian, &statement.duration, &wishes)?.0)
}

fn refused(refusal: &Refusal, span: Span) -> Fault {
    let mut refusal = refusal.clone();
    if refusal.code == Code::NoPulses {
        refusal.help = "give `rf` or `max_rf` of the channel, `channel 1H { rf = 50 kHz }`, or write `ideal`".into();
    }
    wanted::at(&refusal, span)
}

fn note(statement: &Compile, problem: &Problem, s: &Synthesis) -> String {
    let kind = if problem.ideal { "ideal pulses" } else { "pulses" };
    let [one, three, offset] = s.robustness.map(infidelity);
    let mean = s.mean.map_or_else(String::new, |mean| format!(", mean {} over the ensemble,", infidelity(mean)));
    format!(
        "`compile {} for {}`: 1 - F = {} with {} {kind} in {} ({}); {one} and {three} with an rf error of 1 % and 3 %, {offset} with an offset of {} Hz of all spins",
        statement.hamiltonian,
        statement.duration,
        infidelity(s.fidelity) + &mean,
        s.pulses,
        time(s.duration),
        s.method,
        decimals(problem.offset / TAU, 6)
    )
}

fn imperfect(problem: &Problem, s: &Synthesis, span: Span) -> Diagnostic {
    let found = infidelity(s.score());
    let mean = if s.mean.is_some() { ", on the average over the ensemble" } else { "" };
    let message =
        format!("the best pulses found have 1 - F = {found}{mean}, more than the {:e} asked for", problem.infidelity);
    Diagnostic::new(Code::Imperfect, span, message)
        .help("use a larger rf or a longer `within`, write `ideal` to see the limit of short pulses, or allow `infidelity = ...`")
}

/// An event in the place of `compile` until its pulses are found.
fn evolved(e: &Evaluator, event: &mut Event, counters: &mut Vec<String>) -> Result<(), Fault> {
    match &mut event.kind {
        EventKind::Compile(statement) => {
            independent(statement, counters)?;
            let problem = problem(e, statement)?;
            let at = |refusal: Refusal| refused(&refusal, statement.hamiltonian.span());
            Setting::new(&problem).map_err(at)?.is_reachable().map_err(at)?;
            let (hamiltonian, duration) = (statement.hamiltonian.clone(), statement.duration.clone());
            event.kind = EventKind::Evolve { hamiltonian: Box::new(hamiltonian), duration, noise: None, record: None };
            Ok(())
        }
        EventKind::Loop { repeat, body, .. } => {
            within(repeat, counters, |inside| body.iter_mut().try_for_each(|event| evolved(e, event, inside)))
        }
        EventKind::Project { up, down, .. } => {
            up.iter_mut().chain(down).try_for_each(|event| evolved(e, event, counters))
        }
        _ => Ok(()),
    }
}

/// Puts an event, and what it contains, at a position.
fn put(event: &mut Event, place: Place) {
    event.place = place;
    match &mut event.kind {
        EventKind::Loop { body, .. } => body.iter_mut().for_each(|event| put(event, place)),
        EventKind::Pulse(pulse) => pulse.place = place,
        EventKind::Parallel { pulses, .. } => pulses.iter_mut().for_each(|pulse| pulse.place = place),
        _ => {}
    }
}

/// Translates a block to events.
struct Writer<'a> {
    channels: &'a [Transmitter],
    /// The name of the shape of every channel.
    names: &'a [String],
    ideal: bool,
}

impl Writer<'_> {
    fn events(&self, elements: &[Element]) -> Vec<Event> {
        let mut out = Vec::new();
        for element in elements {
            match element {
                Element::Delay(t) => {
                    let duration = quantity(t * 1e6, "us");
                    out.push(bare(EventKind::Delay { duration, between_centres: false, noise: None, record: None }));
                }
                Element::Pulses(pulses) => {
                    let of = |(p, c): (&Option<crate::synthesis::block::Pulse>, &Transmitter)| {
                        let p = (*p)?;
                        let rf = c.rf.filter(|_| !self.ideal);
                        let angle = Some(quantity(p.angle.to_degrees(), "deg"));
                        let phase = quantity(p.phase.to_degrees(), "deg");
                        Some(Pulse { angle, phase, rf: rf.map(nutation), ideal: rf.is_none(), ..plain(c) })
                    };
                    self.together(pulses.iter().zip(self.channels).filter_map(of).collect(), &mut out);
                }
                Element::Shaped(t, _) => {
                    let of = |(c, name): (&Transmitter, &String)| Pulse {
                        rf: c.rf.map(nutation),
                        duration: Some(quantity(t * 1e6, "us")),
                        shape: Some(Box::new(Expr::bare(ExprKind::Name(name.clone())))),
                        ..plain(c)
                    };
                    self.together(self.channels.iter().zip(self.names).map(of).collect(), &mut out);
                }
                Element::Loop(count, body) => {
                    let repeat = Repeat::Count(Expr::number(*count as f64));
                    out.push(bare(EventKind::Loop { repeat, look: None, body: self.events(body) }));
                }
            }
        }
        out
    }

    /// Simultaneous pulses; ideal ones take no time, so these follow one another.
    fn together(&self, pulses: Vec<Pulse>, out: &mut Vec<Event>) {
        if pulses.len() > 1 && !self.ideal {
            out.push(bare(EventKind::Parallel { align: Align::Centre, pulses }));
        } else {
            out.extend(pulses.into_iter().map(|p| bare(EventKind::Pulse(Box::new(p)))));
        }
    }
}

fn bare(kind: EventKind) -> Event {
    Event { kind, place: Place::default() }
}

/// A pulse of a channel along x, without strength and length.
fn plain(c: &Transmitter) -> Pulse {
    Pulse {
        noise: None,
        nucleus: c.nucleus.clone(),
        angle: None,
        phase: quantity(0.0, "deg"),
        rf: None,
        duration: None,
        shape: None,
        offset: None,
        modulation: None,
        start: None,
        ideal: false,
        record: None,
        place: Place::default(),
    }
}

fn nutation(rf: f64) -> Expr {
    quantity(rf / TAU / 1e3, "kHz")
}

/// A number with a unit, in the resolution in which blocks are written.
fn quantity(value: f64, symbol: &str) -> Expr {
    let written = decimals(value, 9).parse().unwrap_or(value);
    let number = Expr::number(written);
    match Unit::named(symbol) {
        Some(unit) => Expr::bare(ExprKind::Quantity(Box::new(number), unit)),
        None => number,
    }
}
