//! What a channel has transmitted so far.

/// Transmission of a channel.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Its rf load, as an equivalent time at the rf limit of the channel, s.
    pub energy: f64,
    /// Its total on-time, s.
    pub on: f64,
}
