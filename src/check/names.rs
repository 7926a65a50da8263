//! Name resolution: declarations must be unique, are sorted by dependency, and should be used.

use super::checker::{Checker, twice};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{FUNCTIONS, LARMOR, LENGTH, Meaning, OperatorKind, PHASES, PULSE_SHAPES, RAMPS, STATES, SYSTEM_PARTS};
use crate::source::Span;
use crate::spin::LOCAL_OPERATORS;
use crate::syntax::ast::*;
use crate::syntax::{Expr, ExprKind};
use std::collections::{HashMap, HashSet};

/// A subsequence: its parameters and statements.
pub struct Definition<'a> {
    pub name: &'a Name,
    pub arguments: &'a [Name],
    pub body: &'a [Statement],
}

/// All declarations with a name and a value.
#[derive(Default)]
pub struct Declarations<'a> {
    params: Vec<&'a Param>,
    operators: Vec<(&'a Name, &'a Expr, OperatorKind)>,
    cycles: Vec<(&'a Name, &'a [Expr])>,
    field: Vec<&'a Expr>,
    rf: Vec<&'a Expr>,
    pub definitions: HashMap<&'a str, Definition<'a>>,
    pub states: HashMap<&'a str, &'a State>,
}

/// Collects the declarations, and adds those independent of order to the scope.
// A match guard would have to report duplicate names, and guards should have no side effects.
#[allow(clippy::collapsible_match)]
pub fn collect<'a>(items: &'a [Item], c: &mut Checker) -> Declarations<'a> {
    let mut all = Declarations::default();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (part, _) in SYSTEM_PARTS {
        c.scope.names.insert((*part).to_string(), Meaning::Part);
    }
    for item in items {
        match &item.kind {
            ItemKind::Params(params) => {
                for param in params {
                    if fresh(&param.name, &mut seen, c) {
                        all.params.push(param);
                    }
                }
            }
            ItemKind::Hamiltonian(name, value) => {
                if fresh(name, &mut seen, c) {
                    all.operators.push((name, value, OperatorKind::Hamiltonian));
                }
            }
            ItemKind::Operator(name, value) => {
                if fresh(name, &mut seen, c) {
                    all.operators.push((name, value, OperatorKind::Any));
                }
            }
            ItemKind::State(name, state) => {
                let built_in = STATES.iter().map(|(word, ..)| *word);
                if own_word(name, built_in, "is a built-in state", c) && fresh(name, &mut seen, c) {
                    c.scope.names.insert(name.text.clone(), Meaning::State);
                    all.states.insert(&name.text, state);
                }
            }
            ItemKind::Noise(name, _) => {
                if fresh(name, &mut seen, c) {
                    c.scope.names.insert(name.text.clone(), Meaning::Noise);
                }
            }
            ItemKind::Cycle(name, phases) => {
                // A cycle can only be used as a phase, where an axis keyword takes precedence.
                if own_word(name, PHASES.iter().map(|(w, _)| *w), "is an axis in a phase", c)
                    && fresh(name, &mut seen, c)
                {
                    c.scope.names.insert(name.text.clone(), Meaning::Cycle);
                    all.cycles.push((name, phases));
                }
            }
            ItemKind::Shape(name, _) => {
                let shapes = PULSE_SHAPES.iter().map(|s| s.name).chain(RAMPS.iter().map(|r| r.name));
                if own_word(name, shapes, "is a built-in shape", c) && fresh(name, &mut seen, c) {
                    c.scope.names.insert(name.text.clone(), Meaning::Shape);
                }
            }
            ItemKind::Define(name, arguments, body) => {
                names_of_definition(arguments, body, c);
                if fresh(name, &mut seen, c) {
                    c.scope.names.insert(name.text.clone(), Meaning::Define);
                    all.definitions.insert(&name.text, Definition { name, arguments, body });
                }
            }
            ItemKind::Channel(_, settings) => {
                all.rf.extend(settings.iter().filter(|s| s.name.text == "rf").map(|s| &s.value));
            }
            ItemKind::System(entries) => {
                for entry in entries {
                    subsystems_of(entry, &mut seen, c);
                    if let SystemKind::Field(value, _) = &entry.kind {
                        all.field.push(value);
                    }
                }
            }
            _ => {}
        }
    }
    all
}

/// Declares the subsystems of an entry of `system`.
fn subsystems_of<'a>(entry: &'a SystemEntry, seen: &mut HashMap<&'a str, Span>, c: &mut Checker) {
    match &entry.kind {
        SystemKind::Spin(names, _) => {
            for declared in names {
                fresh(&declared.name, seen, c);
            }
        }
        SystemKind::Collective(name, ..) | SystemKind::Mode(name, _) => {
            fresh(name, seen, c);
        }
        _ => {}
    }
}

/// Reports arguments of a subsequence that are words of the language, and counters in it that have the name of an argument.
fn names_of_definition(arguments: &[Name], body: &[Statement], c: &mut Checker) {
    for argument in arguments {
        let axis = PHASES.iter().map(|(w, _)| *w);
        if own_word(argument, axis, "is an axis in a phase", c) && is_reserved(&argument.text) {
            c.diagnostics.push(reserved(argument));
        }
    }
    for counter in counters_of(body) {
        if let Some(argument) = arguments.iter().find(|a| a.text == counter.text) {
            c.diagnostics.push(twice(&counter.text, counter.span(), argument.span()));
        }
        c.scope.counters.insert(counter.text.clone());
    }
}

/// The counters of the loops among statements.
pub(super) fn counters_of(statements: &[Statement]) -> Vec<&Name> {
    let mut found = Vec::new();
    for statement in statements {
        match &statement.kind {
            StatementKind::Loop(repeat, _, body) => {
                found.extend(repeat.counter());
                found.extend(counters_of(body));
            }
            StatementKind::Acquire(a) => found.extend(counters_of(a.cycle())),
            StatementKind::Project(p) => p.branches().for_each(|(_, body)| found.extend(counters_of(body))),
            StatementKind::Decouple(d) => found.extend(counters_of(&d.body)),
            _ => {}
        }
    }
    found
}

/// True if a name is reserved in every expression.
pub(super) fn is_reserved(text: &str) -> bool {
    crate::ir::is_fixed_name(text)
        || crate::syntax::Fold::ALL.iter().any(|fold| fold.word() == text)
        || LOCAL_OPERATORS.iter().any(|(w, _, _)| *w == text) && text.len() > 1
        || FUNCTIONS.iter().any(|f| f.name == text)
}

fn reserved(name: &Name) -> Diagnostic {
    Diagnostic::new(Code::ReservedName, name.span(), format!("`{name}` is reserved by the language"))
        .label("choose another name")
}

/// Reports a name that is a keyword wherever this kind of name could be used.
fn own_word<'w>(name: &Name, mut words: impl Iterator<Item = &'w str>, meaning: &str, c: &mut Checker) -> bool {
    let taken = words.any(|w| w == name.text);
    if taken {
        c.diagnostics.push(
            Diagnostic::new(Code::ReservedName, name.span(), format!("`{name}` {meaning}"))
                .label("choose another name"),
        );
    }
    !taken
}

/// Declares a name; reports duplicates and reserved names.
fn fresh<'a>(name: &'a Name, seen: &mut HashMap<&'a str, Span>, c: &mut Checker) -> bool {
    if is_reserved(&name.text) {
        c.diagnostics.push(reserved(name));
        return false;
    }
    if let Some(before) = seen.get(name.text.as_str()) {
        c.diagnostics.push(twice(&name.text, name.span(), *before));
        return false;
    }
    seen.insert(&name.text, name.span());
    true
}

impl<'a> Declarations<'a> {
    /// The expressions, with those that functions in them need: the field for `larmor`, the rf of channels for `length`.
    fn with_hidden(&self, mut expressions: Vec<&'a Expr>) -> Vec<&'a Expr> {
        let (mut field, mut rf) = (false, false);
        for expr in &expressions {
            expr.walk(&mut |e| {
                if let ExprKind::Call(name, _) = &e.kind {
                    field |= name == LARMOR;
                    rf |= name == LENGTH;
                }
            });
        }
        expressions.extend(self.field.iter().filter(|_| field));
        expressions.extend(self.rf.iter().filter(|_| rf));
        expressions
    }

    /// Parameters in dependency order.
    pub fn params(&self, c: &mut Checker) -> Vec<&'a Param> {
        in_order(&self.params, |p| (&p.name, self.with_hidden(p.value.expressions())), c)
    }

    /// Phase cycles in dependency order.
    pub fn cycles(&self, c: &mut Checker) -> Vec<(&'a Name, &'a [Expr])> {
        in_order(&self.cycles, |cycle| (cycle.0, cycle.1.iter().collect()), c)
    }

    /// Hamiltonians and other operators in dependency order.
    pub fn operators(&self, c: &mut Checker) -> Vec<(&'a Name, &'a Expr, OperatorKind)> {
        in_order(&self.operators, |h| (h.0, vec![h.1]), c)
    }
}

/// Topological sort by dependency; a cycle is reported with all its members.
#[expect(
    clippy::indexing_slicing,
    reason = "indices are positions in `items`, and `entries`, `needs` and `state` have the same length"
)]
fn in_order<'a, T: Copy>(items: &[T], entry: impl Fn(&T) -> (&'a Name, Vec<&'a Expr>), c: &mut Checker) -> Vec<T> {
    let entries: Vec<(&Name, Vec<&Expr>)> = items.iter().map(entry).collect();
    let index: HashMap<&str, usize> = entries.iter().enumerate().map(|(k, (n, _))| (n.text.as_str(), k)).collect();
    let needs: Vec<Vec<usize>> = entries
        .iter()
        .map(|(_, all)| {
            let mut found = Vec::new();
            for e in all {
                e.walk(&mut |e| {
                    if let ExprKind::Name(name) | ExprKind::Index(name, _) = &e.kind
                        && let Some(&k) = index.get(name.as_str())
                    {
                        found.push(k);
                    }
                });
            }
            found
        })
        .collect();
    // Depth-first search with an explicit stack: a chain of definitions may be as long as the file.
    let (mut order, mut state) = (Vec::new(), vec![0u8; entries.len()]);
    for root in 0..entries.len() {
        let mut stack = vec![(root, 0)];
        while let Some(&mut (k, ref mut next)) = stack.last_mut() {
            if *next == 0 && state[k] == 2 {
                stack.pop();
                continue;
            }
            state[k] = 1;
            let Some(&need) = needs[k].get(*next) else {
                state[k] = 2;
                order.push(items[k]);
                stack.pop();
                continue;
            };
            *next += 1;
            match state[need] {
                0 => stack.push((need, 0)),
                1 => {
                    let circle: Vec<&str> = stack
                        .iter()
                        .map(|(k, _)| *k)
                        .skip_while(|k| *k != need)
                        .chain([need])
                        .map(|k| entries[k].0.text.as_str())
                        .collect();
                    let diagnostic = Diagnostic::new(
                        Code::CircularDefinition,
                        entries[need].0.span(),
                        format!("circular definition of `{}`", entries[need].0),
                    )
                    .label(circle.join(" -> "));
                    if !c.diagnostics.contains(&diagnostic) {
                        c.diagnostics.push(diagnostic);
                    }
                }
                _ => {}
            }
        }
    }
    order
}

/// Warnings about unused declarations of the main file.
pub fn unused(items: &[Item], root: u32) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut used: HashSet<&str> = HashSet::new();
    for item in items {
        uses_of_item(item, &mut used);
    }
    for item in items {
        let declared: Vec<(&Name, &str)> = match &item.kind {
            ItemKind::Params(params) => params.iter().map(|p| (&p.name, "parameter")).collect(),
            ItemKind::Hamiltonian(name, _) => vec![(name, "Hamiltonian")],
            ItemKind::Operator(name, _) => vec![(name, "operator")],
            ItemKind::State(name, _) => vec![(name, "state")],
            ItemKind::Noise(name, _) => vec![(name, "noise")],
            ItemKind::Cycle(name, _) => vec![(name, "phase cycle")],
            ItemKind::Define(name, ..) => vec![(name, "subsequence")],
            ItemKind::Shape(name, _) => vec![(name, "shape")],
            _ => vec![],
        };
        for (name, what) in declared {
            if name.span().file == root && !used.contains(name.text.as_str()) {
                warnings.push(
                    Diagnostic::new(Code::Unused, name.span(), format!("the {what} `{name}` is never used"))
                        .label("declared here")
                        .help("remove it, or use it"),
                );
            }
        }
    }
    warnings
}

fn uses<'a>(expr: &'a Expr, used: &mut HashSet<&'a str>) {
    expr.walk(&mut |e| {
        if let ExprKind::Name(name) | ExprKind::Index(name, _) = &e.kind {
            used.insert(name);
        }
    });
}

fn uses_of_item<'a>(item: &'a Item, used: &mut HashSet<&'a str>) {
    let mut settings = |list: &'a [Setting]| list.iter().for_each(|s| uses(&s.value, used));
    match &item.kind {
        ItemKind::Version(_) | ItemKind::Title(_) | ItemKind::Units(_) | ItemKind::Use(_) | ItemKind::Shape(..) => {}
        ItemKind::Params(params) => {
            for p in params {
                p.value.expressions().into_iter().for_each(|e| uses(e, used));
                if let Some((from, to)) = &p.range {
                    uses(from, used);
                    uses(to, used);
                }
            }
        }
        ItemKind::System(entries) => {
            for entry in entries {
                match &entry.kind {
                    SystemKind::Spin(names, _) => {
                        names.iter().filter_map(|d| d.size.as_ref()).for_each(|e| uses(e, used))
                    }
                    SystemKind::Collective(_, e, _)
                    | SystemKind::Mode(_, e)
                    | SystemKind::Field(e, _)
                    | SystemKind::Orientation(e)
                    | SystemKind::Temperature(e) => uses(e, used),
                    SystemKind::Position(a, b) => [a, b].into_iter().for_each(|e| uses(e, used)),
                    SystemKind::Interaction(i) => {
                        let clauses = i.clauses.iter().map(|(_, value)| value);
                        i.sites.iter().chain([&i.size]).chain(clauses).for_each(|e| uses(e, used));
                    }
                    SystemKind::Spinning(rate, angle) => [rate].into_iter().chain(angle).for_each(|e| uses(e, used)),
                    SystemKind::DipolarAll | SystemKind::Frame(_) => {}
                    SystemKind::Relax(sites, settings) => {
                        sites.iter().for_each(|e| uses(e, used));
                        settings.iter().for_each(|s| uses(&s.value, used));
                    }
                }
                if let Some(each) = &entry.each {
                    uses(&each.from, used);
                    uses(&each.to, used);
                }
            }
        }
        ItemKind::Hamiltonian(_, e) | ItemKind::Operator(_, e) => uses(e, used),
        ItemKind::State(_, state) => uses_of_state(state, used),
        ItemKind::Noise(_, entries) => entries.iter().for_each(|entry| uses_of_noise(entry, used)),
        ItemKind::Cycle(_, list) => list.iter().for_each(|e| uses(e, used)),
        ItemKind::Channel(_, list) | ItemKind::Spectrometer(_, list) | ItemKind::Battery(list) => settings(list),
        ItemKind::Ensemble(list) => {
            for d in list {
                d.of.iter().for_each(|of| uses(of, used));
                d.settings.iter().for_each(|s| uses(&s.value, used));
                d.points.iter().for_each(|e| uses(e, used));
            }
        }
        ItemKind::Define(_, _, body) | ItemKind::Sequence(body) => body.iter().for_each(|s| uses_of_statement(s, used)),
        ItemKind::Measure(_, list) => list.iter().for_each(|m| uses(&m.value, used)),
        ItemKind::Sweep(list) => {
            for sweep in list {
                match &sweep.values {
                    SweepValues::Range { from, to, points, .. } => {
                        [from, to, points].into_iter().for_each(|e| uses(e, used))
                    }
                    SweepValues::List(values) => values.iter().for_each(|e| uses(e, used)),
                }
            }
        }
        ItemKind::Expect(e) => {
            let settings = e.settings.iter().map(|(_, value)| value);
            [&e.value, &e.expected, &e.within].into_iter().chain(settings).for_each(|e| uses(e, used));
        }
        ItemKind::Theory(t) => {
            [&t.metric, &t.value].into_iter().for_each(|e| uses(e, used));
            t.within.iter().for_each(|e| uses(e, used));
        }
    }
}

fn uses_of_noise<'a>(entry: &'a NoiseEntry, used: &mut HashSet<&'a str>) {
    let settings = match &entry.kind {
        NoiseKind::Collapse(operator, settings) => {
            uses(operator, used);
            settings
        }
        NoiseKind::Bath(sites, settings) => {
            sites.iter().for_each(|e| uses(e, used));
            settings
        }
    };
    settings.iter().for_each(|s| uses(&s.value, used));
    if let Some(each) = &entry.each {
        uses(&each.from, used);
        uses(&each.to, used);
    }
}

/// Uses of the noise that acts during a statement, and of its record.
fn uses_of_acting<'a>(noise: &'a Option<Box<Name>>, record: &'a Option<Box<Record>>, used: &mut HashSet<&'a str>) {
    used.extend(noise.iter().map(|n| n.text.as_str()));
    uses_of_record(record, used);
}

fn uses_of_record<'a>(record: &'a Option<Box<Record>>, used: &mut HashSet<&'a str>) {
    record.iter().for_each(|r| uses(&r.points, used));
}

fn uses_of_state<'a>(state: &'a State, used: &mut HashSet<&'a str>) {
    used.insert(&state.name.text);
    state.arguments.iter().for_each(|e| uses(e, used));
    for part in &state.parts {
        uses(&part.weight, used);
        part.phase.iter().for_each(|e| uses(e, used));
        uses_of_state(&part.state, used);
    }
}

pub(super) fn uses_of_statement<'a>(statement: &'a Statement, used: &mut HashSet<&'a str>) {
    match &statement.kind {
        StatementKind::Prepare(states) => states.iter().for_each(|s| uses_of_state(s, used)),
        StatementKind::Pulse(p) => {
            used.insert(&p.channel.text);
            p.angle.iter().chain(&p.phase).for_each(|e| uses(e, used));
            p.settings.iter().for_each(|s| uses(&s.value, used));
            uses_of_acting(&p.noise, &p.record, used);
        }
        StatementKind::Delay(d) => {
            uses(&d.duration, used);
            uses_of_acting(&d.noise, &d.record, used);
        }
        StatementKind::Lock(l) => {
            used.insert(&l.channel.text);
            [&l.phase, &l.from, &l.to, &l.over].into_iter().chain(&l.shape).chain(&l.steps).for_each(|e| uses(e, used));
            uses_of_acting(&l.noise, &l.record, used);
        }
        StatementKind::Evolve(e) => {
            uses(&e.hamiltonian, used);
            uses(&e.duration, used);
            uses_of_acting(&e.noise, &e.record, used);
        }
        StatementKind::Compile(c) => {
            [&c.hamiltonian, &c.duration].into_iter().for_each(|e| uses(e, used));
            c.settings.iter().for_each(|s| uses(&s.value, used));
        }
        StatementKind::Reset(sites, states) => {
            sites.iter().for_each(|e| uses(e, used));
            states.iter().for_each(|s| uses_of_state(s, used));
        }
        StatementKind::Project(p) => {
            uses(&p.site, used);
            p.settings.iter().for_each(|s| uses(&s.value, used));
            p.branches().flat_map(|(_, body)| body).for_each(|s| uses_of_statement(s, used));
        }
        StatementKind::Read(_, observable) => uses(observable, used),
        StatementKind::Mark(_) => {}
        StatementKind::Crush(keep) => keep.iter().for_each(|e| uses(e, used)),
        StatementKind::Gradient(strength, duration, settings) => {
            uses(strength, used);
            uses(duration, used);
            settings.iter().for_each(|s| uses(&s.value, used));
        }
        StatementKind::Dephase(e) => uses(e, used),
        StatementKind::Acquire(a) => {
            used.insert(&a.channel.text);
            std::iter::once(&a.points).chain(a.dwell()).chain(&a.phase).for_each(|e| uses(e, used));
            a.settings.iter().for_each(|s| uses(&s.value, used));
            a.cycle().iter().for_each(|s| uses_of_statement(s, used));
        }
        StatementKind::Tomography(settings) => settings.iter().for_each(|s| uses(&s.value, used)),
        StatementKind::Loop(repeat, _, body) => {
            repeat.expressions().into_iter().for_each(|e| uses(e, used));
            body.iter().for_each(|s| uses_of_statement(s, used));
        }
        StatementKind::Parallel(_, body) => body.iter().for_each(|s| uses_of_statement(s, used)),
        StatementKind::Decouple(d) => {
            used.insert(&d.channel.text);
            std::iter::once(&d.sequence).chain(&d.phase).for_each(|e| uses(e, used));
            d.settings.iter().for_each(|s| uses(&s.value, used));
            d.body.iter().for_each(|s| uses_of_statement(s, used));
        }
        StatementKind::Call(name, arguments) => {
            used.insert(&name.text);
            arguments.iter().for_each(|e| uses(e, used));
        }
    }
}
