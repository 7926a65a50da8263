//! How much one program may ask for. A text of a few lines can ask for more than any machine has: names that double, nested
//! sums, products of sums, long sweeps. Each of these is counted while it is expanded and refused at its limit, with one kind of message.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// A limit: what is counted, how many there may be, and what to do when there are more.
#[derive(Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is counted.
    pub what: &'static str,
    /// How many there may be.
    pub most: u64,
    /// The next step.
    pub help: &'static str,
}

/// Statements of the sequence, subsequences put in their places and the repetitions of counters written out.
pub const STATEMENTS: Budget = Budget {
    what: "statements of the sequence after expansion of its subsequences and counters",
    most: 200_000,
    help: "use `loop 8 { ... }` for equal repetitions, which are not unrolled",
};

/// Numbers, names and operations in the statements of the subsequences that are called, arguments put in.
pub const EXPRESSION_PARTS: Budget = Budget {
    what: "nodes of expressions in expanded subsequences",
    most: 1_000_000,
    help: "an argument used twice in a subsequence doubles at every call; name the number with `param`",
};

/// Numbers, names and operations of `measure`, named results put in.
pub const RESULT_PARTS: Budget = Budget {
    what: "nodes of expressions in `measure` after expansion of named results",
    most: 50_000,
    help: "a result used twice in the next one doubles at every line",
};

/// Products of local operators in one operator.
pub const OPERATOR_TERMS: Budget = Budget {
    what: "terms of an operator after expansion of its products",
    most: 200_000,
    help: "a product of two sums has as many terms as the product of their numbers of terms",
};

/// Multiplications of matrix elements in products of operators of the same subsystem.
pub const PRODUCT_ELEMENTS: Budget = Budget {
    what: "multiplications of matrix elements in products of operators of one subsystem at one point of the parameters",
    most: 20_000_000,
    help: "give the mode or the collective fewer states, or the product fewer factors",
};

/// Results of `measure`.
pub const RESULTS: Budget =
    Budget { what: "results in `measure`", most: 2_000, help: "use `record` for many values of one result" };

/// Turns of sums and products over an index, and products of operator terms, at one point of the parameters.
pub const TURNS: Budget = Budget {
    what: "iterations of sums and products at one point of the parameters",
    most: 4_000_000,
    help: "nested sums multiply: write the closed form, or declare a `param` for the inner sum",
};

/// Turns of one `for`.
pub const FOR_TURNS: Budget =
    Budget { what: "iterations of one `for`", most: 20_000, help: "a system has at most 4096 subsystems" };

/// Phases of one cycle, the cycles in it put in their places.
pub const CYCLE_PHASES: Budget = Budget {
    what: "phases of one cycle after expansion of the cycles in it",
    most: 10_000,
    help: "a cycle that contains another twice is twice as long",
};

/// Members of an ensemble with the scans of its phase cycles.
pub const MEMBERS: Budget =
    Budget { what: "members of the ensemble", most: 1_000_000, help: "give the distributions fewer `points`" };

/// Members of an ensemble that are propagated each on its own, whose sequences lie in memory together.
pub const MEMBERS_AT_ONCE: Budget = Budget {
    what: "members of the ensemble that cannot be propagated in batches",
    most: 200_000,
    help: "give the distributions fewer `points`; `ergoseq show FILE --stage plan` says how members are propagated",
};

/// Nodes of one Gauss quadrature.
pub const QUADRATURE_NODES: Budget = Budget {
    what: "points of one Gauss quadrature",
    most: 2_000,
    help: "a smooth result needs about ten points; `seed = 1` draws random members instead",
};

/// Samples of all traces and acquisitions.
pub const SAMPLES: Budget = Budget {
    what: "samples of all traces in total",
    most: 500_000,
    help: "give `record` fewer points: extrema and times of extrema do not depend on them",
};

/// Points of all free induction decays.
pub const DECAY_POINTS: Budget =
    Budget { what: "points of all FIDs in total", most: 2_000_000, help: "give `acquire` fewer points" };

/// Points of all sweeps together.
pub const SWEEP_POINTS: Budget = Budget {
    what: "points of all sweeps in total",
    most: 100_000_000,
    help: "give fewer points, or fix some of the parameters with `--set`",
};

/// Values of one swept parameter, which are held while the sweep runs.
pub const SWEEP_VALUES: Budget = Budget {
    what: "values of one swept parameter",
    most: 10_000_000,
    help: "give fewer points, or sweep two parameters",
};

/// Points whose results are held at once.
pub const POINTS_AT_ONCE: Budget = Budget {
    what: "points held in memory at once",
    most: 200_000,
    help: "`ergoseq sweep FILE --output map.nc` writes a sweep of any length to a file",
};

/// All limits, in the order of the grammar.
pub const BUDGETS: &[&Budget] = &[
    &STATEMENTS,
    &EXPRESSION_PARTS,
    &RESULT_PARTS,
    &RESULTS,
    &OPERATOR_TERMS,
    &TURNS,
    &PRODUCT_ELEMENTS,
    &FOR_TURNS,
    &CYCLE_PHASES,
    &MEMBERS,
    &MEMBERS_AT_ONCE,
    &QUADRATURE_NODES,
    &SAMPLES,
    &DECAY_POINTS,
    &SWEEP_POINTS,
    &SWEEP_VALUES,
    &POINTS_AT_ONCE,
];

impl Budget {
    /// Whether so many are allowed.
    pub fn allows(&self, count: u64) -> bool {
        count <= self.most
    }

    /// Refuses a count beyond the limit.
    ///
    /// # Errors
    /// When there are more than `most`.
    pub fn check(&self, count: u64, place: Option<Span>) -> Result<(), Box<Diagnostic>> {
        if self.allows(count) { Ok(()) } else { Err(self.exceeded(place).into()) }
    }

    /// The message for a limit that is passed.
    pub fn exceeded(&self, place: Option<Span>) -> Diagnostic {
        let message = format!("more than {} {}", self.most, self.what);
        let diagnostic = match place {
            Some(span) => Diagnostic::new(Code::OverBudget, span, message).label("the limit is passed here"),
            None => Diagnostic::without_place(Code::OverBudget, message),
        };
        diagnostic.help(self.help)
    }
}

/// `a * b`, and the largest number there is where that is larger.
pub fn product(a: usize, b: usize) -> u64 {
    (a as u64).saturating_mul(b as u64)
}
