//! `sequence`: statements become events; calls of subsequences are put in their places; loops stay loops.

use super::names::Declarations;
use super::{Checker, settings, system, twice};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, Event, EventKind, Experiment, Meaning, STATES, Scope};
use crate::source::{Place, Span};
use crate::syntax::ast::{self, Item, ItemKind, Name, Statement, StatementKind};
use crate::syntax::{Expr, ExprKind};
use crate::tomography::METHODS;
use crate::units::Dimension;
use std::collections::HashMap;

/// More events than this cannot be meant: subsequences that call each other twice double at each level.
const MOST_EVENTS: usize = 4_000_000;

struct Builder<'a, 'b> {
    c: &'a mut Checker,
    declarations: &'b Declarations<'b>,
    calls: Vec<String>,
    traces: Vec<(String, Span)>,
    marks: HashMap<String, Span>,
    events: usize,
    in_loop: bool,
    /// The outermost call inside of the loop, where the statement stands in a subsequence.
    loop_call: Option<Span>,
}

/// Fills in the sequence.
pub fn fill(items: &[Item], experiment: &mut Experiment, c: &mut Checker, declarations: &Declarations) {
    let mut first: Option<Span> = None;
    let mut builder = Builder {
        c,
        declarations,
        calls: vec![],
        traces: vec![],
        marks: HashMap::new(),
        events: 0,
        in_loop: false,
        loop_call: None,
    };
    for item in items {
        let ItemKind::Sequence(statements) = &item.kind else { continue };
        let span = item.place.0.unwrap_or_default();
        if let Some(before) = first {
            builder.c.diagnostics.push(twice("sequence", span, before));
            continue;
        }
        first = Some(span);
        experiment.sequence = builder.events(statements);
        builder.prepared_first(&experiment.sequence, span);
    }
}

impl Builder<'_, '_> {
    fn prepared_first(&mut self, events: &[Event], span: Span) {
        let first = events.iter().position(|e| matches!(e.kind, EventKind::Prepare(_)));
        if first != Some(0) && !self.c.diagnostics.iter().any(Diagnostic::is_error) {
            let place = events.first().and_then(|e| e.place.0).unwrap_or(span);
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, place, "a sequence begins with `prepare`")
                    .label("no state is prepared before this")
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
        let mut events = Vec::with_capacity(statements.len());
        for statement in statements {
            self.events += 1;
            if self.events > MOST_EVENTS {
                self.too_many(statement.place);
                break;
            }
            self.statement(statement, &mut events);
        }
        events
    }

    fn too_many(&mut self, place: Place) {
        if self.events == MOST_EVENTS + 1 {
            let span = place.0.unwrap_or_default();
            self.c.diagnostics.push(
                Diagnostic::new(Code::TooDeep, span, format!("the sequence has more than {MOST_EVENTS} events"))
                    .label("the limit is passed here")
                    .help("use `loop` for repetitions: they stay loops"),
            );
        }
    }

    fn statement(&mut self, statement: &Statement, events: &mut Vec<Event>) {
        let place = statement.place;
        let span = place.0.unwrap_or_default();
        let kind = match &statement.kind {
            StatementKind::Prepare(states) => {
                self.refuse_in_loop("prepare", span);
                EventKind::Prepare(states.iter().filter_map(|s| self.state(s)).collect())
            }
            StatementKind::Pulse(p) => match self.pulse(p, place) {
                Some(pulse) => EventKind::Pulse(pulse),
                None => return,
            },
            StatementKind::Delay(d) => EventKind::Delay {
                duration: self.c.number(&d.duration, Dimension::TIME),
                between_centres: d.between_centres,
                record: self.record(&d.record, span),
            },
            StatementKind::Gradient(strength, duration, given) => {
                let mut shape = None;
                for (_, value) in settings(given, &["shape"], "`gradient`", self.c) {
                    shape = Some(self.shape(value));
                }
                EventKind::Gradient {
                    strength: self.c.number(strength, Dimension::GRADIENT),
                    duration: self.c.number(duration, Dimension::TIME),
                    shape,
                }
            }
            StatementKind::Lock(l) => {
                let Some(nucleus) = self.nucleus(&l.channel) else { return };
                EventKind::Lock(ir::Lock {
                    nucleus,
                    phase: self.c.phase(&l.phase),
                    from: self.c.expr(&l.from, |s, e| s.frequency(e, &[])),
                    to: self.c.expr(&l.to, |s, e| s.frequency(e, &[])),
                    over: self.c.number(&l.over, Dimension::TIME),
                    shape: l.shape.as_ref().map(|e| self.ramp(e)),
                    steps: l.steps.as_ref().map(|e| self.c.number(e, Dimension::NUMBER)),
                    record: self.record(&l.record, span),
                })
            }
            StatementKind::Evolve(e) => EventKind::Evolve {
                hamiltonian: self.c.expr(&e.hamiltonian, |s, e| {
                    let time = ir::Index { name: "t", dimension: s.dimension(Dimension::TIME) };
                    s.hamiltonian(e, &[time])
                }),
                duration: self.c.number(&e.duration, Dimension::TIME),
                noise: e.noise.as_ref().and_then(|n| self.noise(n)),
                record: self.record(&e.record, span),
            },
            StatementKind::Crush(keep) => {
                EventKind::Crush { keep: keep.iter().map(|k| self.c.number(k, Dimension::NUMBER)).collect() }
            }
            StatementKind::Dephase(e) => EventKind::Dephase { hamiltonian: self.c.expr(e, |s, e| s.operator(e, &[])) },
            StatementKind::Mark(name) => {
                self.mark(name);
                EventKind::Mark { name: name.text.clone() }
            }
            StatementKind::Acquire(a) => match self.acquire(a, span) {
                Some(kind) => kind,
                None => return,
            },
            StatementKind::Tomography(given) => EventKind::Tomography(self.tomography(given, span)),
            StatementKind::Loop(count, body) => {
                let count = self.c.number(count, Dimension::NUMBER);
                let outer = std::mem::replace(&mut self.in_loop, true);
                let body = self.events(body);
                self.in_loop = outer;
                EventKind::Loop { count, body }
            }
            StatementKind::Parallel(align, body) => match self.parallel(align.as_ref(), body) {
                Some(kind) => kind,
                None => return,
            },
            StatementKind::Call(name, arguments) => return self.call(name, arguments, events),
        };
        events.push(Event { kind, place });
    }

    /// Puts the statements of a subsequence in the place of its call.
    fn call(&mut self, name: &Name, arguments: &[Expr], events: &mut Vec<Event>) {
        let Some(definition) = self.declarations.definitions.get(name.text.as_str()) else {
            let mut known: Vec<String> = self.declarations.definitions.keys().map(|k| (*k).to_string()).collect();
            known.extend(crate::syntax::words::words_of(crate::syntax::words::Role::Event).map(str::to_string));
            known.sort_unstable();
            let diagnostic =
                Diagnostic::new(Code::UnknownName, name.span(), format!("no subsequence is called `{name}`"))
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
        let replacement = |word: &str| {
            definition.arguments.iter().zip(arguments).find(|(a, _)| a.text == word).map(|(_, value)| value.clone())
        };
        let body: Vec<Statement> = definition.body.iter().map(|s| substitute(s, &replacement)).collect();
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
        let result = system::isotope(&name.text, name.span());
        self.c.note(result).map(|i| i.symbol.to_string())
    }

    fn noise(&mut self, name: &Name) -> Option<String> {
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

    /// Refuses what is taken once where it stands in a loop, or in a subsequence that is called in one.
    fn refuse_in_loop(&mut self, what: &str, span: Span) {
        if !self.in_loop {
            return;
        }
        let diagnostic = inside_loop(what, span);
        self.c.diagnostics.push(match self.loop_call {
            Some(call) => diagnostic.related(call, "called inside a loop"),
            None => diagnostic,
        });
    }

    fn mark(&mut self, name: &Name) {
        self.refuse_in_loop("mark", name.span());
        if name.text == "tomography" {
            self.c.diagnostics.push(
                Diagnostic::new(Code::ReservedName, name.span(), "the state that a tomography finds is at this mark")
                    .label("choose another name"),
            );
        }
        if name.text == "end" {
            self.c.diagnostics.push(
                Diagnostic::new(Code::ReservedName, name.span(), "every run has the mark `end` already")
                    .label("choose another name"),
            );
        }
        if let Some(before) = self.marks.get(&name.text) {
            self.c.diagnostics.push(twice(&name.text, name.span(), *before));
            return;
        }
        self.marks.insert(name.text.clone(), name.span());
    }

    fn record(&mut self, record: &Option<ast::Record>, span: Span) -> Option<ir::Record> {
        let record = record.as_ref()?;
        let place = record.name.as_ref().map_or(span, Name::span);
        self.refuse_in_loop("record", place);
        let points = self.c.number(&record.points, Dimension::NUMBER);
        let name = record.name.as_ref().map_or_else(|| format!("trace{}", self.traces.len() + 1), |n| n.text.clone());
        if let Some((_, before)) = self.traces.iter().find(|(n, _)| *n == name) {
            self.c.diagnostics.push(twice(&name, place, *before));
        }
        self.traces.push((name.clone(), place));
        Some(ir::Record { points, name })
    }

    fn pulse(&mut self, p: &ast::Pulse, place: Place) -> Option<ir::Pulse> {
        let span = place.0.unwrap_or_default();
        let nucleus = self.nucleus(&p.channel)?;
        let known: Vec<&str> = ir::PULSE_SETTINGS.iter().map(|(w, _)| *w).collect();
        let (mut rf, mut duration, mut shape, mut offset, mut modulation) = (None, None, None, None, None);
        for (name, value) in settings(&p.settings, &known, "a pulse", self.c) {
            match name {
                "rf" => rf = Some(self.c.expr(value, |s, e| s.frequency(e, &[]))),
                "duration" => duration = Some(self.c.number(value, Dimension::TIME)),
                "offset" => offset = Some(self.c.expr(value, |s, e| s.frequency(e, &[]))),
                "modulation" => modulation = Some(self.of_time(value, Dimension::ANGLE)),
                _ => shape = Some(self.shape(value)),
            }
        }
        let Some(given) = &p.phase else {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a pulse needs a phase")
                    .label("no `phase` here")
                    .help("for example `pulse 1H 90 deg phase x`"),
            );
            return None;
        };
        if p.ideal
            && let Some(setting) = p.settings.first()
        {
            self.c.diagnostics.push(
                Diagnostic::new(
                    Code::Contradiction,
                    setting.name.span(),
                    format!("an ideal pulse has no duration, so `{}` has no meaning", setting.name),
                )
                .label("given for an ideal pulse"),
            );
        }
        let angle = p.angle.as_ref().map(|a| self.c.number(a, Dimension::ANGLE));
        if angle.is_none() && (p.ideal || duration.is_none()) {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a pulse needs a flip angle, or rf and duration")
                    .label("no angle here")
                    .help("for example `pulse 1H 90 deg phase x`"),
            );
        }
        let record = if p.ideal && p.record.is_some() {
            self.c.diagnostics.push(Diagnostic::new(
                Code::Contradiction,
                span,
                "an ideal pulse has no duration, so nothing can be recorded",
            ));
            None
        } else {
            self.record(&p.record, span)
        };
        let phase = self.c.phase(given);
        Some(ir::Pulse {
            nucleus,
            angle,
            phase,
            rf,
            duration,
            shape,
            offset,
            modulation,
            ideal: p.ideal,
            record,
            place,
        })
    }

    /// A name of the table, with arguments or without, a shape from a file, or an expression in t.
    fn shape(&mut self, expr: &Expr) -> Expr {
        let known: Vec<Known> = ir::PULSE_SHAPES
            .iter()
            .map(|s| {
                let arguments = s.arguments.iter().map(|a| (a.meaning, a.dimension)).collect();
                Known { name: s.name, arguments, fewest: s.fewest() }
            })
            .collect();
        match &expr.kind {
            ExprKind::Name(name) if matches!(self.c.scope.names.get(name), Some(Meaning::Shape)) => expr.clone(),
            ExprKind::Name(_) => self.named_shape(expr, &known, "pulse shape"),
            ExprKind::Call(name, _) if ir::FunctionInfo::named(name).is_none() => {
                self.named_shape(expr, &known, "pulse shape")
            }
            _ => self.of_time(expr, Dimension::NUMBER),
        }
    }

    /// A number that may depend on the time since the statement began.
    fn of_time(&mut self, expr: &Expr, dimension: Dimension) -> Expr {
        self.c.expr(expr, |s, e| {
            let time = ir::Index { name: "t", dimension: s.dimension(Dimension::TIME) };
            s.number(e, dimension, &[time])
        })
    }

    fn ramp(&mut self, expr: &Expr) -> Expr {
        let known: Vec<Known> = ir::RAMPS
            .iter()
            .map(|r| {
                let dimension = if r.frequency { Dimension::FREQUENCY } else { Dimension::NUMBER };
                let arguments: Vec<_> = r.argument.iter().map(|a| (*a, dimension)).collect();
                Known { name: r.name, fewest: arguments.len(), arguments }
            })
            .collect();
        self.named_shape(expr, &known, "ramp")
    }

    fn named_shape(&mut self, expr: &Expr, known: &[Known], what: &str) -> Expr {
        let (name, arguments): (&str, &[Expr]) = match &expr.kind {
            ExprKind::Name(name) => (name, &[]),
            ExprKind::Call(name, items) => (name, items),
            _ => ("", &[]),
        };
        let Some(found) = known.iter().find(|k| k.name == name) else {
            let diagnostic = Diagnostic::new(Code::UnknownFunction, expr.span(), format!("`{expr}` is no {what}"))
                .label("not known")
                .did_you_mean(name, known.iter().map(|k| k.name));
            let diagnostic = if diagnostic.help.is_empty() {
                diagnostic.help(format!("known are: {}", known.iter().map(|k| k.name).collect::<Vec<_>>().join(", ")))
            } else {
                diagnostic
            };
            self.c.diagnostics.push(diagnostic);
            return expr.clone();
        };
        if arguments.len() < found.fewest || arguments.len() > found.arguments.len() {
            let message = match (found.arguments.as_slice(), arguments.len() < found.fewest) {
                ([], _) => format!("`{name}` takes no argument"),
                ([(first, _), ..], true) => format!("`{name}` needs its argument: {first}"),
                (all, false) => format!("`{name}` takes at most {} argument(s)", all.len()),
            };
            let diagnostic = Diagnostic::new(Code::WrongArguments, expr.span(), message);
            let diagnostic = match found.arguments.first() {
                Some((_, d)) if arguments.is_empty() => diagnostic
                    .help(format!("for example `{name}({})`", if *d == Dimension::NUMBER { "5" } else { "3 kHz" })),
                _ => diagnostic,
            };
            self.c.diagnostics.push(diagnostic);
        }
        for (argument, (_, dimension)) in arguments.iter().zip(&found.arguments) {
            self.c.number(argument, *dimension);
        }
        expr.clone()
    }

    fn acquire(&mut self, a: &ast::Acquire, span: Span) -> Option<EventKind> {
        self.refuse_in_loop("acquire", span);
        let nucleus = self.nucleus(&a.channel)?;
        let known: Vec<&str> = ir::ACQUIRE_SETTINGS.iter().map(|(w, _)| *w).collect();
        let (mut snr, mut seed) = (None, None);
        for (name, value) in settings(&a.settings, &known, "`acquire`", self.c) {
            let value = Some(self.c.number(value, Dimension::NUMBER));
            if name == "snr" { snr = value } else { seed = value }
        }
        Some(EventKind::Acquire {
            nucleus,
            points: self.c.number(&a.points, Dimension::NUMBER),
            dwell: self.c.number(&a.dwell, Dimension::TIME),
            phase: a.phase.as_ref().map(|p| self.c.phase(p)),
            snr,
            seed,
        })
    }

    fn tomography(&mut self, given: &[ast::Setting], span: Span) -> ir::Tomography {
        self.refuse_in_loop("tomography", span);
        if let Some(before) = self.marks.get("tomography") {
            self.c.diagnostics.push(twice("tomography", span, *before));
        }
        self.marks.insert("tomography".to_string(), span);
        let known: Vec<&str> = ir::TOMOGRAPHY_SETTINGS.iter().map(|(w, _)| *w).collect();
        let mut out = ir::Tomography::default();
        for (name, value) in settings(given, &known, "`tomography`", self.c) {
            match name {
                "snr" => out.snr = Some(self.c.number(value, Dimension::NUMBER)),
                "scans" => out.scans = Some(self.c.number(value, Dimension::NUMBER)),
                "points" => out.points = Some(self.c.number(value, Dimension::NUMBER)),
                "dwell" => out.dwell = Some(self.c.number(value, Dimension::TIME)),
                "seed" => out.seed = Some(self.c.number(value, Dimension::NUMBER)),
                "repetitions" => out.repetitions = Some(self.c.number(value, Dimension::NUMBER)),
                "method" => out.method = self.method(value),
                "readouts" => out.readouts = self.words(value),
                _ => out.detect = self.detected(value),
            }
        }
        if out.points.is_some() != out.dwell.is_some() {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a decay needs both `points` and `dwell`")
                    .label("one of them is missing")
                    .help("for example `tomography points = 2048 dwell = 0.5 ms snr = 50`"),
            );
        }
        out
    }

    fn method(&mut self, value: &Expr) -> Option<String> {
        let name = match &value.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => "",
        };
        if METHODS.iter().any(|(w, ..)| *w == name) {
            return Some(name.to_string());
        }
        let diagnostic =
            Diagnostic::new(Code::UnknownSetting, value.span(), format!("`{value}` is no way to reconstruct"))
                .label("not known")
                .did_you_mean(name, METHODS.iter().map(|(w, ..)| *w));
        let diagnostic = if diagnostic.help.is_empty() {
            diagnostic.help(format!("known are: {}", METHODS.iter().map(|(w, ..)| *w).collect::<Vec<_>>().join(", ")))
        } else {
            diagnostic
        };
        self.c.diagnostics.push(diagnostic);
        None
    }

    /// Words in quotes, with commas or blanks between them.
    fn words(&mut self, value: &Expr) -> Vec<String> {
        if let ExprKind::Text(text) = &value.kind {
            let words = text.split([',', ' ']).filter(|w| !w.is_empty());
            return words.map(str::to_string).collect();
        }
        self.c.diagnostics.push(
            Diagnostic::new(Code::WrongKind, value.span(), "readouts are given in quotes")
                .help("for example \"II, IX, IY, XX\""),
        );
        vec![]
    }

    /// A nucleus, or several in quotes.
    fn detected(&mut self, value: &Expr) -> Vec<String> {
        let symbols: Vec<&str> = match &value.kind {
            ExprKind::Isotope(symbol) => vec![symbol],
            ExprKind::Text(text) => text.split([',', ' ']).filter(|w| !w.is_empty()).collect(),
            _ => {
                self.c.diagnostics.push(
                    Diagnostic::new(Code::WrongKind, value.span(), "expected a nucleus such as `1H`")
                        .help("`detect = 1H`, or `detect = \"1H, 13C\"`"),
                );
                vec![]
            }
        };
        let mut nuclei = Vec::new();
        for symbol in symbols {
            let result = system::isotope(symbol, value.span());
            nuclei.extend(self.c.note(result).map(|i| i.symbol.to_string()));
        }
        nuclei
    }

    fn parallel(&mut self, align: Option<&Name>, body: &[Statement]) -> Option<EventKind> {
        let align = match align {
            None => ir::Align::Start,
            Some(name) => match ir::ALIGNMENTS.iter().find(|(w, _)| *w == name.text) {
                Some((_, align)) => *align,
                None => {
                    let diagnostic = Diagnostic::new(
                        Code::UnknownSetting,
                        name.span(),
                        "pulses are aligned at `start`, `centre` or `end`",
                    )
                    .label("not known")
                    .did_you_mean(&name.text, ir::ALIGNMENTS.iter().map(|(w, _)| *w));
                    self.c.diagnostics.push(diagnostic);
                    ir::Align::Start
                }
            },
        };
        let mut events = Vec::new();
        for statement in body {
            self.statement(statement, &mut events);
        }
        let mut pulses: Vec<ir::Pulse> = Vec::new();
        for event in events {
            let span = event.place.0.unwrap_or_default();
            match event.kind {
                EventKind::Pulse(pulse) => {
                    if let Some(before) = pulses.iter().find(|p| p.nucleus == pulse.nucleus) {
                        let message = format!("two pulses at once on the channel {}", pulse.nucleus);
                        let diagnostic = Diagnostic::new(Code::Contradiction, span, message)
                            .related(before.place.0.unwrap_or_default(), "the other one");
                        self.c.diagnostics.push(diagnostic);
                    }
                    if pulse.record.is_some() {
                        self.c.diagnostics.push(Diagnostic::new(
                            Code::Contradiction,
                            span,
                            "a pulse inside `parallel` cannot record a trace",
                        ));
                    }
                    pulses.push(pulse);
                }
                _ => self.c.diagnostics.push(
                    Diagnostic::new(Code::WrongKind, span, "only pulses stand in `parallel`").label("not a pulse"),
                ),
            }
        }
        Some(EventKind::Parallel { align, pulses })
    }

    // ---- states ----

    fn state(&mut self, state: &ast::State) -> Option<ir::State> {
        let span = state.name.span();
        let name = state.name.text.as_str();
        let Some((_, arguments, _)) = STATES.iter().find(|(w, _, _)| *w == name) else {
            let diagnostic = Diagnostic::new(Code::UnknownName, span, format!("`{name}` is no state"))
                .label("not known")
                .did_you_mean(name, STATES.iter().map(|(w, _, _)| *w));
            let diagnostic = if diagnostic.help.is_empty() {
                diagnostic
                    .help(format!("known are: {}", STATES.iter().map(|(w, _, _)| *w).collect::<Vec<_>>().join(", ")))
            } else {
                diagnostic
            };
            self.c.diagnostics.push(diagnostic);
            return None;
        };
        let wrong = |c: &mut Checker| {
            c.diagnostics.push(
                Diagnostic::new(Code::WrongArguments, span, format!("this state is written `{name}{arguments}`"))
                    .label("wrong arguments"),
            );
            None
        };
        if (name == "ket") != state.text.is_some()
            || (name == "mix" || name == "superposition") == state.parts.is_empty()
        {
            return wrong(self.c);
        }
        match (name, state.arguments.as_slice()) {
            ("thermal", []) => Some(ir::State::Thermal { sites: None }),
            ("thermal", [sites]) => Some(ir::State::Thermal { sites: Some(self.sites(sites)) }),
            ("mixed", []) => Some(ir::State::Mixed { sites: None }),
            ("mixed", [sites]) => Some(ir::State::Mixed { sites: Some(self.sites(sites)) }),
            ("ket", []) => Some(ir::State::Ket { digits: state.text.clone().unwrap_or_default(), place: span.into() }),
            ("gibbs", [h, t]) => Some(ir::State::Gibbs {
                hamiltonian: self.c.expr(h, |s, e| s.hamiltonian(e, &[])),
                temperature: self.c.number(t, Dimension::TEMPERATURE),
            }),
            ("high_temperature", [h, t]) => Some(ir::State::HighTemperature {
                hamiltonian: self.c.expr(h, |s, e| s.hamiltonian(e, &[])),
                temperature: self.c.number(t, Dimension::TEMPERATURE),
            }),
            ("up", [site]) => Some(ir::State::Up { site: self.site(site) }),
            ("down", [site]) => Some(ir::State::Down { site: self.site(site) }),
            ("fock", [site, n]) => {
                Some(ir::State::Fock { site: self.site(site), quanta: self.c.number(n, Dimension::NUMBER) })
            }
            ("dicke", [site, n]) => {
                Some(ir::State::Dicke { site: self.site(site), excitations: self.c.number(n, Dimension::NUMBER) })
            }
            ("definite", [site, n]) => {
                Some(ir::State::Definite { site: self.site(site), excitations: self.c.number(n, Dimension::NUMBER) })
            }
            ("mix" | "superposition", []) => {
                let mut parts = Vec::new();
                for (weight, part) in &state.parts {
                    let weight = self.c.number(weight, Dimension::NUMBER);
                    parts.push((weight, self.state(part)?));
                }
                Some(if name == "mix" { ir::State::Mix(parts) } else { ir::State::Superposition(parts) })
            }
            _ => wrong(self.c),
        }
    }

    fn site(&mut self, expr: &Expr) -> Expr {
        self.c.expr(expr, |s: &Scope, e| s.site(e, &[]))
    }

    fn sites(&mut self, expr: &Expr) -> Expr {
        self.c.expr(expr, |s: &Scope, e| s.sites(e, &[]))
    }
}

fn inside_loop(what: &str, span: Span) -> Diagnostic {
    let (message, help) = match what {
        "prepare" => {
            ("a state is prepared once, so no `prepare` stands inside a loop".to_string(), "put it before the loop")
        }
        "acquire" => (
            "an `acquire` inside a loop would be one decay for each repetition".to_string(),
            "put it behind the loop; for a point behind every cycle sweep the number of cycles: `param n = 1`, `loop n { ... }`, \
             `acquire ... points 1 ...`, `sweep n = 1 .. 64 points 64`",
        ),
        _ => (
            format!("a `{what}` inside a loop would be taken many times over"),
            "put it behind the loop, or sweep the number of repetitions: `param n = 8`, `loop n { ... }`, `sweep n = ...`",
        ),
    };
    Diagnostic::new(Code::InsideLoop, span, message).label("inside a loop").help(help)
}

/// A shape or ramp that is known by name: its arguments, and how many of them must be given.
struct Known {
    name: &'static str,
    arguments: Vec<(&'static str, Dimension)>,
    fewest: usize,
}

/// A statement with the arguments of a subsequence put in.
fn substitute(statement: &Statement, r: &dyn Fn(&str) -> Option<Expr>) -> Statement {
    let e = |x: &Expr| x.replace(r);
    let o = |x: &Option<Expr>| x.as_ref().map(e);
    let name = |n: &Name| match r(&n.text).map(|x| x.kind) {
        Some(ExprKind::Isotope(text) | ExprKind::Name(text)) => Name { text, place: n.place },
        _ => n.clone(),
    };
    let record = |x: &Option<ast::Record>| {
        x.as_ref().map(|x| ast::Record { points: e(&x.points), name: x.name.as_ref().map(name) })
    };
    let settings = |list: &[ast::Setting]| -> Vec<ast::Setting> {
        list.iter().map(|s| ast::Setting { name: s.name.clone(), value: e(&s.value) }).collect()
    };
    let body = |list: &[Statement]| -> Vec<Statement> { list.iter().map(|s| substitute(s, r)).collect() };
    fn state(s: &ast::State, r: &dyn Fn(&str) -> Option<Expr>) -> ast::State {
        ast::State {
            name: s.name.clone(),
            text: s.text.clone(),
            arguments: s.arguments.iter().map(|x| x.replace(r)).collect(),
            parts: s.parts.iter().map(|(w, p)| (w.replace(r), state(p, r))).collect(),
        }
    }
    let kind = match &statement.kind {
        StatementKind::Prepare(states) => StatementKind::Prepare(states.iter().map(|s| state(s, r)).collect()),
        StatementKind::Pulse(p) => StatementKind::Pulse(ast::Pulse {
            channel: name(&p.channel),
            angle: o(&p.angle),
            phase: o(&p.phase),
            settings: settings(&p.settings),
            ideal: p.ideal,
            record: record(&p.record),
        }),
        StatementKind::Delay(d) => StatementKind::Delay(ast::Delay {
            duration: e(&d.duration),
            between_centres: d.between_centres,
            record: record(&d.record),
        }),
        StatementKind::Lock(l) => StatementKind::Lock(Box::new(ast::Lock {
            channel: name(&l.channel),
            phase: e(&l.phase),
            from: e(&l.from),
            to: e(&l.to),
            over: e(&l.over),
            shape: o(&l.shape),
            steps: o(&l.steps),
            record: record(&l.record),
        })),
        StatementKind::Evolve(v) => StatementKind::Evolve(Box::new(ast::Evolve {
            hamiltonian: e(&v.hamiltonian),
            duration: e(&v.duration),
            noise: v.noise.as_ref().map(name),
            record: record(&v.record),
        })),
        StatementKind::Crush(keep) => StatementKind::Crush(keep.iter().map(e).collect()),
        StatementKind::Gradient(strength, duration, list) => {
            StatementKind::Gradient(e(strength), e(duration), settings(list))
        }
        StatementKind::Dephase(x) => StatementKind::Dephase(e(x)),
        StatementKind::Mark(n) => StatementKind::Mark(name(n)),
        StatementKind::Acquire(a) => StatementKind::Acquire(Box::new(ast::Acquire {
            channel: name(&a.channel),
            points: e(&a.points),
            dwell: e(&a.dwell),
            phase: o(&a.phase),
            settings: settings(&a.settings),
        })),
        StatementKind::Tomography(list) => StatementKind::Tomography(settings(list)),
        StatementKind::Loop(count, list) => StatementKind::Loop(e(count), body(list)),
        StatementKind::Parallel(align, list) => StatementKind::Parallel(align.clone(), body(list)),
        StatementKind::Call(n, arguments) => StatementKind::Call(n.clone(), arguments.iter().map(e).collect()),
    };
    Statement { kind, place: statement.place }
}
