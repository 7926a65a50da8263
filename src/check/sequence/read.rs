//! Readings: means of observables that later statements use.

use super::Builder;
use crate::check::names;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{EventKind, Meaning, PHASES};
use crate::syntax::Expr;
use crate::syntax::ast::Name;
use crate::units::Dimension;

impl Builder<'_, '_> {
    /// Checks a reading; its name is a number in all statements that follow. A name may be read again.
    pub(super) fn read(&mut self, name: &Name, observable: &Expr) -> EventKind {
        if self.in_branch {
            let message =
                "a `read` in a branch of `project` would read the mean over the molecules of this outcome alone";
            self.c.diagnostics.push(
                Diagnostic::new(Code::InsideLoop, name.span(), message)
                    .label("inside a branch")
                    .help("read before `project`, or behind it"),
            );
        }
        let observable = self.c.expr(observable, |s, e| s.operator(e, &[]));
        let dimension = self.c.scope.type_of(&observable, &[]).map_or(Dimension::NUMBER, |found| found.dimension());
        if self.reading_is_allowed(name, dimension) {
            self.c.scope.names.insert(name.text.clone(), Meaning::Reading(dimension));
        }
        EventKind::Read { name: name.text.clone(), observable }
    }

    /// Reports a reading whose name is taken, or that was read with another dimension.
    fn reading_is_allowed(&mut self, name: &Name, dimension: Dimension) -> bool {
        let diagnostic = if names::is_reserved(&name.text) || PHASES.iter().any(|(word, _)| *word == name.text) {
            let message = format!("`{name}` already means something in the language");
            Diagnostic::new(Code::ReservedName, name.span(), message)
        } else {
            match self.c.scope.names.get(&name.text) {
                None => return true,
                Some(Meaning::Reading(before)) if *before == dimension => return true,
                Some(Meaning::Reading(before)) => {
                    let message = format!("`{name}` was {before} when it was read before");
                    Diagnostic::new(Code::WrongDimension, name.span(), message)
                }
                Some(taken) => {
                    let message = format!("`{name}` is {} already", taken.describe());
                    Diagnostic::new(Code::DefinedTwice, name.span(), message)
                }
            }
        };
        self.c.diagnostics.push(diagnostic.label("choose another name"));
        false
    }
}
