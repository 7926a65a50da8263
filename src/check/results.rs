//! Requested results: `measure`, `sweep`, `expect`, `theory`.

use super::checker::{Checker, Fault, twice};
use super::dimensions::comparable;
use super::metric::{NEEDS_BATTERY, check_metric};
use super::params::check_setting;
use crate::budget::{RESULT_PARTS, RESULTS};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{
    self, AGGREGATES, EventKind, Experiment, FunctionInfo, Index, MEMBER_MEAN, Meaning, Measure, Scope, Sweep, at_mark,
    is_aggregate, key_of, marked_metrics,
};
use crate::metrics::{METRICS, Metric};
use crate::source::{Place, Span};
use crate::syntax::ast::{self, Item, ItemKind, SweepValues};
use crate::syntax::{Expr, ExprKind};
use crate::units::{Constant, Dimension, GAMMA};
use std::cell::Cell;
use std::collections::HashSet;

/// Checks these statements and adds them to the experiment.
pub fn fill(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    let traces = traces(&experiment.sequence);
    let marks: Vec<String> = experiment.marks().map(str::to_string).collect();
    let mut swept: Vec<(String, Span)> = Vec::new();
    let mut measured = Measured::default();
    for item in items {
        match &item.kind {
            ItemKind::Measure(at, entries) => {
                at.iter().for_each(|mark| known_mark(mark, &marks, c));
                for entry in entries {
                    measure(entry, at, (&traces, &marks), &mut measured, experiment, c);
                }
            }
            ItemKind::Sweep(together) => {
                let checked: Vec<Sweep> = together.iter().filter_map(|s| sweep(s, &mut swept, c)).collect();
                if !checked.is_empty() {
                    experiment.sweeps.push(checked);
                }
            }
            _ => {}
        }
    }
    // Results are known only now, independent of the order of statements.
    for item in items {
        match &item.kind {
            ItemKind::Expect(e) => expect(e, item.place, (&traces, &marks), experiment, c),
            ItemKind::Theory(t) => theory(t, item.place, &traces, experiment, c),
            _ => {}
        }
    }
    // A missing battery is one mistake, however many metrics need it.
    let mut said = false;
    c.diagnostics.retain(|d| d.label != NEEDS_BATTERY || !std::mem::replace(&mut said, true));
}

fn traces(events: &[ir::Event]) -> Vec<String> {
    let mut names = Vec::new();
    let mut acquired = 0;
    for event in events {
        if let EventKind::Acquire { .. } | EventKind::Loop { look: Some(ir::Look::Signal(_)), .. } = &event.kind {
            acquired += 1;
            names.push(if acquired == 1 { "fid".to_string() } else { format!("fid{acquired}") });
        }
        if let EventKind::Loop { look: Some(ir::Look::Trace(name)), .. } = &event.kind {
            names.push(name.clone());
        }
        let record = match &event.kind {
            EventKind::Pulse(p) => &p.record,
            EventKind::Delay { record, .. } | EventKind::Evolve { record, .. } => record,
            EventKind::Lock(l) => &l.record,
            _ => continue,
        };
        names.extend(record.iter().map(|r| r.name.clone()));
    }
    names
}

fn results(experiment: &Experiment) -> Vec<&str> {
    experiment.measures.iter().map(|m| m.key.as_str()).collect()
}

fn unknown_trace(name: &str, span: Span, traces: &[String]) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::UnknownResult, span, format!("unknown trace `{name}`")).label("not recorded");
    if traces.is_empty() {
        return diagnostic.help("record one: `evolve H for T record 201 as charging`");
    }
    diagnostic.did_you_mean(name, traces.iter().map(String::as_str))
}

/// Diagnostic for a metric of a whole trace where a single value is expected.
fn curve_alone(trace: &str, metric: &Expr, span: Span) -> Diagnostic {
    Diagnostic::new(Code::UnknownResult, span, format!("`{trace}` is a trace, not a mark"))
        .label("a curve has no single value")
        .help(format!("an extremum, `max({trace}.{metric})`, or a value at a mark: write `mark NAME` there in the sequence, and `{metric} at NAME`"))
}

/// What is measured so far.
#[derive(Default)]
struct Measured {
    keys: HashSet<String>,
    /// Parts of all expressions together.
    parts: u64,
}

fn measure(
    entry: &ast::Measure,
    at: &[ast::Name],
    (traces, marks): (&[String], &[String]),
    measured: &mut Measured,
    experiment: &mut Experiment,
    c: &mut Checker,
) {
    let names = Names { traces, marks, results: vec![], battery: experiment.battery.is_some(), curve: false };
    // A previously named result stands for its expression.
    let named = |word: &str| {
        if !measured.keys.contains(word) || c.scope.names.contains_key(word) {
            return None;
        }
        experiment.measures.iter().find(|m| m.key == word && m.is_named()).map(|m| m.value.clone())
    };
    // Past the limit nothing more is put in: the result is refused.
    let parts = Cell::new(measured.parts);
    let counted = |word: &str| {
        let value = named(word)?;
        parts.set(parts.get() + value.parts());
        Some(if RESULT_PARTS.allows(parts.get()) { value } else { Expr::number(0.0) })
    };
    let value = marked_metrics(&entry.value.replace(&counted));
    if let Err(over) = RESULT_PARTS.check(parts.get(), Some(entry.value.span())) {
        if !c.diagnostics.iter().any(|d| d.code == Code::OverBudget) {
            c.diagnostics.push(*over);
        }
        return;
    }
    let Some(summary) = c.note(names.check(&value, &c.scope)) else { return };
    let key = entry.name.as_ref().map_or_else(|| key_of(&entry.value), |n| n.text.clone());
    let span = entry.name.as_ref().map_or(entry.value.span(), |n| n.span());
    let mut add = |key: String, value: Expr, summary: bool| {
        if !measured.keys.insert(key.clone()) {
            c.diagnostics.push(
                Diagnostic::new(Code::DefinedTwice, span, format!("`{key}` is measured twice"))
                    .label("given again here"),
            );
            return;
        }
        measured.parts += value.parts();
        match RESULTS.check(measured.keys.len() as u64, Some(span)) {
            Ok(()) => experiment.measures.push(Measure { key, value, summary }),
            Err(over) if RESULTS.allows(measured.keys.len() as u64 - 1) => c.diagnostics.push(*over),
            // That is said once.
            Err(_) => {}
        }
    };
    if at.is_empty() {
        add(key, value, summary);
        return;
    }
    if summary {
        c.diagnostics.push(
            Diagnostic::new(
                Code::WrongKind,
                entry.value.span(),
                format!("`{}` is a scalar of the whole run", entry.value),
            )
            .label("does not belong to a mark")
            .help("put it into `measure { ... }`"),
        );
        return;
    }
    // Key: the given name for a single mark; otherwise the mark followed by the name or metric.
    for mark in at {
        let key = if at.len() == 1 && entry.name.is_some() { key.clone() } else { format!("{mark}.{key}") };
        add(key, at_mark(&mark.text, &value), true);
    }
}

/// Whether a metric in an expression is taken at a mark.
fn has_marks(expr: &Expr, marks: &[String]) -> bool {
    let mut found = false;
    expr.walk(&mut |x| found |= matches!(&x.kind, ExprKind::Member(name, _) if marks.contains(name)));
    found
}

/// Reports a result that names an unknown mark.
fn known_mark(mark: &ast::Name, marks: &[String], c: &mut Checker) {
    if !marks.contains(&mark.text) {
        let diagnostic = Diagnostic::new(Code::UnknownResult, mark.span(), format!("unknown mark `{mark}`"))
            .label("not marked")
            .did_you_mean(&mark.text, marks.iter().map(String::as_str));
        c.diagnostics.push(diagnostic);
    }
}

/// Checks `expect`: a result, its expected value and tolerance, at given settings.
fn expect(
    e: &ast::Expect,
    place: Place,
    (traces, marks): (&[String], &[String]),
    experiment: &mut Experiment,
    c: &mut Checker,
) {
    let names =
        Names { traces, marks, results: results(experiment), battery: experiment.battery.is_some(), curve: false };
    // A named result of every moment stands for what it was given as where it is taken at a mark.
    let named = |word: &str| {
        let of_moments = |m: &&Measure| m.key == word && !m.summary && m.is_named();
        experiment.measures.iter().find(of_moments).map(|m| m.value.clone())
    };
    let value = if has_marks(&e.value, marks) { marked_metrics(&e.value.replace(&named)) } else { e.value.clone() };
    let checked = names.check(&value, &c.scope);
    c.note(checked);
    if let Some(at) = &e.at {
        known_mark(at, marks, c);
    }
    for number in [&e.expected, &e.within] {
        let found = comparable(&value, number, (&[], &experiment.measures), &c.scope);
        c.note(found);
    }
    for (k, (name, value)) in e.settings.iter().enumerate() {
        if let Some((before, _)) = e.settings.iter().take(k).find(|(n, _)| n.text == name.text) {
            c.diagnostics.push(twice(&name.text, name.span(), before.span()));
        }
        let checked = check_setting(&c.scope, &name.text, value);
        c.note(checked);
    }
    experiment.expects.push(ir::Expect {
        value,
        at: e.at.as_ref().map(|n| n.text.clone()),
        expected: e.expected.clone(),
        within: e.within.clone(),
        settings: e.settings.iter().map(|(n, v)| (n.text.clone(), v.clone())).collect(),
        place,
    });
}

/// Checks `theory`: the expected function of time of a recorded trace.
fn theory(t: &ast::Theory, place: Place, traces: &[String], experiment: &mut Experiment, c: &mut Checker) {
    if !traces.contains(&t.trace.text) {
        c.diagnostics.push(unknown_trace(&t.trace.text, t.trace.span(), traces));
    }
    let names = Names { traces, marks: &[], results: vec![], battery: experiment.battery.is_some(), curve: false };
    let checked = names.check(&t.metric, &c.scope);
    c.note(checked);
    let time = Index { name: "t", dimension: c.scope.dimension(Dimension::TIME) };
    for value in [Some(&t.value), t.within.as_ref()].into_iter().flatten() {
        let found = comparable(&t.metric, value, (&[time], &[]), &c.scope);
        c.note(found);
    }
    experiment.theories.push(ir::Theory {
        trace: t.trace.text.clone(),
        metric: t.metric.clone(),
        value: t.value.clone(),
        within: t.within.clone(),
        place,
    });
}

fn sweep(sweep: &ast::Sweep, swept: &mut Vec<(String, Span)>, c: &mut Checker) -> Option<Sweep> {
    let name = &sweep.name;
    if let Some((_, before)) = swept.iter().find(|(n, _)| *n == name.text) {
        c.diagnostics.push(twice(&format!("sweep {name}"), name.span(), *before));
        return None;
    }
    swept.push((name.text.clone(), name.span()));
    let Some(Meaning::Param(dimension)) = c.scope.names.get(&name.text).cloned() else {
        let params: Vec<String> =
            c.scope.names.iter().filter(|(_, m)| matches!(m, Meaning::Param(_))).map(|(n, _)| n.clone()).collect();
        let diagnostic = Diagnostic::new(
            Code::UnknownName,
            name.span(),
            format!("`{name}` is not a parameter, so it cannot be swept"),
        )
        .label("not a parameter")
        .did_you_mean(&name.text, params.iter().map(String::as_str));
        c.diagnostics.push(diagnostic);
        return None;
    };
    let result = check_values(&c.scope, &sweep.values, dimension);
    c.note(result)?;
    Some(Sweep { name: name.text.clone(), values: sweep.values.clone(), place: name.place })
}

/// Checks the values of a sweep against the dimension of its parameter.
pub fn check_values(scope: &Scope, values: &SweepValues, dimension: Dimension) -> Result<(), Fault> {
    match values {
        SweepValues::Range { from, to, points, .. } => {
            scope.number(from, dimension, &[])?;
            scope.number(to, dimension, &[])?;
            scope.plain(points, &[])
        }
        SweepValues::List(values) => values.iter().try_for_each(|v| scope.number(v, dimension, &[])),
    }
}

/// Checks a result requested from outside the file, as `expect` would: the expression, and the mark.
///
/// # Errors
/// The diagnostic for an invalid expression or mark.
pub fn check_result(experiment: &Experiment, expr: &Expr, at: Option<&str>) -> Result<(), Fault> {
    let traces = traces(&experiment.sequence);
    let battery = experiment.battery.is_some();
    let marks: Vec<String> = experiment.marks().map(str::to_string).collect();
    Names { traces: &traces, marks: &marks, results: results(experiment), battery, curve: false }
        .check(expr, &experiment.scope())?;
    match at {
        Some(mark) if !marks.iter().any(|m| m == mark) => {
            let message = format!("unknown mark `{mark}`");
            let known = marks.iter().map(String::as_str);
            Err(Diagnostic::without_place(Code::UnknownResult, message).did_you_mean(mark, known).into())
        }
        _ => Ok(()),
    }
}

/// Names available in a result.
struct Names<'a> {
    traces: &'a [String],
    /// Marks; empty where a curve is expected.
    marks: &'a [String],
    results: Vec<&'a str>,
    battery: bool,
    /// True inside of an extremum, where a metric may be that of a trace.
    curve: bool,
}

impl Names<'_> {
    /// Checks an expression of metrics; true if it is a single number of the whole run.
    fn check(&self, expr: &Expr, scope: &Scope) -> Result<bool, Fault> {
        let span = expr.span();
        if is_aggregate(expr) {
            return self.aggregate(expr, scope).map(|()| true);
        }
        match &expr.kind {
            ExprKind::Number(_) => Ok(true),
            ExprKind::Quantity(..) => scope.type_of(expr, &[]).map(|_| true),
            ExprKind::Name(name) if self.results.contains(&name.as_str()) => Ok(true),
            ExprKind::Name(name)
                if Metric::named(name).is_some() && matches!(scope.names.get(name), Some(Meaning::Param(_))) =>
            {
                Err(Diagnostic::new(
                    Code::WrongKind,
                    span,
                    format!("`{name}` is both a metric and a parameter of this file"),
                )
                .label("ambiguous")
                .help("rename the parameter")
                .into())
            }
            ExprKind::Name(name) if Metric::named(name).is_some() => {
                check_metric(name, &[], expr, scope, self.battery).map(|()| false)
            }
            ExprKind::Name(name) if name == "pi" || matches!(scope.names.get(name), Some(Meaning::Param(_))) => {
                Ok(true)
            }
            ExprKind::Index(name, _) if matches!(scope.names.get(name), Some(Meaning::List(_))) => {
                scope.type_of(expr, &[]).map(|_| true)
            }
            ExprKind::Name(name) if Constant::named(name).is_some() => scope.type_of(expr, &[]).map(|_| true),
            ExprKind::Call(name, _) if name == GAMMA => scope.type_of(expr, &[]).map(|_| true),
            ExprKind::Name(name) => Err(self.unknown_metric(name, span)),
            ExprKind::Call(name, items) if Metric::named(name).is_some() => {
                check_metric(name, items, expr, scope, self.battery).map(|()| false)
            }
            ExprKind::Call(name, items) if name == MEMBER_MEAN => self.member_mean(items, span, scope).map(|()| false),
            ExprKind::Call(name, items) => match FunctionInfo::named(name) {
                Some(function) if function.arguments() == items.len() => self.all(items.iter(), scope),
                Some(_) => {
                    Err(Diagnostic::new(Code::WrongArguments, span, format!("wrong number of arguments of `{name}`"))
                        .into())
                }
                None => Err(self.unknown_metric(name, Span { end: span.start + name.len() as u32, ..span })),
            },
            ExprKind::Sum(terms) => self.all(terms.iter().map(|t| &t.value), scope),
            ExprKind::Product(factors) => self.all(factors.iter().map(|f| &f.value), scope),
            ExprKind::Power(base, exponent) => self.all([base.as_ref(), exponent.as_ref()].into_iter(), scope),
            ExprKind::Member(mark, metric) if self.marks.contains(mark) => match self.at_mark(metric, scope)? {
                false => Ok(true),
                true => {
                    let message = format!("`{metric}` is a scalar of the whole run");
                    Err(Diagnostic::new(Code::WrongKind, span, message).label("does not belong to a mark").into())
                }
            },
            ExprKind::Member(trace, metric) => {
                if !self.traces.contains(trace) {
                    return Err(self.unknown_member(trace, span).into());
                }
                if !self.curve {
                    return Err(curve_alone(trace, metric, span).into());
                }
                self.check(metric, scope)
            }
            ExprKind::Index(..) | ExprKind::Tuple(_) | ExprKind::Over(_) | ExprKind::Text(_) | ExprKind::Isotope(_) => {
                Err(Diagnostic::new(Code::WrongKind, span, format!("`{expr}` is not a metric"))
                    .label("expected a metric, a parameter or an element of a list")
                    .into())
            }
        }
    }

    /// Checks `max(ergotropy)` and other aggregates of a trace; the trace must be named if there are several.
    fn aggregate(&self, expr: &Expr, scope: &Scope) -> Result<(), Fault> {
        let span = expr.span();
        let ExprKind::Call(_, items) = &expr.kind else { return Ok(()) };
        let Some(item) = items.first() else { return Ok(()) };
        let Some(first) = self.traces.first() else {
            return Err(Diagnostic::new(Code::UnknownResult, span, format!("`{expr}` needs a recorded trace"))
                .label("nothing is recorded")
                .help("record one: `evolve H for T record 201 as charging`")
                .into());
        };
        let mut marked = None;
        item.walk(&mut |e| match &e.kind {
            ExprKind::Member(name, _) if self.marks.contains(name) && !self.traces.contains(name) => {
                marked = Some(name)
            }
            _ => {}
        });
        if let Some(mark) = marked {
            let message = format!("`{}` needs a curve, but `{mark}` is a mark", aggregate_name(expr));
            return Err(Diagnostic::new(Code::WrongKind, span, message)
                .label("a single value has no extrema")
                .help(format!("for example `{}({first}.ergotropy)`", aggregate_name(expr)))
                .into());
        }
        let named = |e: &Expr| {
            let mut found = false;
            e.walk(&mut |e| found |= matches!(e.kind, ExprKind::Member(..)));
            found
        };
        if self.traces.len() > 1 && !named(item) {
            return Err(Diagnostic::new(
                Code::UnknownResult,
                span,
                format!("there are {} traces; name one of them", self.traces.len()),
            )
            .label("ambiguous")
            .help(format!("for example `{}({}.{})`", aggregate_name(expr), first, item))
            .into());
        }
        // Inside of an aggregate, a name before a dot is a trace.
        Names { marks: &[], results: self.results.clone(), curve: true, ..*self }.check(item, scope).map(|_| ())
    }

    /// A metric at a mark: a metric that `measure` lists too has a value at every mark.
    fn at_mark(&self, metric: &Expr, scope: &Scope) -> Result<bool, Fault> {
        match &metric.kind {
            ExprKind::Name(name) if Metric::named(name).is_some() => {
                check_metric(name, &[], metric, scope, self.battery).map(|()| false)
            }
            _ => self.check(metric, scope),
        }
    }

    /// Diagnostic for a name before a dot that is neither a trace nor a mark.
    fn unknown_member(&self, name: &str, span: Span) -> Diagnostic {
        if self.marks.is_empty() {
            return unknown_trace(name, span, self.traces);
        }
        let known = self.traces.iter().chain(self.marks).map(String::as_str);
        Diagnostic::new(Code::UnknownResult, span, format!("unknown trace or mark `{name}`"))
            .label("neither a trace nor a mark")
            .did_you_mean(name, known)
    }

    /// Checks a mean over ensemble members: allowed for metrics, not for single numbers of the whole run.
    fn member_mean(&self, items: &[Expr], span: Span, scope: &Scope) -> Result<(), Fault> {
        let [inner] = items else {
            let message = format!("`{MEMBER_MEAN}` takes one metric, {} given", items.len());
            return Err(Diagnostic::new(Code::WrongArguments, span, message).into());
        };
        self.check(inner, scope)?;
        // A metric remains one even if `measure` lists it too; a named result is a single number of the whole run.
        let (mut metric, mut whole) = (false, false);
        inner.walk(&mut |x| match &x.kind {
            _ if is_aggregate(x) => whole = true,
            ExprKind::Call(n, _) if n == MEMBER_MEAN || n.starts_with("signal") => whole = true,
            ExprKind::Name(n) | ExprKind::Call(n, _) if Metric::named(n).is_some() => metric = true,
            ExprKind::Name(n) if self.results.contains(&n.as_str()) => whole = true,
            _ => {}
        });
        if whole || !metric {
            return Err(Diagnostic::new(
                Code::WrongArguments,
                inner.span(),
                format!("`{inner}` is not a metric of a single member"),
            )
            .label("has one value for the whole ensemble")
            .help(format!("for example `{MEMBER_MEAN}(energy)`, `max({MEMBER_MEAN}(ergotropy))`"))
            .into());
        }
        Ok(())
    }

    fn all<'e>(&self, items: impl Iterator<Item = &'e Expr>, scope: &Scope) -> Result<bool, Fault> {
        let mut summary = true;
        for item in items {
            summary &= self.check(item, scope)?;
        }
        Ok(summary)
    }

    fn unknown_metric(&self, name: &str, span: Span) -> Fault {
        let known = METRICS
            .iter()
            .map(|m| m.name)
            .chain(AGGREGATES.iter().map(|a| a.name))
            .chain([MEMBER_MEAN])
            .chain(self.results.iter().copied());
        Diagnostic::new(Code::UnknownMetric, span, format!("unknown metric `{name}`"))
            .label("unknown metric")
            .did_you_mean(name, known)
            .into()
    }
}

fn aggregate_name(expr: &Expr) -> &str {
    match &expr.kind {
        ExprKind::Call(name, _) => name,
        _ => "max",
    }
}
