//! Pulses, their shapes, and parallel pulses.

use super::Builder;
use super::beside::Beside;
use crate::check::checker::settings;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, EventKind, Meaning};
use crate::source::{Place, Span};
use crate::syntax::ast::{self, Name, Statement, StatementKind};
use crate::syntax::{Expr, ExprKind, Factor};
use crate::units::Dimension;

impl Builder<'_, '_> {
    /// A flip angle. A time in its place is meant as the duration.
    fn flip_angle(&mut self, angle: &Expr) -> Expr {
        let time = matches!(self.c.scope.type_of(angle, &[]), Ok(ir::Type::Number(Dimension::TIME)));
        let before = self.c.diagnostics.len();
        let checked = self.c.number(angle, Dimension::ANGLE);
        if let Some(wrong) = self.c.diagnostics.get_mut(before).filter(|_| time) {
            wrong.help.push(format!("the duration of a pulse is a setting: `duration = {angle}`"));
        }
        checked
    }

    pub(super) fn pulse(&mut self, p: &ast::Pulse, place: Place) -> Option<ir::Pulse> {
        let span = place.span();
        let nucleus = self.nucleus(&p.channel)?;
        let known: Vec<&str> = ir::PULSE_SETTINGS.iter().map(|(w, _)| *w).collect();
        let (mut rf, mut duration, mut shape, mut offset, mut modulation) = (None, None, None, None, None);
        let mut start = None;
        for (name, value) in settings(&p.settings, &known, "a pulse", self.c) {
            match name {
                "rf" => rf = Some(self.c.expr(value, |s, e| s.frequency(e, &[]))),
                "duration" => duration = Some(self.c.number(value, Dimension::TIME)),
                "offset" => offset = Some(Box::new(self.c.expr(value, |s, e| s.frequency(e, &[])))),
                "modulation" => modulation = Some(Box::new(self.of_time(value, Dimension::ANGLE))),
                "start" => start = Some(Box::new(self.start(value))),
                _ => shape = Some(Box::new(self.shape(value))),
            }
        }
        let Some(given) = &p.phase else {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a pulse needs a phase")
                    .label("missing `phase`")
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
                    format!("an ideal pulse is instantaneous, so `{}` has no meaning", setting.name),
                )
                .label("not allowed for an ideal pulse"),
            );
        }
        let angle = p.angle.as_ref().map(|a| self.flip_angle(a));
        if let Some(Beside::Signal(length)) = &self.beside {
            let length = length.clone();
            self.lasts_as_long(p, span);
            duration = Some(self.c.number(&length, Dimension::TIME));
        }
        if angle.is_none() && (p.ideal || duration.is_none()) {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a pulse needs a flip angle, or rf and duration")
                    .label("no flip angle")
                    .help("for example `pulse 1H 90 deg phase x`"),
            );
        }
        let record = if p.ideal && p.record.is_some() {
            self.c.diagnostics.push(Diagnostic::new(
                Code::Contradiction,
                span,
                "an ideal pulse is instantaneous, so nothing can be recorded",
            ));
            None
        } else {
            self.record(&p.record, span)
        };
        let phase = self.c.phase(given);
        let noise = p.noise.as_ref().and_then(|name| self.noise_of_pulse(p, name));
        Some(ir::Pulse {
            nucleus,
            angle,
            phase,
            rf,
            duration,
            shape,
            offset,
            modulation,
            start,
            ideal: p.ideal,
            noise,
            record,
            place,
        })
    }

    /// The noise that acts during a pulse.
    fn noise_of_pulse(&mut self, p: &ast::Pulse, name: &Name) -> Option<String> {
        let message = if p.ideal {
            "an ideal pulse is instantaneous, so no noise acts during it"
        } else if self.beside.is_some() {
            "a pulse in `parallel` takes no noise of its own"
        } else {
            return self.noise(name);
        };
        let diagnostic = Diagnostic::new(Code::Contradiction, name.span(), message).label("not here");
        self.c.diagnostics.push(diagnostic.help("`delay`, `evolve`, `lock` and single pulses take a noise"));
        None
    }

    /// The beginning of a pulse among others.
    fn start(&mut self, value: &Expr) -> Expr {
        if !matches!(self.beside, Some(Beside::Pulses)) {
            let diagnostic =
                Diagnostic::new(Code::Contradiction, value.span(), "`start` is allowed only in `parallel`")
                    .label("not inside `parallel`")
                    .help("put simultaneous pulses into `parallel { ... }`; before a single pulse write a `delay`");
            self.c.diagnostics.push(diagnostic);
        }
        self.c.number(value, Dimension::TIME)
    }

    /// Refuses what contradicts a pulse that lasts as long as the signal beside it.
    fn lasts_as_long(&mut self, p: &ast::Pulse, span: Span) {
        let given = p.settings.iter().any(|s| s.name.text == "duration");
        if p.angle.is_some() || given || p.ideal || p.record.is_some() {
            let message = "a pulse parallel to `acquire` lasts as long as the acquisition";
            let diagnostic = Diagnostic::new(Code::Contradiction, span, message)
                .label("remove the flip angle, `duration`, `ideal` or `record`")
                .help("for example `pulse 13C phase x rf = 2 kHz shape = waltz16(125 us)`");
            self.c.diagnostics.push(diagnostic);
        }
    }

    /// Checks a shape: a built-in name with or without arguments, a shape from a file, or an expression in t.
    pub(super) fn shape(&mut self, expr: &Expr) -> Expr {
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

    /// Checks a number that may depend on the time t since the start of the statement.
    fn of_time(&mut self, expr: &Expr, dimension: Dimension) -> Expr {
        self.c.expr(expr, |s, e| {
            let time = ir::Index { name: "t", dimension: s.dimension(Dimension::TIME) };
            s.number(e, dimension, &[time])
        })
    }

    pub(super) fn ramp(&mut self, expr: &Expr) -> Expr {
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
            let diagnostic = Diagnostic::new(Code::UnknownFunction, expr.span(), format!("`{expr}` is not a {what}"))
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
            let missing = found.arguments.get(arguments.len()).filter(|_| arguments.len() < found.fewest);
            let message = match (found.arguments.as_slice(), missing) {
                ([], _) => format!("`{name}` takes no argument"),
                (_, Some((missing, _))) => format!("`{name}` needs its argument: {missing}"),
                (all, None) => format!("`{name}` takes at most {} argument(s)", all.len()),
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

    pub(super) fn parallel(&mut self, align: Option<&Name>, body: &[Statement]) -> Option<EventKind> {
        let align = match align {
            None => ir::Align::Start,
            Some(name) => match ir::ALIGNMENTS.iter().find(|(w, _)| *w == name.text) {
                Some((_, align)) => *align,
                None => {
                    let diagnostic = Diagnostic::new(
                        Code::UnknownSetting,
                        name.span(),
                        "the alignment must be `start`, `centre` or `end`",
                    )
                    .label("not known")
                    .did_you_mean(&name.text, ir::ALIGNMENTS.iter().map(|(w, _)| *w));
                    self.c.diagnostics.push(diagnostic);
                    ir::Align::Start
                }
            },
        };
        let signal = body.iter().find_map(|s| if let StatementKind::Acquire(a) = &s.kind { Some(a) } else { None });
        let within = match signal.and_then(|a| Some((&a.points, a.dwell()?))) {
            Some((points, dwell)) => Beside::Signal(product(points, dwell)),
            None => Beside::Pulses,
        };
        let outer = self.beside.replace(within);
        let mut events = Vec::new();
        for statement in body {
            self.statement(statement, &mut events);
        }
        self.beside = outer;
        let mut pulses: Vec<ir::Pulse> = Vec::new();
        let mut acquire: Option<EventKind> = None;
        for event in events {
            let span = event.place.span();
            match event.kind {
                EventKind::Pulse(pulse) => {
                    if let Some(before) = pulses.iter().find(|p| p.nucleus == pulse.nucleus)
                        && pulse.start.is_none()
                    {
                        let message = format!("two simultaneous pulses on channel {}", pulse.nucleus);
                        let diagnostic = Diagnostic::new(Code::Contradiction, span, message)
                            .related(before.place.span(), "the other pulse")
                            .help("for a later pulse give its start time: `start = 20 us`");
                        self.c.diagnostics.push(diagnostic);
                    }
                    if pulse.record.is_some() {
                        self.c.diagnostics.push(Diagnostic::new(
                            Code::Contradiction,
                            span,
                            "a pulse inside `parallel` cannot record a trace",
                        ));
                    }
                    pulses.push(*pulse);
                }
                kind @ EventKind::Acquire { .. } if acquire.is_none() => acquire = Some(kind),
                _ => self.c.diagnostics.push(
                    Diagnostic::new(Code::WrongKind, span, "only pulses and one `acquire` are allowed in `parallel`")
                        .label("not a pulse"),
                ),
            }
        }
        match acquire {
            Some(EventKind::Acquire { nucleus, points, dwell, phase, snr, seed, .. }) => {
                if let Some(pulse) = pulses.iter().find(|p| p.nucleus == nucleus) {
                    let message = format!("{nucleus} is being detected, so its channel cannot transmit");
                    let diagnostic = Diagnostic::new(Code::Contradiction, pulse.place.span(), message);
                    self.c.diagnostics.push(diagnostic.label("on the same channel"));
                }
                Some(EventKind::Acquire { nucleus, points, dwell, phase, snr, seed, decoupling: pulses })
            }
            _ => Some(EventKind::Parallel { align, pulses }),
        }
    }
}

/// `a * b`, where b stands.
fn product(a: &Expr, b: &Expr) -> Expr {
    let factor = |value: &Expr| Factor { divides: false, value: value.clone() };
    Expr { kind: ExprKind::Product(vec![factor(a), factor(b)]), place: b.place }
}

/// A built-in shape or ramp: its arguments, and how many of them are required.
struct Known {
    name: &'static str,
    arguments: Vec<(&'static str, Dimension)>,
    fewest: usize,
}
