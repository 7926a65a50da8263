//! What no console can do, and what to write in its place.

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::State;
use crate::source::Span;
use crate::syntax::Expr;

/// A statement that cannot be exported, with the reason under it and what to do.
fn refusal(span: Span, message: impl Into<String>, reason: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::NotExported, span, message).label(reason).help(help)
}

/// States other than thermal ones.
pub fn state(span: Span, states: &[State]) -> Diagnostic {
    let what = match states.first() {
        Some(State::Gibbs { .. } | State::HighTemperature { .. }) => "a Gibbs state of another Hamiltonian",
        Some(State::SteadyState { .. }) => "the steady state of a Hamiltonian with relaxation",
        Some(State::Mixed { .. } | State::Thermal { .. }) => "a state with unpolarised spins",
        Some(State::Density { .. }) => "a density matrix from a file",
        Some(State::Mix(_)) => "a mixture",
        Some(State::Superposition(_) | State::Ket { .. } | State::Up { .. } | State::Down { .. }) => "a pure state",
        Some(State::Fock { .. } | State::Dicke { .. } | State::Definite { .. }) | None => "this state",
    };
    refusal(
        span,
        format!("{what} is not the initial state of a sample"),
        "a sample starts in the `thermal` state",
        "write `prepare thermal` and the pulses that prepare the state",
    )
}

/// Evolution under a Hamiltonian that is only written.
pub fn evolve(span: Span, hamiltonian: &Expr) -> Diagnostic {
    refusal(
        span,
        format!("`evolve {hamiltonian}` has no pulses"),
        "cannot be transmitted",
        "write the pulses and delays that implement it; see `use \"library:couplings\"` and `use \"library:dipolar\"`",
    )
}

/// What does not commute with an operator vanishes.
pub fn dephase(span: Span, operator: &Expr) -> Diagnostic {
    refusal(
        span,
        format!("`dephase {operator}` removes the coherences with respect to one operator"),
        "no pulse or gradient does this",
        "use a `delay` of several T2, or a `crush`",
    )
}

/// A reset.
pub fn reset(span: Span) -> Diagnostic {
    refusal(
        span,
        "`reset` takes spins out of the sample and puts others in their place",
        "no console does that",
        "take a `delay` of five T1 for spins that relax fast, or prepare the new state by pulses and a `crush`",
    )
}

/// A noise during a statement.
pub fn noise(span: Span, name: &str) -> Diagnostic {
    refusal(
        span,
        format!("the noise `{name}` acts during this statement"),
        "a console has no noise to switch on",
        "leave `with` out: the sample brings its own relaxation",
    )
}

/// Feedback of a mean.
pub fn read(span: Span) -> Diagnostic {
    refusal(
        span,
        "`read` feeds a mean of the state back into the sequence",
        "no console computes pulses from what it measures in the same scan",
        "run the emulator, take the values from `ergoseq show --stage hamiltonian`, or repeat the experiment once a step",
    )
}

/// A measurement whose outcome decides what follows.
pub fn project(span: Span) -> Diagnostic {
    refusal(
        span,
        "`project` measures one spin of every molecule and goes on as its outcome says",
        "a console sees the mean over all molecules only",
        "write the conditional pulse as one that an ancilla spin controls by its J coupling, and a `crush` in the place of the measurement",
    )
}

/// A filter of coherence orders.
pub fn filter(span: Span) -> Diagnostic {
    refusal(
        span,
        "`crush keep` is a filter of coherence orders",
        "a gradient removes all nonzero orders",
        "write a phase cycle that selects these orders: use a `cycle` in the phases of the pulses and of `acquire`",
    )
}

/// Something that differs from point to point of a sweep, and is neither a time nor a flip angle nor a count: the points are experiments
/// of their own.
pub fn differs(span: Span, what: &str) -> Diagnostic {
    let message = format!("{what} changes during the sweep: each point is exported as a separate experiment");
    Diagnostic::new(Code::ExportedOtherwise, span, message)
        .label("only times, flip angles and loop counts can become lists")
        .help("`points.csv` lists the experiments; run them in that order")
}

/// More points than there are experiments of one export.
pub fn experiments(span: Option<Span>, points: usize, most: usize) -> Diagnostic {
    let message = format!("{points} points, each a separate experiment, exceed the maximum of {most}");
    let diagnostic = match span {
        Some(span) => Diagnostic::new(Code::NotExported, span, message).label("swept here"),
        None => Diagnostic::without_place(Code::NotExported, message),
    };
    diagnostic.help("sweep fewer points, or set parameters with `--set`")
}

/// More rows than a list of a console has.
pub fn rows(span: Option<Span>, rows: usize, most: usize) -> Diagnostic {
    let message = format!("{rows} points exceed the {most} entries of a list");
    let diagnostic = match span {
        Some(span) => Diagnostic::new(Code::NotExported, span, message).label("swept here"),
        None => Diagnostic::without_place(Code::NotExported, message),
    };
    diagnostic.help("sweep fewer points, or set parameters with `--set`")
}

/// Natural units.
pub fn natural() -> Diagnostic {
    Diagnostic::without_place(Code::NotExported, "a program in natural units has no seconds and no hertz")
        .help("write the experiment in `units lab`: times in us, rf amplitudes in kHz")
}

/// A nucleus in which the system has no spin and which no table has.
pub fn nothing(span: Span) -> Diagnostic {
    refusal(
        span,
        "this sequence has no pulses and no acquisition",
        "there is nothing to export",
        "add pulses: `pulse 1H 90 deg phase x rf = 100 kHz`",
    )
}

/// A second acquisition.
pub fn second_acquisition(span: Span) -> Diagnostic {
    refusal(
        span,
        "a scan has one acquisition",
        "the second acquisition of a scan",
        "export two files: the sequence up to the first acquisition, and up to the second",
    )
}

/// A pulse among others that says when it begins.
pub fn begins_later(span: Span) -> Diagnostic {
    refusal(
        span,
        "simultaneous pulses are exported by their alignment",
        "has its own start time",
        "remove `start`, or split the block into successive pulses and delays",
    )
}

/// Decoupling while a signal is received.
pub fn decoupled(span: Span) -> Diagnostic {
    refusal(
        span,
        "pulses on other channels during the acquisition are not exported",
        "pulse during the acquisition",
        "remove the pulses parallel to `acquire`, and switch on decoupling in the exported program: `go=2 ph31 cpd2:f2`",
    )
}

/// Decoupling during statements, to a simulator or beside the carrier.
pub fn decouple(span: Span, beside_carrier: bool) -> Diagnostic {
    match beside_carrier {
        true => refusal(
            span,
            "decoupling with an `offset` is not exported",
            "a decoupling sequence beside the carrier",
            "give the channel this carrier: `channel 13C { carrier = 20 ppm }`",
        ),
        false => refusal(
            span,
            "`decouple` is not exported to SIMPSON",
            "a decoupling sequence during statements",
            "write its pulses in `parallel` with those of the other channels",
        ),
    }
}

/// A decoupling sequence that a console does not have, or has with other pulses.
pub fn sequence(span: Span, sequence: &str, console: &str) -> Diagnostic {
    refusal(
        span,
        format!("`decouple ... {sequence}` is not exported to {console}"),
        "no decoupling program of the console has these pulses for certain",
        "remove the block, and switch on decoupling in the exported program",
    )
}

/// A signal with one point per cycle.
pub fn stroboscopic(span: Span) -> Diagnostic {
    refusal(
        span,
        "stroboscopic acquisition (`acquire ... every { ... }`) is not exported",
        "one point per cycle",
        "sweep the number of cycles instead: `param n = 1`, `loop n { ... }`, `acquire ... points 1 ...`, `sweep n = 1 .. 64 points 64`",
    )
}

/// Something behind the acquisition.
pub fn behind_acquisition(span: Span) -> Diagnostic {
    refusal(
        span,
        "no pulses are possible after the acquisition",
        "the scan ends with the acquisition",
        "move it before `acquire`, or remove it",
    )
}
