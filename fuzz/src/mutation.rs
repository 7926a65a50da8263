//! Damage to an input: bytes, words, lines and pieces of other inputs; the same for the same seed.

/// A stream of numbers (SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 where there is none.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }
}

/// Whether a byte is part of a word.
fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// The word at a place, or the one sign there.
fn word_at(input: &[u8], at: usize) -> std::ops::Range<usize> {
    if !input.get(at).copied().is_some_and(is_word) {
        return at.min(input.len())..(at + 1).min(input.len());
    }
    let start = input[..at].iter().rposition(|b| !is_word(*b)).map_or(0, |k| k + 1);
    let end = input[at..].iter().position(|b| !is_word(*b)).map_or(input.len(), |k| at + k);
    start..end
}

/// The line at a place, with its end.
fn line_at(input: &[u8], at: usize) -> std::ops::Range<usize> {
    let at = at.min(input.len());
    let start = input[..at].iter().rposition(|b| *b == b'\n').map_or(0, |k| k + 1);
    let end = input[at..].iter().position(|b| *b == b'\n').map_or(input.len(), |k| at + k + 1);
    start..end
}

/// Numbers at the ends of what can be written: products and quotients of them are infinite or zero.
const EXTREMES: &[&str] =
    &["1e308", "-1e308", "5e-324", "1e-308", "1e200", "1e15", "4294967296", "9223372036854775808"];

/// The first number that begins at a place or after it.
fn number_from(input: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let begins =
        |k: &usize| input[*k].is_ascii_digit() && (*k == 0 || !is_word(input[*k - 1]) && input[*k - 1] != b'.');
    let start = (at..input.len()).find(begins)?;
    let is_part = |k: usize| match input[k] {
        b'0'..=b'9' | b'.' => true,
        b'e' | b'E' => input.get(k + 1).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')),
        b'+' | b'-' => matches!(input[k - 1], b'e' | b'E'),
        _ => false,
    };
    let end = (start + 1..input.len()).find(|k| !is_part(*k)).unwrap_or(input.len());
    Some(start..end)
}

/// Puts an extreme number in the place of one.
pub fn make_extreme(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let extreme = EXTREMES[random.below(EXTREMES.len())];
    if let Some(range) = number_from(input, at) {
        input.splice(range, extreme.bytes());
    }
}

/// Damages an input once. `words` are put in, and pieces of `other`.
pub fn damage(input: &mut Vec<u8>, random: &mut Random, words: &[&str], other: &[u8]) {
    let at = random.below(input.len() + 1);
    let word = words.get(random.below(words.len())).copied().unwrap_or_default().as_bytes().to_vec();
    match random.below(15) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.below(256) as u8;
            }
        }
        2 => {
            input.splice(at..at, word);
        }
        3 | 4 => {
            let range = word_at(input, at);
            input.splice(range, word);
        }
        5 => {
            let range = word_at(input, at);
            input.drain(range);
        }
        6 => {
            // Two words change their places.
            let (one, two) = (word_at(input, at), word_at(input, random.below(input.len() + 1)));
            let (one, two) = if one.start <= two.start { (one, two) } else { (two, one) };
            if one.end <= two.start {
                let (first, second) = (input[one.clone()].to_vec(), input[two.clone()].to_vec());
                input.splice(two, first);
                input.splice(one, second);
            }
        }
        7 => {
            input.drain(line_at(input, at));
        }
        8 => {
            let line = input[line_at(input, at)].to_vec();
            let to = line_at(input, random.below(input.len() + 1)).start;
            input.splice(to..to, line);
        }
        9 => {
            let end = (at + 1 + random.below(40)).min(input.len());
            input.drain(at.min(end)..end);
        }
        10 => {
            // A piece once more, up to a hundred times.
            let end = (at + 1 + random.below(12)).min(input.len());
            let piece = input[at.min(end)..end].to_vec().repeat(1 << random.below(7));
            input.splice(at..at, piece);
        }
        11 => input.truncate(at),
        12 => {
            let from = random.below(other.len() + 1);
            let end = (from + 1 + random.below(200)).min(other.len());
            input.splice(at..at, other[from.min(end)..end].to_vec());
        }
        13 => make_extreme(input, random),
        _ => {
            let line = other[line_at(other, random.below(other.len() + 1))].to_vec();
            let to = line_at(input, at).start;
            input.splice(to..to, line);
        }
    }
}
