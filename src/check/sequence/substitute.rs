//! Substitutes the arguments of a call into the statements of a subsequence.

use crate::syntax::ast::{self, Name, Statement, StatementKind};
use crate::syntax::{Expr, ExprKind};

/// A statement with the parameters of a subsequence replaced by arguments.
pub(super) fn substitute(statement: &Statement, r: &dyn Fn(&str) -> Option<Expr>) -> Statement {
    let e = |x: &Expr| x.replace(r);
    let o = |x: &Option<Expr>| x.as_ref().map(e);
    let name = |n: &Name| match r(&n.text).map(|x| x.kind) {
        Some(ExprKind::Isotope(text) | ExprKind::Name(text)) => Name { text, place: n.place },
        _ => n.clone(),
    };
    let record = |x: &Option<Box<ast::Record>>| {
        x.as_ref().map(|x| Box::new(ast::Record { points: e(&x.points), name: x.name.as_ref().map(name) }))
    };
    let boxed = |n: &Option<Box<Name>>| n.as_deref().map(|n| Box::new(name(n)));
    let settings = |list: &[ast::Setting]| -> Vec<ast::Setting> {
        list.iter().map(|s| ast::Setting { name: s.name.clone(), value: e(&s.value) }).collect()
    };
    let body = |list: &[Statement]| -> Vec<Statement> { list.iter().map(|s| substitute(s, r)).collect() };
    let kind = match &statement.kind {
        StatementKind::Prepare(states) => StatementKind::Prepare(states.iter().map(|s| state(s, r)).collect()),
        StatementKind::Pulse(p) => StatementKind::Pulse(Box::new(ast::Pulse {
            channel: name(&p.channel),
            angle: o(&p.angle),
            phase: o(&p.phase),
            settings: settings(&p.settings),
            ideal: p.ideal,
            noise: boxed(&p.noise),
            record: record(&p.record),
        })),
        StatementKind::Delay(d) => StatementKind::Delay(ast::Delay {
            duration: e(&d.duration),
            between_centres: d.between_centres,
            noise: boxed(&d.noise),
            record: record(&d.record),
        }),
        StatementKind::Lock(l) => StatementKind::Lock(Box::new(ast::Lock {
            record: record(&l.record),
            noise: boxed(&l.noise),
            ..lock(l, name(&l.channel), r)
        })),
        StatementKind::Evolve(v) => StatementKind::Evolve(Box::new(ast::Evolve {
            hamiltonian: e(&v.hamiltonian),
            duration: e(&v.duration),
            noise: boxed(&v.noise),
            record: record(&v.record),
        })),
        StatementKind::Compile(c) => StatementKind::Compile(Box::new(ast::Compile {
            hamiltonian: e(&c.hamiltonian),
            duration: e(&c.duration),
            ideal: c.ideal,
            settings: settings(&c.settings),
        })),
        StatementKind::Crush(keep) => StatementKind::Crush(keep.iter().map(e).collect()),
        StatementKind::Gradient(g, t, list) => StatementKind::Gradient(Box::new(e(g)), e(t), settings(list)),
        StatementKind::Dephase(x) => StatementKind::Dephase(e(x)),
        StatementKind::Reset(sites, states) => {
            StatementKind::Reset(sites.iter().map(e).collect(), states.iter().map(|s| state(s, r)).collect())
        }
        StatementKind::Project(p) => StatementKind::Project(Box::new(project(p, r))),
        StatementKind::Read(n, x) => StatementKind::Read(Box::new(name(n)), e(x)),
        StatementKind::Mark(n) => StatementKind::Mark(name(n)),
        StatementKind::Acquire(a) => StatementKind::Acquire(Box::new(ast::Acquire {
            channel: name(&a.channel),
            points: e(&a.points),
            sampling: sampling(&a.sampling, r),
            phase: o(&a.phase),
            settings: settings(&a.settings),
        })),
        StatementKind::Tomography(list) => StatementKind::Tomography(settings(list)),
        StatementKind::Loop(repeat, trace, list) => repeated(repeat, boxed(trace), list, r),
        StatementKind::Parallel(align, list) => StatementKind::Parallel(align.clone(), body(list)),
        StatementKind::Decouple(d) => StatementKind::Decouple(Box::new(ast::Decouple {
            channel: name(&d.channel),
            sequence: e(&d.sequence),
            phase: o(&d.phase),
            settings: settings(&d.settings),
            body: body(&d.body),
            head: d.head,
        })),
        StatementKind::Call(n, arguments) => StatementKind::Call(n.clone(), arguments.iter().map(e).collect()),
    };
    Statement { kind, place: statement.place }
}

fn repeated(
    repeat: &ast::Repeat,
    trace: Option<Box<Name>>,
    body: &[Statement],
    r: &dyn Fn(&str) -> Option<Expr>,
) -> StatementKind {
    match repeat {
        ast::Repeat::Times(count) => {
            let body = body.iter().map(|s| substitute(s, r)).collect();
            StatementKind::Loop(ast::Repeat::Times(count.replace(r)), trace, body)
        }
        // In the body the counter is meant, whatever else has its name.
        ast::Repeat::Counter(each) => {
            let inside = |name: &str| if name == each.index.text { None } else { r(name) };
            let body = body.iter().map(|s| substitute(s, &inside)).collect();
            let (from, to) = (each.from.replace(r), each.to.replace(r));
            let counter = Box::new(ast::ForEach { index: each.index.clone(), from, to });
            StatementKind::Loop(ast::Repeat::Counter(counter), trace, body)
        }
    }
}

fn state(s: &ast::State, r: &dyn Fn(&str) -> Option<Expr>) -> ast::State {
    ast::State {
        name: s.name.clone(),
        text: s.text.clone(),
        arguments: s.arguments.iter().map(|x| x.replace(r)).collect(),
        parts: s
            .parts
            .iter()
            .map(|part| ast::Part {
                weight: part.weight.replace(r),
                phase: part.phase.as_ref().map(|x| x.replace(r)),
                state: state(&part.state, r),
            })
            .collect(),
    }
}

fn sampling(sampling: &ast::Sampling, r: &dyn Fn(&str) -> Option<Expr>) -> ast::Sampling {
    match sampling {
        ast::Sampling::Dwell(dwell) => ast::Sampling::Dwell(dwell.replace(r)),
        ast::Sampling::Every(cycle) => ast::Sampling::Every(cycle.iter().map(|s| substitute(s, r)).collect()),
    }
}

/// A lock on a channel, without its noise and record.
fn lock(l: &ast::Lock, channel: ast::Name, r: &dyn Fn(&str) -> Option<Expr>) -> ast::Lock {
    ast::Lock {
        channel,
        phase: l.phase.replace(r),
        from: l.from.replace(r),
        to: l.to.replace(r),
        over: l.over.replace(r),
        shape: l.shape.as_ref().map(|x| x.replace(r)),
        steps: l.steps.as_ref().map(|x| x.replace(r)),
        noise: None,
        record: None,
    }
}

fn project(p: &ast::Project, r: &dyn Fn(&str) -> Option<Expr>) -> ast::Project {
    let body = |list: &Vec<Statement>| -> Vec<Statement> { list.iter().map(|s| substitute(s, r)).collect() };
    let (up, down) = (p.up.as_ref().map(body), p.down.as_ref().map(body));
    let setting = |s: &ast::Setting| ast::Setting { name: s.name.clone(), value: s.value.replace(r) };
    let settings = p.settings.iter().map(setting).collect();
    ast::Project { site: p.site.replace(r), axis: p.axis.clone(), settings, up, down }
}
