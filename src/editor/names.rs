//! Names declared in a file.

use crate::source::Span;
use crate::syntax::ast::{ItemKind, Name, Program, Record, Statement, StatementKind, SystemKind};

/// Kind of a declared name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The title of the file.
    Title,
    /// A block without a name.
    Block,
    /// A parameter.
    Param,
    /// A Hamiltonian.
    Operator,
    /// A spin, a collective or a mode.
    Site,
    /// A named state.
    State,
    /// A noise model.
    Noise,
    /// A phase cycle.
    Cycle,
    /// A pulse shape.
    Shape,
    /// A subsequence.
    Define,
    /// An argument of a subsequence, or an index variable.
    Argument,
    /// A mark.
    Mark,
    /// A trace.
    Trace,
    /// A named result.
    Result,
}

/// A declared name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The identifier.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Span of the declaration.
    pub span: Span,
    /// Span in which the name is visible; `None` for the whole file.
    pub scope: Option<Span>,
}

/// All names declared in a program.
pub(super) fn declared(program: &Program, text: &str) -> Vec<Named> {
    let mut out = Vec::new();
    let mut add = |name: &Name, kind: Kind, scope: Option<Span>| {
        if let Some(span) = name.place.0
            && text.get(span.start as usize..span.end as usize) == Some(name.text.as_str())
        {
            out.push(Named { name: name.text.clone(), kind, span, scope });
        }
    };
    for item in &program.items {
        match &item.kind {
            ItemKind::Params(params) => params.iter().for_each(|p| add(&p.name, Kind::Param, None)),
            ItemKind::System(entries) => {
                for entry in entries {
                    match &entry.kind {
                        SystemKind::Spin(all, _) => all.iter().for_each(|d| add(&d.name, Kind::Site, None)),
                        SystemKind::Collective(name, ..) | SystemKind::Mode(name, _) => add(name, Kind::Site, None),
                        _ => {}
                    }
                    if let Some(each) = &entry.each {
                        add(&each.index, Kind::Argument, entry.place.0);
                    }
                }
            }
            ItemKind::Hamiltonian(name, _) | ItemKind::Operator(name, _) => add(name, Kind::Operator, None),
            ItemKind::State(name, _) => add(name, Kind::State, None),
            ItemKind::Noise(name, _) => add(name, Kind::Noise, None),
            ItemKind::Cycle(name, _) => add(name, Kind::Cycle, None),
            ItemKind::Shape(name, _) => add(name, Kind::Shape, None),
            ItemKind::Define(name, arguments, body) => {
                add(name, Kind::Define, None);
                arguments.iter().for_each(|a| add(a, Kind::Argument, item.place.0));
                statements(body, &mut add);
            }
            ItemKind::Sequence(body) => statements(body, &mut add),
            ItemKind::Measure(_, all) => {
                all.iter().filter_map(|m| m.name.as_ref()).for_each(|n| add(n, Kind::Result, None))
            }
            _ => {}
        }
    }
    out
}

fn statements(body: &[Statement], add: &mut impl FnMut(&Name, Kind, Option<Span>)) {
    let traced = |record: &Option<Box<Record>>, add: &mut dyn FnMut(&Name, Kind, Option<Span>)| {
        if let Some(name) = record.as_ref().and_then(|r| r.name.as_ref()) {
            add(name, Kind::Trace, None);
        }
    };
    for statement in body {
        match &statement.kind {
            StatementKind::Mark(name) => add(name, Kind::Mark, None),
            StatementKind::Pulse(p) => traced(&p.record, add),
            StatementKind::Delay(d) => traced(&d.record, add),
            StatementKind::Lock(l) => traced(&l.record, add),
            StatementKind::Evolve(e) => traced(&e.record, add),
            StatementKind::Loop(repeat, trace, body) => {
                trace.iter().for_each(|name| add(name, Kind::Trace, None));
                repeat.counter().into_iter().for_each(|counter| add(counter, Kind::Argument, statement.place.0));
                statements(body, &mut *add);
            }
            StatementKind::Acquire(a) => statements(a.cycle(), &mut *add),
            StatementKind::Parallel(_, body) => statements(body, &mut *add),
            StatementKind::Decouple(d) => statements(&d.body, &mut *add),
            StatementKind::Project(p) => p.branches().for_each(|(_, body)| statements(body, &mut *add)),
            _ => {}
        }
    }
}
