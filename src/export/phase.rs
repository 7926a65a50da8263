//! The sense of phases: the one place that decides what a console calls a phase.

/// A phase in the degrees of a console. Consoles count phases as files do: x is 0, y is 90, -x is 180, -y is 270 degrees, for pulses and
/// for the receiver.
pub fn console_phase(phase: f64) -> f64 {
    phase.to_degrees()
}
