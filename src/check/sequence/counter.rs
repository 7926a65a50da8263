//! Loops: equal repetitions, or a counter that is a number in the body.

use super::Builder;
use crate::check::names::{self, Definition};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, EventKind, Meaning, PHASES};
use crate::syntax::Expr;
use crate::syntax::ast::{ForEach, Name, Repeat, Statement};
use crate::units::Dimension;
use std::collections::HashSet;

impl Builder<'_, '_> {
    /// Checks a loop; its counter is in scope inside the body only.
    pub(super) fn repeated(&mut self, repeat: &Repeat, trace: Option<&Name>, body: &[Statement]) -> EventKind {
        let look = trace.map(|name| {
            self.refuse_in_loop("record", name.span());
            self.trace_named(name.text.clone(), name.span());
            ir::Look::Trace(name.text.clone())
        });
        let outer = std::mem::replace(&mut self.in_loop, true);
        let (repeat, events) = match repeat {
            Repeat::Times(count) => {
                let count = self.c.number(count, Dimension::NUMBER);
                (ir::Repeat::Count(count), self.events(body))
            }
            Repeat::Counter(each) => self.counted(each, body),
        };
        self.in_loop = outer;
        EventKind::Loop { repeat, look, body: events }
    }

    /// The cycle between two points of a signal, whose number of passes is that of the points.
    pub(super) fn cycle(&mut self, points: Expr, detection: ir::Detection, body: &[Statement]) -> EventKind {
        let outer = std::mem::replace(&mut self.in_loop, true);
        let body = self.events(body);
        self.in_loop = outer;
        EventKind::Loop { repeat: ir::Repeat::Count(points), look: Some(ir::Look::Signal(Box::new(detection))), body }
    }

    fn counted(&mut self, each: &ForEach, body: &[Statement]) -> (ir::Repeat, Vec<ir::Event>) {
        let (from, to) = (self.c.number(&each.from, Dimension::NUMBER), self.c.number(&each.to, Dimension::NUMBER));
        let counter = Box::new(ir::Each { index: each.index.text.clone(), from, to });
        let known = self.counter_is_new(&each.index);
        if known {
            self.c.scope.names.insert(each.index.text.clone(), Meaning::Counter);
        }
        let events = self.events(body);
        if known {
            self.c.scope.names.remove(&each.index.text);
            self.used_in(&each.index, body);
        }
        (ir::Repeat::Counter(counter), events)
    }

    /// Reports a subsequence that uses a counter of the loop around its call without being given it.
    pub(super) fn counters_are_arguments(&mut self, call: &Name, definition: &Definition) {
        let mut used = HashSet::new();
        definition.body.iter().for_each(|statement| names::uses_of_statement(statement, &mut used));
        let mut captured: Vec<&str> = used
            .into_iter()
            .filter(|name| self.c.scope.names.get(*name) == Some(&Meaning::Counter))
            .filter(|name| definition.arguments.iter().all(|a| a.text != *name))
            .filter(|name| names::counters_of(definition.body).iter().all(|own| own.text != *name))
            .collect();
        captured.sort_unstable();
        for name in captured {
            let message = format!("`{call}` uses `{name}`, which is the counter of the loop around this call");
            self.c.diagnostics.push(
                Diagnostic::new(Code::UnknownName, call.span(), message)
                    .label("its body does not know the counter")
                    .related(definition.name.span(), "defined here")
                    .help(format!("give it an argument: `define {call}({name}) {{ ... }}`, `{call}({name})`")),
            );
        }
    }

    /// Reports a counter whose name is taken: by the language, a declaration or the counter of an outer loop.
    fn counter_is_new(&mut self, name: &Name) -> bool {
        let diagnostic = if names::is_reserved(&name.text) || PHASES.iter().any(|(word, _)| *word == name.text) {
            Diagnostic::new(
                Code::ReservedName,
                name.span(),
                format!("`{name}` already means something in the language"),
            )
        } else if let Some(taken) = self.c.scope.names.get(&name.text) {
            let message = format!("the counter `{name}` is {} already", taken.describe());
            Diagnostic::new(Code::DefinedTwice, name.span(), message)
        } else {
            return true;
        };
        self.c.diagnostics.push(diagnostic.label("choose another name"));
        false
    }

    /// Warns about a counter that the body does not use.
    fn used_in(&mut self, name: &Name, body: &[Statement]) {
        let mut used = HashSet::new();
        body.iter().for_each(|statement| names::uses_of_statement(statement, &mut used));
        if !used.contains(name.text.as_str()) {
            let message = format!("the counter `{name}` is never used");
            let diagnostic = Diagnostic::new(Code::Unused, name.span(), message).label("declared here");
            self.c.diagnostics.push(diagnostic.help("equal repetitions are written `loop 8 { ... }`"));
        }
    }
}
