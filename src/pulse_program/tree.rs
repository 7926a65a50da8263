//! What a pulse program is made of.

use super::expression::Amount;
use crate::source::Span;

/// A pulse program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PulseProgram {
    /// What is done, up to `exit`.
    pub statements: Vec<Statement>,
    /// The lists of phases behind it.
    pub phases: Vec<PhaseList>,
    /// Comments in the order of the text, without their `;`.
    pub comments: Vec<(String, Span)>,
    /// Files that are included.
    pub includes: Vec<String>,
    /// Names that the preprocessor knows.
    pub macros: Vec<String>,
    /// Lines that the preprocessor leaves out.
    pub left_out: Vec<LeftOut>,
}

/// Lines in a branch that the preprocessor does not take.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// The condition that does not hold.
    pub condition: String,
    /// The lines.
    pub span: Span,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What other statements call it.
    pub label: Option<(String, Span)>,
    /// What is done, in the order of the line.
    pub items: Vec<Item>,
    /// The words of the line.
    pub span: Span,
}

/// An item, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Where it stands.
    pub span: Span,
}

/// What an item may be.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// A length of time: a delay, or, with a phase behind it or a shape, a pulse.
    Timed {
        /// How long.
        length: Amount,
        /// `:sp1`, `:f2`, `:gp3`, `:r`, without the colon.
        modifiers: Vec<Modifier>,
    },
    /// A phase: `ph1`.
    Phase {
        /// Its number.
        number: usize,
        /// `:r`, `:f1`.
        modifiers: Vec<Modifier>,
    },
    /// Items in parentheses, which may begin with `center`, `lalign`, `ralign` or `refalign`.
    Group {
        /// How its members lie.
        align: Option<String>,
        /// The members.
        members: Vec<Item>,
        /// `:f1`.
        modifiers: Vec<Modifier>,
    },
    /// `go=2`: a scan is received, and the next begins at the label.
    Go {
        /// `go`, `gonp`, `rcyc`.
        word: String,
        /// Where the next scan begins.
        to: (String, Span),
    },
    /// `lo to 1 times l4`.
    Loop {
        /// Where it begins.
        to: (String, Span),
        /// How often.
        times: Amount,
    },
    /// `goto 4`.
    Goto {
        /// Where it leads.
        to: (String, Span),
    },
    /// `mc #0 to 2 F1QF(calclist(vd_list, 1))`.
    Store {
        /// Where the next row begins.
        to: (String, Span),
        /// The loops of rows: `F1QF` and what stands in its parentheses.
        rows: Vec<(String, String)>,
    },
    /// `"p3=p1*0.5"`, without the quotes.
    Relation(String),
    /// `define list<delay> vd_list=<$VDLIST>`.
    Define {
        /// `delay`, `pulse`, `list<delay>`.
        kind: String,
        /// Its name.
        name: String,
        /// The expression after `=`.
        value: String,
    },
    /// Any other word of the language with what belongs to it: `ze`, `pl1:f1`, `cpd2:f2`, `wr #0`, `ip1*2`, `vd_list.inc`.
    Command {
        /// The word.
        word: String,
        /// The text after it.
        rest: String,
        /// `:f1`.
        modifiers: Vec<Modifier>,
    },
}

/// A word behind a colon.
#[derive(Debug, Clone, PartialEq)]
pub struct Modifier {
    /// The word: `f1`, `sp2`, `gp1`.
    pub word: String,
    /// What it is multiplied by, or what stands in parentheses behind it.
    pub argument: String,
    /// Where it stands.
    pub span: Span,
}

/// A list of phases.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseList {
    /// Its number.
    pub number: usize,
    /// The step that it is counted in, degrees.
    pub unit: f64,
    /// Its phases in degrees; none where they cannot be read.
    pub degrees: Option<Vec<f64>>,
    /// The lists that it is a sum of, where it is one.
    pub terms: Vec<PhaseTerm>,
    /// Where it stands.
    pub span: Span,
}

/// A term of a list of phases that is a sum: a multiple of a list, or an angle in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhaseTerm {
    /// The number of a list.
    pub list: Option<usize>,
    /// What it is multiplied by; without a list the angle.
    pub factor: f64,
}

/// Calls `visit` for every item, those of groups too.
pub fn each<'a>(items: &'a [Item], visit: &mut dyn FnMut(&'a Item)) {
    for item in items {
        visit(item);
        if let ItemKind::Group { members, .. } = &item.kind {
            each(members, visit);
        }
    }
}
