//! Checks `sequence`: translates statements to events and inlines subsequence calls; loops are kept.

mod beside;
mod compiled;
mod counter;
mod decouple;
mod pulse;
mod read;
mod readout;
mod state;
mod substitute;

use self::substitute::substitute;
use super::checker::{Checker, settings, twice};
use super::density_file::Elements;
use super::names::{self, Declarations};
use super::system;
use crate::budget::{EXPRESSION_PARTS, STATEMENTS};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, Event, EventKind, Experiment, Meaning, Scope};
use crate::source::{Place, Span};
use crate::syntax::Expr;
use crate::syntax::ast::{self, Item, ItemKind, Name, Statement, StatementKind};
use crate::units::Dimension;
use std::borrow::Borrow;
use std::cell::Cell;
use std::collections::HashMap;

struct Builder<'a, 'b> {
    c: &'a mut Checker,
    declarations: &'b Declarations<'b>,
    calls: Vec<String>,
    /// The traces so far, by name.
    traces: HashMap<String, Span>,
    /// Their number, each time that a name is given.
    traced: usize,
    marks: HashMap<String, Span>,
    /// Statements so far, those of subsequences counted at every call.
    statements: u64,
    /// Parts of the expressions of subsequences, counted at every call.
    parts: u64,
    /// Whether a limit was passed: that is said once.
    over: bool,
    in_loop: bool,
    /// True inside a branch of `project`.
    in_branch: bool,
    /// The outermost call inside of the loop, if the statement is in a subsequence.
    loop_call: Option<Span>,
    /// What the statements stand beside, where they stand in `parallel`.
    beside: Option<beside::Beside>,
    /// Density matrices from files, by the place of the state.
    densities: &'b HashMap<Span, Elements>,
    /// The named states that are being resolved.
    open_states: Vec<String>,
}

/// Moves the statements of the sequences out of the tree and adds their loop counters to the scope. Returns the statements of the first
/// sequence. The caller frees each statement once it is translated, so that a long sequence is not held in memory twice.
pub fn taken(items: &mut [Item], c: &mut Checker) -> Vec<Statement> {
    let mut first = None;
    for item in items {
        let ItemKind::Sequence(body) = &mut item.kind else { continue };
        let statements = std::mem::take(body);
        c.scope.counters.extend(names::counters_of(&statements).into_iter().map(|counter| counter.text.clone()));
        first.get_or_insert(statements);
    }
    first.unwrap_or_default()
}

/// Checks the sequence, of which the statements have been taken, and adds it to the experiment.
pub fn fill(
    items: &[Item],
    experiment: &mut Experiment,
    c: &mut Checker,
    (declarations, densities): (&Declarations, &HashMap<Span, Elements>),
    mut statements: Vec<Statement>,
) {
    let mut first: Option<Span> = None;
    let mut builder = Builder {
        c,
        declarations,
        calls: vec![],
        traces: HashMap::new(),
        traced: 0,
        marks: HashMap::new(),
        statements: 0,
        parts: 0,
        over: false,
        in_loop: false,
        in_branch: false,
        loop_call: None,
        beside: None,
        densities,
        open_states: vec![],
    };
    for item in items {
        let ItemKind::State(name, _) = &item.kind else { continue };
        if let Some(state) = builder.named_state(name) {
            experiment.states.push(ir::NamedState { name: name.text.clone(), state, place: item.place });
        }
    }
    for item in items {
        let ItemKind::Sequence(_) = &item.kind else { continue };
        let span = item.place.span();
        if let Some(before) = first {
            builder.c.diagnostics.push(twice("sequence", span, before));
            continue;
        }
        first = Some(span);
        experiment.sequence = builder.translated(std::mem::take(&mut statements).into_iter());
        builder.prepared_first(&experiment.sequence, span);
    }
}

impl Builder<'_, '_> {
    fn prepared_first(&mut self, events: &[Event], span: Span) {
        let first = events.iter().position(|e| matches!(e.kind, EventKind::Prepare(_)));
        if first != Some(0) && !self.c.diagnostics.iter().any(Diagnostic::is_error) {
            let place = events.first().and_then(|e| e.place.0).unwrap_or(span);
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, place, "a sequence must start with `prepare`")
                    .label("no state is prepared before this statement")
                    .help("for example `prepare thermal`"),
            );
        }
        let Some((first, others)) = events.split_first() else { return };
        for event in others.iter().filter(|e| matches!(e.kind, EventKind::Prepare(_))) {
            let place = event.place.0.unwrap_or(span);
            self.c.diagnostics.push(twice("prepare", place, first.place.0.unwrap_or(span)));
        }
    }

    fn events(&mut self, statements: &[Statement]) -> Vec<Event> {
        self.translated(statements.iter())
    }

    fn translated(&mut self, statements: impl ExactSizeIterator<Item: Borrow<Statement>>) -> Vec<Event> {
        let mut events = Vec::with_capacity(statements.len());
        for statement in statements {
            let statement: &Statement = statement.borrow();
            if self.c.is_full() {
                break;
            }
            self.statements += 1;
            if !STATEMENTS.allows(self.statements) || !EXPRESSION_PARTS.allows(self.parts) {
                self.too_many(statement.place);
                break;
            }
            self.statement(statement, &mut events);
        }
        events
    }

    fn too_many(&mut self, place: Place) {
        let budget = if STATEMENTS.allows(self.statements) { &EXPRESSION_PARTS } else { &STATEMENTS };
        if !std::mem::replace(&mut self.over, true) {
            self.c.diagnostics.push(budget.exceeded(Some(place.span())));
        }
    }

    fn statement(&mut self, statement: &Statement, events: &mut Vec<Event>) {
        let place = statement.place;
        let span = place.span();
        let kind = match &statement.kind {
            StatementKind::Prepare(states) => {
                self.refuse_in_loop("prepare", span);
                EventKind::Prepare(states.iter().filter_map(|s| self.state(s)).collect())
            }
            StatementKind::Pulse(p) => match self.pulse(p, place) {
                Some(pulse) => EventKind::Pulse(Box::new(pulse)),
                None => return,
            },
            StatementKind::Delay(d) => EventKind::Delay {
                duration: self.c.number(&d.duration, Dimension::TIME),
                between_centres: d.between_centres,
                noise: d.noise.as_ref().and_then(|n| self.noise(n)),
                record: self.record(&d.record, span),
            },
            StatementKind::Gradient(strength, duration, given) => {
                let mut shape = None;
                for (_, value) in settings(given, &["shape"], "`gradient`", self.c) {
                    shape = Some(Box::new(self.shape(value)));
                }
                EventKind::Gradient {
                    strength: Box::new(self.c.number(strength, Dimension::GRADIENT)),
                    duration: self.c.number(duration, Dimension::TIME),
                    shape,
                }
            }
            StatementKind::Lock(l) => {
                let Some(nucleus) = self.nucleus(&l.channel) else { return };
                EventKind::Lock(Box::new(ir::Lock {
                    nucleus,
                    phase: self.c.phase(&l.phase),
                    from: self.c.expr(&l.from, |s, e| s.frequency(e, &[])),
                    to: self.c.expr(&l.to, |s, e| s.frequency(e, &[])),
                    over: self.c.number(&l.over, Dimension::TIME),
                    shape: l.shape.as_ref().map(|e| self.ramp(e)),
                    steps: l.steps.as_ref().map(|e| self.c.number(e, Dimension::NUMBER)),
                    noise: l.noise.as_ref().and_then(|n| self.noise(n)),
                    record: self.record(&l.record, span),
                }))
            }
            StatementKind::Evolve(e) => self.evolve(e, span),
            StatementKind::Compile(c) => EventKind::Compile(Box::new(self.compiled(c))),
            StatementKind::Crush(keep) => {
                EventKind::Crush { keep: keep.iter().map(|k| self.c.number(k, Dimension::NUMBER)).collect() }
            }
            StatementKind::Dephase(e) => {
                EventKind::Dephase { hamiltonian: Box::new(self.c.expr(e, |s, e| s.operator(e, &[]))) }
            }
            StatementKind::Reset(sites, states) => self.reset(sites, states),
            StatementKind::Project(p) => self.project(p),
            StatementKind::Read(name, observable) => self.read(name, observable),
            StatementKind::Mark(name) => {
                self.mark(name);
                EventKind::Mark { name: name.text.clone() }
            }
            StatementKind::Acquire(a) => match self.acquire(a, span) {
                Some(kind) => kind,
                None => return,
            },
            StatementKind::Tomography(given) => EventKind::Tomography(Box::new(self.tomography(given, span))),
            StatementKind::Loop(repeat, trace, body) => self.repeated(repeat, trace.as_deref(), body),
            StatementKind::Parallel(align, body) => match self.parallel(align.as_ref(), body) {
                Some(kind) => kind,
                None => return,
            },
            StatementKind::Decouple(d) => return self.decouple(d, span, events),
            StatementKind::Call(name, arguments) => return self.call(name, arguments, events),
        };
        events.push(Event { kind, place });
    }

    fn evolve(&mut self, e: &ast::Evolve, span: Span) -> EventKind {
        EventKind::Evolve {
            hamiltonian: Box::new(self.c.expr(&e.hamiltonian, |s, e| {
                let time = ir::Index { name: "t", dimension: s.dimension(Dimension::TIME) };
                s.hamiltonian(e, &[time])
            })),
            duration: self.c.number(&e.duration, Dimension::TIME),
            noise: e.noise.as_ref().and_then(|n| self.noise(n)),
            record: self.record(&e.record, span),
        }
    }

    fn reset(&mut self, sites: &[Expr], states: &[ast::State]) -> EventKind {
        let sites = sites.iter().map(|s| self.sites(s)).collect();
        EventKind::Reset { sites, states: states.iter().filter_map(|s| self.state(s)).collect() }
    }

    fn project(&mut self, p: &ast::Project) -> EventKind {
        let site = Box::new(self.site(&p.site));
        let known: Vec<&str> = ir::PROJECT_SETTINGS.iter().map(|(word, _)| *word).collect();
        let given = settings(&p.settings, &known, "`project`", self.c);
        let error = given.first().map(|(_, value)| Box::new(self.c.number(value, Dimension::NUMBER)));
        let outer = std::mem::replace(&mut self.in_branch, true);
        let mut branch = |body: &Option<Vec<Statement>>| body.as_deref().map_or(vec![], |b| self.events(b));
        let (up, down) = (branch(&p.up), branch(&p.down));
        self.in_branch = outer;
        EventKind::Project { site, axis: ir::Axis::named(&p.axis.text).unwrap_or_default(), error, up, down }
    }

    /// Inlines a subsequence call.
    fn call(&mut self, name: &Name, arguments: &[Expr], events: &mut Vec<Event>) {
        let Some(definition) = self.declarations.definitions.get(name.text.as_str()) else {
            let mut known: Vec<String> = self.declarations.definitions.keys().map(|k| (*k).to_string()).collect();
            known.extend(crate::syntax::words::words_of(crate::syntax::words::Role::Event).map(str::to_string));
            known.sort_unstable();
            let diagnostic = Diagnostic::new(Code::UnknownName, name.span(), format!("unknown subsequence `{name}`"))
                .label("not defined")
                .did_you_mean(&name.text, known.iter().map(String::as_str));
            self.c.diagnostics.push(diagnostic);
            return;
        };
        if self.calls.contains(&name.text) {
            let circle: Vec<&str> = self.calls.iter().map(String::as_str).chain([name.text.as_str()]).collect();
            let diagnostic = Diagnostic::new(Code::CircularDefinition, name.span(), format!("`{name}` calls itself"))
                .label(circle.join(" -> "));
            if !self.c.diagnostics.contains(&diagnostic) {
                self.c.diagnostics.push(diagnostic);
            }
            return;
        }
        if arguments.len() != definition.arguments.len() {
            self.c.diagnostics.push(
                Diagnostic::new(
                    Code::WrongArguments,
                    name.span(),
                    format!("`{name}` takes {} argument(s), {} given", definition.arguments.len(), arguments.len()),
                )
                .related(definition.name.span(), "defined here"),
            );
            return;
        }
        self.counters_are_arguments(name, definition);
        let given: Vec<(&str, &Expr, u64)> =
            definition.arguments.iter().zip(arguments).map(|(a, e)| (a.text.as_str(), e, e.parts())).collect();
        // A part of an expression has at least one letter, and on the average some four.
        let text: u64 = definition.body.iter().map(|s| u64::from(s.place.span().length())).sum();
        let parts = Cell::new(self.parts + text / 4);
        let replacement = |word: &str| {
            let (_, value, size) = given.iter().find(|(name, ..)| *name == word)?;
            parts.set(parts.get() + size);
            // Past the limit nothing more is put in: the sequence is refused.
            if EXPRESSION_PARTS.allows(parts.get()) { Some((*value).clone()) } else { Some(Expr::number(0.0)) }
        };
        let body: Vec<Statement> = definition.body.iter().map(|s| substitute(s, &replacement)).collect();
        self.parts = parts.get();
        self.calls.push(name.text.clone());
        let outer = self.loop_call;
        if self.in_loop {
            self.loop_call = outer.or(Some(name.span()));
        }
        events.extend(self.events(&body));
        self.loop_call = outer;
        self.calls.pop();
    }

    fn nucleus(&mut self, name: &Name) -> Option<String> {
        let result = system::nucleus_of_channel(name, self.c);
        self.c.note(result).map(|i| i.symbol.to_string())
    }

    pub(super) fn noise(&mut self, name: &Name) -> Option<String> {
        match self.c.scope.names.get(&name.text) {
            Some(Meaning::Noise) => Some(name.text.clone()),
            Some(other) => {
                let message = format!("`{name}` is {}, not a noise", other.describe());
                self.c.diagnostics.push(Diagnostic::new(Code::WrongKind, name.span(), message));
                None
            }
            None => {
                let diagnostic = self.c.scope.unknown(&name.text, name.span(), &[]);
                self.c.diagnostics.push(*diagnostic);
                None
            }
        }
    }

    /// Rejects statements that may occur only once if they are in a loop, or in a subsequence called in a loop.
    fn refuse_in_loop(&mut self, what: &str, span: Span) {
        if !self.in_loop && !self.in_branch {
            return;
        }
        let diagnostic = if self.in_branch { inside_branch(what, span) } else { inside_loop(what, span) };
        self.c.diagnostics.push(match self.loop_call {
            Some(call) => diagnostic.related(call, "called inside a loop"),
            None => diagnostic,
        });
    }

    fn mark(&mut self, name: &Name) {
        self.refuse_in_loop("mark", name.span());
        if name.text == "tomography" {
            self.c.diagnostics.push(
                Diagnostic::new(
                    Code::ReservedName,
                    name.span(),
                    "this mark is reserved for the result of a tomography",
                )
                .label("choose another name"),
            );
        }
        if name.text == "end" {
            self.c.diagnostics.push(
                Diagnostic::new(Code::ReservedName, name.span(), "the mark `end` is predefined")
                    .label("choose another name"),
            );
        }
        if let Some(before) = self.marks.get(&name.text) {
            self.c.diagnostics.push(twice(&name.text, name.span(), *before));
            return;
        }
        self.marks.insert(name.text.clone(), name.span());
    }

    // ---- states ----

    fn site(&mut self, expr: &Expr) -> Expr {
        self.c.expr(expr, |s: &Scope, e| s.site(e, &[]))
    }

    fn sites(&mut self, expr: &Expr) -> Expr {
        self.c.expr(expr, |s: &Scope, e| s.sites(e, &[]))
    }
}

fn inside_branch(what: &str, span: Span) -> Diagnostic {
    let message = format!("a `{what}` in a branch of `project` would be that of one outcome alone");
    Diagnostic::new(Code::InsideLoop, span, message)
        .label("inside a branch")
        .help("put it behind `project`, where the state is the mean over the outcomes, or before it")
}

fn inside_loop(what: &str, span: Span) -> Diagnostic {
    let (message, help) = match what {
        "prepare" => ("`prepare` cannot be inside a loop".to_string(), "move it before the loop"),
        "acquire" => (
            "an `acquire` inside a loop would record one FID per pass".to_string(),
            "move it after the loop; for one point per cycle, sweep the number of cycles: `param n = 1`, `loop n { ... }`, `acquire ... points 1 ...`, `sweep n = 1 .. 64 points 64`",
        ),
        _ => (
            format!("a `{what}` inside a loop would be executed on every pass"),
            "move it after the loop, or sweep the number of passes: `param n = 8`, `loop n { ... }`, `sweep n = ...`",
        ),
    };
    Diagnostic::new(Code::InsideLoop, span, message).label("inside a loop").help(help)
}
