//! How much work a file may ask for. Importing runs it, and a few lines can ask for more than any machine has: loops without end, texts
//! that double in every turn, propagators made of propagators. Each is counted before it is done.

use super::words::Wrong;

/// The most commands of a file.
pub const MOST_COMMANDS: usize = 500_000;

/// The most bytes of scripts, words and values that are read and made while a file runs.
pub const MOST_BYTES: usize = 50_000_000;

/// Reading a script into commands, or evaluating an expression, takes so many times more time than reading a value.
const SCRIPTS: usize = 4;

/// Copying a text takes so many times less time than reading it.
const COPIES: usize = 16;

/// The deepest nesting of scripts: of procedures, loops, branches and brackets.
pub const DEEPEST: usize = 120;

/// The most pulses, delays and comments that all scans record, those of every turn of a loop counted.
pub const MOST_ACTS: usize = 1_000_000;

/// The most scans in all FIDs, those of sums and copies counted.
pub const MOST_ADDED: usize = 200_000;

/// The most steps of one scan: loops whose turns are equal stay loops.
pub const MOST_STEPS: usize = 100_000;

/// The most steps of all scans.
pub const MOST_STEPS_IN_ALL: usize = 1_000_000;

/// The deepest nesting of loops in a propagator that is kept.
pub const DEEPEST_LOOPS: usize = 40;

/// The most nuclei, and the most interactions.
pub const MOST_NUCLEI: usize = 256;
/// See [`MOST_NUCLEI`].
pub const MOST_INTERACTIONS: usize = 10_000;

/// The most terms of an operator.
pub const MOST_TERMS: usize = 1_000;

/// What was done so far.
#[derive(Debug, Default)]
pub struct Work {
    commands: usize,
    bytes: usize,
    /// How many scripts are open.
    pub depth: usize,
}

impl Work {
    /// One more command.
    ///
    /// # Errors
    /// When there are too many.
    pub fn command(&mut self, at: usize) -> Result<(), Wrong> {
        self.commands += 1;
        if self.commands > MOST_COMMANDS {
            return Err((format!("the file executes more than {MOST_COMMANDS} commands"), at));
        }
        Ok(())
    }

    /// A text that is read.
    ///
    /// # Errors
    /// When there is too much of it.
    pub fn text(&mut self, bytes: usize, at: usize) -> Result<(), Wrong> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            return Err((format!("the commands of the file process more than {MOST_BYTES} bytes of text"), at));
        }
        Ok(())
    }

    /// A script that is read, or an expression.
    ///
    /// # Errors
    /// When there is too much of it.
    pub fn script(&mut self, bytes: usize, at: usize) -> Result<(), Wrong> {
        self.text(bytes.saturating_mul(SCRIPTS), at)
    }

    /// A text that is copied.
    ///
    /// # Errors
    /// When there is too much of it.
    pub fn copy(&mut self, bytes: usize, at: usize) -> Result<(), Wrong> {
        self.text(bytes / COPIES, at)
    }

    /// Whether a limit is passed: nothing more is done.
    pub fn is_over(&self) -> bool {
        self.commands > MOST_COMMANDS || self.bytes > MOST_BYTES
    }
}
