//! Files that are cut off or damaged are refused or read to fewer sizes than theirs; no reader panics, and none takes memory for what a
//! file only promises.

use super::nmrglue::{bytes, text};
use super::writers::{Form, jcamp as jcamp_text, simpson as simpson_text, simpson_packed};
use ergoseq::decays::bruker::{Kind, bruker};
use ergoseq::decays::jcamp::jcamp;
use ergoseq::decays::nmrpipe::nmrpipe;
use ergoseq::decays::simpson::simpson;
use ergoseq::decays::varian::varian;
use ergoseq::decays::{MOST_POINTS, Series};
use ergoseq::delimited;
use ergoseq::linalg::C64;
use ergoseq::source::data_text;

/// A linear congruential generator: what is damaged is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Some damage: bytes changed, taken out, doubled, cut off, or digits made more.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(out.len());
        match random.below(6) {
            0 => out.truncate(at),
            1 if !out.is_empty() => out[at] = random.below(256) as u8,
            2 if !out.is_empty() => drop(out.remove(at)),
            3 => out.splice(at..at, *b"99999999").for_each(drop),
            4 => {
                let end = (at + random.below(64)).min(out.len());
                let again = out[at..end].to_vec();
                out.splice(at..at, again).for_each(drop);
            }
            _ if !out.is_empty() => out[at] = b"+-eE?,;.0 \nASsjZ%"[random.below(17)],
            _ => {}
        }
    }
    out
}

/// A series holds no more than its file does, but for repetitions of JCAMP-DX, which have a bound of their own.
fn fits(series: Result<Series, String>, bytes: usize, packed: bool) {
    if let Ok(series) = series {
        let points: usize = series.rows.iter().map(Vec::len).sum();
        assert!(points <= if packed { MOST_POINTS } else { bytes });
        assert!(series.dwell > 0.0 && series.delay >= 0.0 && !series.rows.is_empty());
    } else if let Err(why) = series {
        assert!(why.len() > 5, "{why}");
    }
}

const TRIES: usize = 1500;

#[test]
fn binary_readers_do_not_panic() {
    let mut random = Random(1);
    for folder in ["bruker_int_little", "bruker_double_big", "bruker_states"] {
        let (acqus, two) = (text(&format!("{folder}/acqus")), folder == "bruker_states");
        let (name, kind) = if two { ("ser", Kind::Ser) } else { ("fid", Kind::Fid) };
        let (data, acqu2s) = (bytes(&format!("{folder}/{name}")), two.then(|| text(&format!("{folder}/acqu2s"))));
        for _ in 0..TRIES {
            let head = data_text(&damaged(acqus.as_bytes(), &mut random));
            let second = acqu2s.as_ref().map(|s| data_text(&damaged(s.as_bytes(), &mut random)));
            let points = if random.below(2) == 0 { data.clone() } else { damaged(&data, &mut random) };
            fits(bruker(&head, second.as_deref(), &points, kind), points.len(), false);
        }
    }
    for (name, pipe) in [("varian_two", false), ("pipe_two.fid", true)] {
        let data = if pipe { bytes(name) } else { bytes(&format!("{name}/fid")) };
        let head = if pipe { String::new() } else { text(&format!("{name}/procpar")) };
        for _ in 0..2 * TRIES {
            let mut points = damaged(&data, &mut random);
            if !points.is_empty() && random.below(2) == 0 {
                // The header is where sizes stand.
                points = data.clone();
                let at = random.below(if pipe { 1000 } else { 60 });
                points[at] = random.below(256) as u8;
            }
            let read = if pipe {
                nmrpipe(&points)
            } else {
                varian(&data_text(&damaged(head.as_bytes(), &mut random)), &points)
            };
            fits(read, points.len(), false);
        }
    }
}

#[test]
fn text_readers_do_not_panic() {
    let mut random = Random(2);
    let points: Vec<C64> = (0..40).map(|k| C64::cis(0.3 * f64::from(k)) * (-0.05 * f64::from(k)).exp()).collect();
    for form in [Form::Affn, Form::Pac, Form::Sqz, Form::DifDup] {
        let good = jcamp_text(&points, "1H", 1e4, form);
        assert!(jcamp(&good).is_ok());
        for _ in 0..TRIES {
            let bytes = damaged(good.as_bytes(), &mut random);
            fits(jcamp(&data_text(&bytes)), bytes.len(), true);
        }
    }
    for good in [simpson_text(&points, ""), simpson_packed(&points)] {
        assert!(simpson(&good).is_ok());
        for _ in 0..TRIES {
            let bytes = damaged(good.as_bytes(), &mut random);
            fits(simpson(&data_text(&bytes)), bytes.len(), false);
        }
    }
    for good in ["tau [us],f(a, b),error\n1.5,2,3\n2.5,,5\n", "\"a\";b (s);\n1,5;2;\n", "a\tb\n1\t2\n"] {
        for _ in 0..TRIES {
            let bytes = damaged(good.as_bytes(), &mut random);
            if let Ok(table) = delimited::table(&data_text(&bytes), |cells| cells.iter().any(|c| c.contains('a'))) {
                let width = table.rows.first().map_or(0, |r| r.1.len());
                assert!(table.rows.iter().all(|r| r.1.len() == width));
            }
        }
    }
}

/// A count of repetitions makes no more numbers than are announced, and no file announces more than there may be.
#[test]
fn promises_take_no_memory() {
    let file = |n: usize, data: &str| {
        format!(
            "##TITLE= t\n##DATA TYPE= NMR FID\n##SYMBOL= X, R, I\n##VAR_DIM= {n}, {n}, {n}\n##VAR_FORM= AFFN, ASDF, ASDF\n##FIRST= 0, 0, 0\n\
             ##LAST= 1, 0, 0\n##DATA TABLE= (X++(R..R)), XYDATA\n{data}\n##DATA TABLE= (X++(I..I)), XYDATA\n{data}\n##END=\n"
        )
    };
    assert_eq!(jcamp(&file(1000, "0A%s99")).unwrap().rows[0].len(), 1000);
    assert!(jcamp(&file(1000, "0As999999999999")).is_err());
    assert!(jcamp(&file(1 << 40, "0A")).unwrap_err().contains("expected 1 to"));
    assert!(bruker("##$SW_h= 1\n##$TD= 2e15\n", None, &[0; 64], Kind::Fid).unwrap_err().contains("the file has 16"));
    assert!(bruker("##$SW_h= 1\n##$TD= 4\n", Some("##$TD= 1e15\n"), &[0; 64], Kind::Ser).is_err());
    assert!(simpson("SIMP\nNP=4000000000\nSW=1\nTYPE=FID\nDATA\nEND\n").is_err());
}
