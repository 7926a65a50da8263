//! Diagnostic collector and common checks used for all statements.

use crate::diagnostic::{Code, Diagnostic, MOST_MISTAKES};
use crate::ir::{Index, Meaning, PHASES, Scope};
use crate::source::Span;
use crate::syntax::ast::{ForEach, Setting};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;
use std::collections::HashMap;

/// A diagnostic, boxed because it is large and rare.
pub(super) type Fault = Box<Diagnostic>;

/// Collects diagnostics, so that one error does not hide the next.
pub(super) struct Checker {
    pub(super) scope: Scope,
    /// Nuclei of the spins of the system, by their names.
    pub(super) nuclei: HashMap<String, String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Checker {
    /// Whether so many mistakes were found that others are not looked for.
    pub(super) fn is_full(&self) -> bool {
        self.diagnostics.len() >= MOST_MISTAKES
    }

    pub(super) fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|d| self.diagnostics.push(*d)).ok()
    }

    /// Checks an expression, reports an error, and returns a copy.
    pub(super) fn expr(&mut self, expr: &Expr, check: impl FnOnce(&Scope, &Expr) -> Result<(), Fault>) -> Expr {
        if !self.is_full() {
            let result = check(&self.scope, expr);
            self.note(result);
        }
        expr.clone()
    }

    /// Checks a phase. An axis keyword takes precedence over a parameter of the same name, with a warning.
    pub(super) fn phase(&mut self, expr: &Expr) -> Expr {
        if crate::ir::phase_of_word(expr).is_some()
            && let Some((_, word)) = crate::ir::word_of_phase(expr)
            && matches!(self.scope.names.get(word), Some(Meaning::Param(_)))
        {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::Shadowed,
                    expr.span(),
                    format!("`phase {expr}` is an axis, not the parameter `{word}`"),
                )
                .label("the axis is used")
                .help(format!("rename the parameter, or write `phase {expr} + 0 deg` to use its value")),
            );
        }
        self.expr(expr, phase)
    }

    pub(super) fn number(&mut self, expr: &Expr, dimension: Dimension) -> Expr {
        self.expr(expr, |s, e| s.number(e, dimension, &[]))
    }
}

/// Checks that a phase is a keyword, or an angle in which cycles stand for their phase of the scan.
fn phase(scope: &Scope, expr: &Expr) -> Result<(), Fault> {
    if crate::ir::phase_of_word(expr).is_some() {
        return Ok(());
    }
    let dimension = scope.dimension(Dimension::ANGLE);
    let cycles = scope.names.iter().filter(|(_, meaning)| **meaning == Meaning::Cycle);
    let cycles: Vec<Index> = cycles.map(|(name, _)| Index { name, dimension }).collect();
    scope.number(expr, Dimension::ANGLE, &cycles).map_err(|fault| {
        let mut axis = false;
        expr.walk(&mut |e| {
            axis |= matches!(&e.kind, ExprKind::Name(name) if PHASES.iter().any(|(word, _)| word == name));
        });
        if matches!(&expr.kind, ExprKind::Name(name) if name.chars().count() == 1) && fault.code == Code::UnknownName {
            let help = vec!["the phase is `x`, `y`, `-x`, `-y` or an angle such as `45 deg`".to_string()];
            Diagnostic { help, ..*fault }.into()
        } else if axis && fault.code == Code::UnknownName {
            fault.help("an axis stands alone; in a sum write its angle: x is 0 deg, y 90, -x 180, -y 270 deg").into()
        } else {
            fault
        }
    })
}

/// Diagnostic for something given twice.
pub(super) fn twice(what: &str, here: Span, before: Span) -> Diagnostic {
    Diagnostic::new(Code::DefinedTwice, here, format!("`{what}` is given twice"))
        .label("given again here")
        .related(before, "first given here")
}

/// Validates settings: returns those that are known, in order; unknown or repeated ones are reported.
pub(super) fn settings<'a>(
    given: &'a [Setting],
    known: &[&str],
    place: &str,
    c: &mut Checker,
) -> Vec<(&'a str, &'a Expr)> {
    let mut found: Vec<(&str, &Expr)> = Vec::new();
    for (k, setting) in given.iter().enumerate() {
        let name = setting.name.text.as_str();
        if let Some(before) = given.iter().take(k).find(|s| s.name.text == name) {
            c.diagnostics.push(twice(name, setting.name.span(), before.name.span()));
        } else if known.contains(&name) {
            found.push((name, &setting.value));
        } else {
            let diagnostic =
                Diagnostic::new(Code::UnknownSetting, setting.name.span(), format!("{place} has no setting `{name}`"))
                    .label("unknown setting")
                    .did_you_mean(name, known.iter().copied());
            let diagnostic = if diagnostic.help.is_empty() {
                diagnostic.help(format!("known are: {}", known.join(", ")))
            } else {
                diagnostic
            };
            c.diagnostics.push(diagnostic);
        }
    }
    found
}

/// The index variable of `for k in a..b`, for use in scopes.
pub(super) fn indices(each: Option<&ForEach>) -> Vec<Index<'_>> {
    each.iter().map(|e| Index { name: &e.index.text, dimension: Dimension::NUMBER }).collect()
}
