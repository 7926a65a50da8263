//! Decoupling: its sequence, and the statements during which it runs.

use super::Builder;
use crate::check::checker::settings;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, Event, EventKind};
use crate::source::{Place, Span};
use crate::syntax::ast::Decouple;
use crate::syntax::{Expr, ExprKind};

impl Builder<'_, '_> {
    /// Adds the start of the decoupling, the statements of the block, and its end.
    pub(super) fn decouple(&mut self, d: &Decouple, span: Span, events: &mut Vec<Event>) {
        let Some(nucleus) = self.nucleus(&d.channel) else { return };
        let known: Vec<&str> = ir::DECOUPLE_SETTINGS.iter().map(|(w, _)| *w).collect();
        let (mut rf, mut offset) = (None, None);
        for (name, value) in settings(&d.settings, &known, "`decouple`", self.c) {
            let value = self.c.expr(value, |s, e| s.frequency(e, &[]));
            if name == "rf" { rf = Some(value) } else { offset = Some(Box::new(value)) }
        }
        let shape = Some(Box::new(self.sequence(&d.sequence)));
        let phase = d.phase.clone().unwrap_or_else(|| Expr::at(ExprKind::Name("x".into()), d.head.span()));
        let pulse = ir::Pulse {
            noise: None,
            nucleus: nucleus.clone(),
            angle: None,
            phase: self.c.phase(&phase),
            rf,
            duration: None,
            shape,
            offset,
            modulation: None,
            start: None,
            ideal: false,
            record: None,
            place: d.head,
        };
        events.push(Event { kind: EventKind::Decouple(Box::new(pulse)), place: d.head });
        let body = self.events(&d.body);
        self.refuse_during(&body, &nucleus, d.head);
        events.extend(body);
        let end = Span { start: span.end.saturating_sub(1), ..span };
        events.push(Event { kind: EventKind::EndDecoupling { nucleus }, place: end.into() });
    }

    /// Reports the events that cannot take place during the decoupling of a nucleus.
    fn refuse_during(&mut self, events: &[Event], nucleus: &str, start: Place) {
        for event in events {
            match (ir::clash(event, nucleus, start), &event.kind) {
                (Some(diagnostic), _) => self.c.diagnostics.push(diagnostic),
                (None, EventKind::Loop { body, .. }) => self.refuse_during(body, nucleus, start),
                (None, EventKind::Project { up, down, .. }) => {
                    self.refuse_during(up, nucleus, start);
                    self.refuse_during(down, nucleus, start);
                }
                (None, _) => {}
            }
        }
    }

    /// Checks the sequence of `decouple`: a train of pulses.
    fn sequence(&mut self, expr: &Expr) -> Expr {
        let name = match &expr.kind {
            ExprKind::Name(name) | ExprKind::Call(name, _) => name.as_str(),
            _ => "",
        };
        let trains = || ir::PULSE_SHAPES.iter().filter(|s| s.train).map(|s| s.name);
        if trains().any(|train| train == name) {
            return self.shape(expr);
        }
        let diagnostic =
            Diagnostic::new(Code::UnknownFunction, expr.span(), format!("`{expr}` is not a decoupling sequence"))
                .label("not known")
                .did_you_mean(name, trains());
        let diagnostic = if diagnostic.help.is_empty() {
            diagnostic.help(format!("known are: {}", trains().collect::<Vec<_>>().join(", ")))
        } else {
            diagnostic
        };
        self.c.diagnostics.push(diagnostic);
        expr.clone()
    }
}
