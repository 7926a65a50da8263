//! Damaged inputs for every reader of ergoseq, for as long as one likes: `ergoseq-fuzz TARGET`. README.md says how.

#![cfg_attr(feature = "coverage", no_main)]

#[path = "../../src/bin/ergoseq/lsp.rs"]
#[allow(dead_code)]
mod lsp;
mod mutation;
#[cfg(not(feature = "coverage"))]
mod seeds;
mod targets;
mod time;
#[path = "../../src/bin/ergoseq/transport.rs"]
#[allow(dead_code)]
mod transport;

use targets::server::{Outcome, files, reach};

#[cfg(feature = "coverage")]
mod led;

#[cfg(not(feature = "coverage"))]
mod blind;

#[cfg(not(feature = "coverage"))]
fn main() -> std::process::ExitCode {
    blind::main()
}
