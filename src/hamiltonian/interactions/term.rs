//! The terms of interactions, and the declarations from which they are computed.

use super::super::orientation::Matrix3;
use super::super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, InteractionKind};
use crate::source::Span;
use crate::spin::Operator;
use crate::syntax::{Expr, ExprKind};

/// The coefficient of an operator, rad/s.
#[derive(Debug, Clone)]
pub enum Size {
    /// A number, independent of orientation.
    Isotropic(f64),
    /// The component along the field of a tensor in the crystal frame, `n . T . n`.
    Tensor(Matrix3),
    /// A number times the square of this component.
    Square(f64, Matrix3),
    /// A number times the product of the components of two tensors.
    Product(f64, Matrix3, Matrix3),
    /// A number times `sqrt(1 + n . T . n) - 1`, by how much a field is longer than 1.
    Stretch(f64, Matrix3),
    /// A component `x_i . T . x_j`, with the axes of the laboratory frame by index, of which the third is the field.
    Component([usize; 2], Matrix3),
}

/// A term of an interaction.
#[derive(Debug, Clone)]
pub struct Term {
    /// Coefficient of the operator.
    pub size: Size,
    /// The operator, without the coefficient.
    pub operator: Operator,
}

/// A declared interaction at one value of its index.
pub struct Declared<'e> {
    /// The declaration.
    pub declaration: &'e ir::Interaction,
    /// Name and value of its index.
    pub index: Option<(&'e str, f64)>,
    /// Indices of its sites: one, or two different ones.
    pub sites: Vec<usize>,
    /// Its size in the units of the declaration: Hz, or a fraction of the field. The mean of principal values.
    pub size: f64,
    /// Its principal values, all equal if one number is given.
    pub principal: [f64; 3],
}

impl Declared<'_> {
    /// Its place in the source.
    pub fn span(&self) -> Span {
        self.declaration.place.span()
    }

    /// The value of a clause, if given.
    pub fn clause(&self, clause: ir::Clause) -> Option<&Expr> {
        self.declaration.clause(clause)
    }

    /// Its only site.
    ///
    /// # Errors
    /// If it does not have exactly one site.
    pub fn site(&self) -> Result<usize, Fault> {
        match self.sites.as_slice() {
            [site] => Ok(*site),
            _ => Err(self.wrong_number("one subsystem")),
        }
    }

    /// Its two sites.
    ///
    /// # Errors
    /// If it does not have exactly two sites, or they are the same.
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
        let message = format!("`{}` needs {wanted}", self.declaration.kind.word());
        Diagnostic::new(Code::WrongKind, self.span(), message).into()
    }
}

/// True for principal values instead of one number.
fn is_several(size: &Expr) -> bool {
    match &size.kind {
        ExprKind::Quantity(inner, _) => is_several(inner),
        kind => matches!(kind, ExprKind::Tuple(_)),
    }
}

/// The declared interactions of a kind, for every value of their indices.
///
/// # Errors
/// If a site or a size cannot be evaluated.
pub fn declared<'e>(e: &Evaluator<'e>, kind: InteractionKind) -> Result<Vec<Declared<'e>>, Fault> {
    let mut all = Vec::new();
    for declaration in e.experiment.system.interactions_of(kind) {
        for index in e.range(declaration.each.as_ref())? {
            let sites = declaration.sites.iter().map(|site| e.site(site, index)).collect::<Result<Vec<_>, _>>()?;
            let principal = match &declaration.size {
                size if is_several(size) => e.vector(size, index)?,
                size => [e.number_at(size, index)?; 3],
            };
            let [x, y, z] = principal;
            let size = if x == y && y == z { x } else { (x + y + z) / 3.0 };
            all.push(Declared { declaration, index, sites, size, principal });
        }
    }
    Ok(all)
}
