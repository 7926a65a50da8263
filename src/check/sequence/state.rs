//! Prepared states.

use super::Builder;
use crate::check::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, STATES};
use crate::syntax::ast::{self, Name};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

impl Builder<'_, '_> {
    pub(super) fn state(&mut self, state: &ast::State) -> Option<ir::State> {
        let span = state.name.span();
        let name = state.name.text.as_str();
        let Some((_, arguments, _)) = STATES.iter().find(|(w, _, _)| *w == name) else {
            let diagnostic = Diagnostic::new(Code::UnknownName, span, format!("unknown state `{name}`"))
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
            ("steady_state", [h, rest @ ..]) if rest.len() < 2 => {
                let hamiltonian = self.c.expr(h, |s, e| s.hamiltonian(e, &[]));
                let noise = match rest.first() {
                    Some(Expr { kind: ExprKind::Name(text), place }) => {
                        Some(self.noise(&Name { text: text.clone(), place: *place })?)
                    }
                    Some(_) => return wrong(self.c),
                    None => None,
                };
                Some(ir::State::SteadyState { hamiltonian, noise })
            }
            ("up", [site]) => Some(ir::State::Up { site: self.sites(site) }),
            ("down", [site]) => Some(ir::State::Down { site: self.sites(site) }),
            ("fock", [site, n]) => {
                Some(ir::State::Fock { site: self.site(site), quanta: self.c.number(n, Dimension::NUMBER) })
            }
            ("dicke", [site, n]) => {
                Some(ir::State::Dicke { site: self.site(site), excitations: self.c.number(n, Dimension::NUMBER) })
            }
            ("definite", [site, n]) => {
                Some(ir::State::Definite { site: self.site(site), excitations: self.c.number(n, Dimension::NUMBER) })
            }
            ("mix", []) => self.mixture(&state.parts),
            ("superposition", []) => self.superposition(&state.parts),
            _ => wrong(self.c),
        }
    }

    fn mixture(&mut self, parts: &[ast::Part]) -> Option<ir::State> {
        let mut all = Vec::new();
        for part in parts {
            if let Some(phase) = &part.phase {
                let message = "the weights of a mixture have no phase";
                let diagnostic = Diagnostic::new(Code::Contradiction, phase.span(), message);
                self.c.diagnostics.push(diagnostic.help("`superposition` has amplitudes with a phase"));
            }
            let weight = self.c.number(&part.weight, Dimension::NUMBER);
            all.push((weight, self.state(&part.state)?));
        }
        Some(ir::State::Mix(all))
    }

    fn superposition(&mut self, parts: &[ast::Part]) -> Option<ir::State> {
        let mut all = Vec::new();
        for part in parts {
            let size = self.c.number(&part.weight, Dimension::NUMBER);
            let phase = part.phase.as_ref().map(|e| self.c.number(e, Dimension::ANGLE));
            all.push(ir::Amplitude { size, phase, state: self.state(&part.state)? });
        }
        Some(ir::State::Superposition(all))
    }
}
