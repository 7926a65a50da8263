//! Prepared states.

use super::Builder;
use crate::check::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, DENSITY, STATES};
use crate::syntax::ast::{self, Name};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

impl Builder<'_, '_> {
    pub(super) fn state(&mut self, state: &ast::State) -> Option<ir::State> {
        let span = state.name.span();
        let name = state.name.text.as_str();
        if self.declarations.states.contains_key(name)
            && state.text.is_none()
            && state.arguments.is_empty()
            && state.parts.is_empty()
        {
            return self.named_state(&state.name);
        }
        let Some((_, arguments, _)) = STATES.iter().find(|(w, _, _)| *w == name) else {
            let declared = self.declarations.states.keys().copied();
            let diagnostic = Diagnostic::new(Code::UnknownName, span, format!("unknown state `{name}`"))
                .label("not known")
                .did_you_mean(name, STATES.iter().map(|(w, _, _)| *w).chain(declared));
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
        if (name == "ket" || name == DENSITY) != state.text.is_some()
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
            (DENSITY, []) => self.density(state),
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

    /// The state that a name is declared as.
    pub(super) fn named_state(&mut self, name: &Name) -> Option<ir::State> {
        let declared = *self.declarations.states.get(name.text.as_str())?;
        if self.open_states.contains(&name.text) {
            let circle: Vec<&str> = self.open_states.iter().map(String::as_str).chain([name.text.as_str()]).collect();
            let message = format!("the state `{name}` is defined by itself");
            let diagnostic = Diagnostic::new(Code::CircularDefinition, name.span(), message);
            self.c.diagnostics.push(diagnostic.label(circle.join(" -> ")));
            return None;
        }
        self.open_states.push(name.text.clone());
        let state = self.state(declared);
        self.open_states.pop();
        state
    }

    /// A density matrix, which was read when the files were loaded.
    fn density(&mut self, state: &ast::State) -> Option<ir::State> {
        let (path, span) = (state.text.clone()?, state.name.span());
        let Some(elements) = self.densities.get(&span) else {
            // A file that could not be read was reported when it was loaded.
            if self.open_states.is_empty() {
                let message = "a density matrix from a file needs a name";
                let diagnostic = Diagnostic::new(Code::WrongKind, span, message).label("used without a declaration");
                let help = format!("declare it: `state measured = density \"{path}\"`, and use it: `prepare measured`");
                self.c.diagnostics.push(diagnostic.help(help));
            }
            return None;
        };
        Some(ir::State::Density { path, elements: elements.clone(), place: span.into() })
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
