//! Files that nmrglue has written are read to the numbers that it was given, and their frequencies have its sign.

use super::{cases, ergoseq, said, scratch};
use ergoseq::decays::bruker::{Kind, bruker};
use ergoseq::decays::jcamp::jcamp;
use ergoseq::decays::nmrpipe::nmrpipe;
use ergoseq::decays::simpson::simpson;
use ergoseq::decays::varian::varian;
use ergoseq::decays::{Indirect, Series};
use ergoseq::linalg::C64;
use std::f64::consts::TAU;

pub fn text(name: &str) -> String {
    std::fs::read_to_string(cases("decays").join(name)).unwrap()
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(cases("decays").join(name)).unwrap()
}

/// The rule of the counted files.
fn counted(rows: usize, points: usize) -> Vec<Vec<C64>> {
    let part = |k: usize, a: usize, m: usize, b: f64| (k * a % m) as f64 - b;
    let point = |k: usize| C64::new(part(k, 7, 101, 50.0), part(k, 13, 97, 48.0));
    (0..rows).map(|row| (0..points).map(|k| point(row * points + k)).collect()).collect()
}

fn bruker_folder(name: &str) -> Series {
    let (acqus, acqu2s) = (text(&format!("{name}/acqus")), cases("decays").join(name).join("acqu2s"));
    let acqu2s = std::fs::read_to_string(acqu2s).ok();
    let (file, kind) = if acqu2s.is_some() { ("ser", Kind::Ser) } else { ("fid", Kind::Fid) };
    bruker(&acqus, acqu2s.as_deref(), &bytes(&format!("{name}/{file}")), kind).unwrap()
}

fn varian_folder(name: &str) -> Series {
    varian(&text(&format!("{name}/procpar")), &bytes(&format!("{name}/fid"))).unwrap()
}

#[test]
fn numbers_agree_point_for_point() {
    for name in ["bruker_int_little", "bruker_int_big", "bruker_double_little", "bruker_double_big"] {
        let series = bruker_folder(name);
        assert_eq!(series.rows, counted(1, 128), "{name}");
        assert_eq!((series.dwell, series.nucleus.as_deref()), (1e-4, Some("13C")), "{name}");
        // DSPFVS 12 and DECIM 24 of Bruker's table.
        assert!((series.delay - (70.0 + 1.0 / 6.0)).abs() < 1e-12, "{name}");
        assert_eq!((series.base, series.transmitter), (Some(1e8), Some(100.002e6)), "{name}");
    }
    for (name, kind) in [("bruker_ser", Indirect::Rows), ("bruker_states", Indirect::States)] {
        let series = bruker_folder(name);
        assert_eq!((series.rows, series.indirect), (counted(4, 128), Some(kind)), "{name}");
        assert_eq!(series.indirect_dwell, Some(2e-3), "{name}");
    }
    assert_eq!(varian_folder("varian_one").rows, counted(1, 128));
    assert_eq!(varian_folder("varian_two").rows, counted(4, 128));
    let one = nmrpipe(&bytes("pipe_one.fid")).unwrap();
    assert_eq!((one.rows, one.dwell, one.nucleus.as_deref()), (counted(1, 128), 1e-4, Some("13C")));
    let two = nmrpipe(&bytes("pipe_two.fid")).unwrap();
    assert_eq!((two.rows, two.indirect), (counted(4, 128), Some(Indirect::States)));
}

/// The amplitude of a frequency in a decay.
fn at(points: &[C64], dwell: f64, frequency: f64) -> f64 {
    let turned = points.iter().enumerate().map(|(k, z)| z * C64::cis(-TAU * frequency * dwell * k as f64));
    turned.sum::<C64>().norm()
}

/// A line above the carrier: nmrglue converts it to the form of every program, and each is read with the line above the carrier.
#[test]
fn a_higher_shift_is_a_higher_frequency() {
    for (name, series) in [
        ("bruker", bruker_folder("peak_bruker")),
        ("varian", varian_folder("peak_varian")),
        ("pipe", nmrpipe(&bytes("peak_pipe.fid")).unwrap()),
    ] {
        let rows: Vec<Vec<C64>> = series.spectrometer_rows().collect();
        let points = &rows[0];
        // A line of 1000 that decays within 100 points; its mirror image at 2 kHz from it has some 1 % of that.
        let (line, mirror) = (at(points, series.dwell, 1000.0), at(points, series.dwell, -1000.0));
        assert!(line > 9e4 && mirror < 0.05 * line, "{name}: {line} {mirror}");
    }
}

/// The same of what this program writes, for a nucleus of either sign of gamma.
#[test]
fn what_is_written_has_the_sign_of_the_spectrometer() {
    let folder = scratch("sign");
    for (nucleus, larmor) in [("13C", 67.2828e6 * 9.4 / TAU), ("15N", 27.1261804e6 * 9.4 / TAU)] {
        let file = folder.join(format!("{nucleus}.seq"));
        let experiment = format!(
            "ergoseq 1\nsystem {{\n field 9.4 T\n temperature 300 K\n spin s : {nucleus}\n shift s = 30 ppm\n relax s {{ T2 = 20 ms }}\n}}\n\
             channel {nucleus} {{ carrier = 20 ppm }}\nsequence {{\n prepare thermal\n pulse {nucleus} 90 deg phase y ideal\n \
             acquire {nucleus} points 512 dwell 200 us\n}}\nmeasure {{ signal({nucleus}) }}\n"
        );
        std::fs::write(&file, experiment).unwrap();
        let file = file.to_str().unwrap();
        let write = |format: &str| {
            let done = ergoseq(&["run", file, "--format", format]);
            assert_eq!(done.status.code(), Some(0), "{}", said(&done));
            String::from_utf8(done.stdout).unwrap()
        };
        let offset = 10e-6 * larmor;
        let text = simpson(&write("simpson")).unwrap();
        let packed = jcamp(&write("jcamp")).unwrap();
        for series in [&text, &packed] {
            let (line, mirror) =
                (at(&series.rows[0], series.dwell, offset), at(&series.rows[0], series.dwell, -offset));
            assert!(mirror < 0.1 * line, "{nucleus}: {line} {mirror}");
        }
        // Whole numbers of 30 bits, and all others as they are.
        let largest = text.rows[0].iter().map(|z| z.norm()).fold(0.0, f64::max);
        for (a, b) in text.rows[0].iter().zip(&packed.rows[0]) {
            assert!((a - b).norm() < 2e-9 * largest);
        }
        assert_eq!((packed.nucleus.as_deref(), packed.rows[0].len()), (Some(nucleus), 512));
        assert!((packed.dwell / 2e-4 - 1.0).abs() < 1e-12 && (text.dwell / 2e-4 - 1.0).abs() < 1e-12);
        let spectrum = write("spectrum");
        let row = |line: &str| -> Vec<f64> { line.split(',').skip(1).map(|x| x.parse().unwrap()).collect() };
        let top = spectrum.lines().skip(1).map(row).max_by(|a, b| a[4].total_cmp(&b[4])).unwrap();
        // The grid has steps of 4.9 Hz.
        assert!((top[0] - offset).abs() < 5.0 && (top[1] - 30.0).abs() < 5e6 / larmor, "{nucleus}: {top:?}");
    }
}
