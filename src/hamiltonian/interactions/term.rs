//! The terms of interactions, and the declarations that they are computed from.

use super::super::orientation::Matrix3;
use super::super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, InteractionKind};
use crate::source::Span;
use crate::spin::Operator;
use crate::syntax::Expr;
use crate::units::{TWO_PI, UnitSystem};

/// What an operator is multiplied by, rad/s.
#[derive(Debug, Clone)]
pub enum Size {
    /// A number, the same in every orientation.
    Isotropic(f64),
    /// The component along the field of a tensor of the crystal, `n . T . n`.
    Tensor(Matrix3),
    /// A number times the square of this component.
    Square(f64, Matrix3),
}

/// A term of an interaction.
#[derive(Debug, Clone)]
pub struct Term {
    /// What the operator is multiplied by.
    pub size: Size,
    /// Without the size.
    pub operator: Operator,
}

/// A declared interaction at one value of its index.
pub struct Declared<'e> {
    /// The declaration.
    pub declaration: &'e ir::Interaction,
    /// Its index and the value.
    pub index: Option<(&'e str, f64)>,
    /// The numbers of its subsystems: one, or two that differ.
    pub sites: Vec<usize>,
    /// How large it is, in the units of the declaration: Hz, or a share of the field.
    pub size: f64,
}

impl Declared<'_> {
    /// Where it is declared.
    pub fn span(&self) -> Span {
        self.declaration.place.span()
    }

    /// The value of a clause, where it is given.
    pub fn clause(&self, clause: ir::Clause) -> Option<&Expr> {
        self.declaration.clause(clause)
    }

    /// Its only subsystem.
    ///
    /// # Errors
    /// When it has another number of them.
    pub fn site(&self) -> Result<usize, Fault> {
        match self.sites.as_slice() {
            [site] => Ok(*site),
            _ => Err(self.wrong_number("one subsystem")),
        }
    }

    /// Its two subsystems.
    ///
    /// # Errors
    /// When it has another number of them, or they are the same.
    pub fn pair(&self) -> Result<(usize, usize), Fault> {
        match self.sites.as_slice() {
            [a, b] if a == b => {
                let message = "a spin cannot be coupled to itself";
                Err(Diagnostic::new(Code::Contradiction, self.span(), message).into())
            }
            [a, b] => Ok((*a, *b)),
            _ => Err(self.wrong_number("two subsystems")),
        }
    }

    fn wrong_number(&self, wanted: &str) -> Fault {
        let message = format!("`{}` is of {wanted}", self.declaration.kind.word());
        Diagnostic::new(Code::WrongKind, self.span(), message).into()
    }
}

/// The declared interactions of a kind, at every value of their indices.
///
/// # Errors
/// When a subsystem or a size cannot be evaluated.
pub fn declared<'e>(e: &Evaluator<'e>, kind: InteractionKind) -> Result<Vec<Declared<'e>>, Fault> {
    let mut all = Vec::new();
    for declaration in e.experiment.system.interactions_of(kind) {
        for index in e.range(declaration.each.as_ref())? {
            let sites = declaration.sites.iter().map(|site| e.site(site, index)).collect::<Result<Vec<_>, _>>()?;
            all.push(Declared { declaration, index, sites, size: e.number_at(&declaration.size, index)? });
        }
    }
    Ok(all)
}

/// What a frequency is multiplied by to be an angular frequency: 2 pi, and nothing in natural units.
pub fn angular(e: &Evaluator) -> f64 {
    if e.scope.units == UnitSystem::Lab { TWO_PI } else { 1.0 }
}
