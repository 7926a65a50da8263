//! The statement `compile`.

use super::Builder;
use crate::check::checker::settings;
use crate::ir::{COMPILE_SETTINGS, Compile};
use crate::syntax::ast;
use crate::units::Dimension;

impl Builder<'_, '_> {
    pub(super) fn compiled(&mut self, c: &ast::Compile) -> Compile {
        let known: Vec<&str> = COMPILE_SETTINGS.iter().map(|(word, _)| *word).collect();
        let mut out = Compile {
            hamiltonian: self.c.expr(&c.hamiltonian, |s, e| s.hamiltonian(e, &[])),
            duration: self.c.number(&c.duration, Dimension::TIME),
            ideal: c.ideal,
            infidelity: None,
            within: None,
        };
        for (name, value) in settings(&c.settings, &known, "`compile`", self.c) {
            match name {
                "infidelity" => out.infidelity = Some(self.c.number(value, Dimension::NUMBER)),
                _ => out.within = Some(self.c.number(value, Dimension::TIME)),
            }
        }
        out
    }
}
