//! A short run of the targets of `fuzz/`: every find that is kept, and each input of the corpus damaged a few times. `fuzz/README.md` says
//! how the same targets run for hours. `ERGOSEQ_CASES` is the number of inputs of each target, `ERGOSEQ_SEED` another beginning.

#[path = "../../src/bin/ergoseq/lsp.rs"]
#[allow(dead_code)]
mod lsp;
#[path = "../../fuzz/src/mutation.rs"]
mod mutation;
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;
#[path = "../../fuzz/src/time.rs"]
mod time;
#[path = "../../src/bin/ergoseq/transport.rs"]
#[allow(dead_code)]
mod transport;

use mutation::{Random, damage, make_extreme};
use std::path::Path;
use targets::TARGETS;
use targets::server::{Outcome, files, reach};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What once broke a law, or took too long, does so no more.
#[test]
fn finds_stay_mended() {
    let mut count = 0;
    for folder in std::fs::read_dir(root().join("fuzz/found")).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let target = targets::named(&name).unwrap_or_else(|| panic!("there is no target `{name}`"));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            let took = time::taken(time::Of::Thread, target.read, &std::fs::read(&path).unwrap());
            assert!(took.is_none(), "{} takes {took:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

/// Reads inputs of every target, each an input of its corpus that `change` has changed, with the words of the target and another input.
fn changed_inputs(otherwise: u64, change: fn(&mut Vec<u8>, &mut Random, &[&str], &[u8])) {
    let (cases, seed) = (number("ERGOSEQ_CASES", 400), number("ERGOSEQ_SEED", otherwise));
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || {
                let corpus = seeds::seeds(root(), target, 2048);
                assert!(corpus.len() > 2, "{} has no corpus", target.name);
                let words = (target.words)();
                let mut random = Random(seed);
                for _ in 0..cases {
                    let mut input = corpus[random.below(corpus.len())].clone();
                    let other = &corpus[random.below(corpus.len())];
                    change(&mut input, &mut random, &words, other);
                    let shown = Shown(target.name, &input);
                    (target.read)(&input);
                    drop(shown);
                }
            });
        }
    });
}

/// The laws of the targets hold for damaged inputs. A failure prints the input; after minimising it goes to `fuzz/found`.
#[test]
fn damaged_inputs_are_refused() {
    changed_inputs(1, |input, random, words, other| {
        (0..1 + random.below(4)).for_each(|_| damage(input, random, words, other));
    });
}

/// Good inputs with one extreme number are read or refused: no infinite number is written, nothing overflows.
#[test]
fn extreme_numbers_are_read_or_refused() {
    changed_inputs(2, |input, random, _, _| make_extreme(input, random));
}

/// An input that is printed if reading it fails.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {:?}", self.0, String::from_utf8_lossy(self.1));
        }
    }
}

/// Damage is the same for the same seed, and leaves few inputs as they were.
#[test]
fn damage_is_reproducible() {
    let text = b"ergoseq 1\nunits natural\nsystem { spin a, b : 1/2 }\n";
    let damaged = |seed: u64| {
        let mut input = text.to_vec();
        damage(&mut input, &mut Random(seed), &["thermal", "1e400"], b"other\nlines\n");
        input
    };
    let changed = (0..1000).filter(|seed| damaged(*seed) != text).count();
    assert!(changed > 800, "{changed} of 1000 are damaged");
    assert!((0..1000).all(|seed| damaged(seed) == damaged(seed)));
}
