//! How a command ends.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Done = 0,
    /// The file or the physics is wrong.
    Wrong = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Something could not be read or written.
    Files = 3,
}
