//! What a channel has transmitted so far.

/// What a channel has sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Its energy, as a time at the limit of the channel.
    pub energy: f64,
    /// For how long it was on.
    pub on: f64,
}
