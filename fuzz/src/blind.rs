//! Inputs without coverage, as fast as they can be read: `ergoseq-fuzz TARGET [EXECUTIONS [SEED]]`. Finds are written to
//! `target/fuzz/TARGET-HASH`; after a find that ends the program, `ERGOSEQ_FUZZ_TRACE=FILE` writes each input before it is read.

use crate::mutation::{Random, damage};
use crate::time::{self, Of};
use crate::{seeds, targets};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// The longest input, bytes.
const LONGEST: usize = 4096;

pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let target = arguments.first().and_then(|name| targets::named(name));
    let Some(target) = target else {
        let names: Vec<&str> = targets::TARGETS.iter().map(|t| t.name).collect();
        eprintln!("ergoseq-fuzz TARGET [EXECUTIONS [SEED]]: TARGET is one of {}", names.join(", "));
        return ExitCode::from(2);
    };
    let number = |k: usize, otherwise: u64| arguments.get(k).and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    // A file in place of a number is one input, read once.
    if let Some(path) = arguments.get(1).filter(|a| Path::new(a).is_file()) {
        (target.read)(&std::fs::read(path).unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let (executions, seed) = (number(1, 1_000_000), number(2, 1));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let corpus = seeds::seeds(root, target, LONGEST);
    let words = (target.words)();
    let trace = std::env::var_os("ERGOSEQ_FUZZ_TRACE");
    let mut random = Random(seed);
    let (begun, mut finds) = (Instant::now(), 0);
    for _ in 0..executions {
        let mut input = corpus[random.below(corpus.len())].clone();
        let other = &corpus[random.below(corpus.len())];
        for _ in 0..1 + random.below(6) {
            damage(&mut input, &mut random, &words, other);
        }
        input.truncate(LONGEST);
        if let Some(path) = &trace {
            std::fs::write(path, &input).expect("the trace is written");
        }
        let took = catch_unwind(AssertUnwindSafe(|| time::taken(Of::Program, target.read, &input)));
        let how = match took {
            Err(_) => "fails".to_string(),
            Ok(Some(took)) => format!("takes {:.1} s", took.as_secs_f64()),
            Ok(None) => continue,
        };
        finds += 1;
        keep(root, target.name, &input, &how);
    }
    println!(
        "{} executions {executions} seed {seed} seconds {:.0} finds {finds}",
        target.name,
        begun.elapsed().as_secs_f64()
    );
    if finds == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn keep(root: &Path, target: &str, input: &[u8], how: &str) {
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    let folder = root.join("target/fuzz");
    let path = folder.join(format!("{target}-{hash:016x}"));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    eprintln!("{} {how}; {}", path.display(), if kept.is_ok() { "kept" } else { "it cannot be kept" });
}
