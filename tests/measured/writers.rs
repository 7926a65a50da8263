//! Decays written as others write them, independently of what reads them.

use ergoseq::linalg::C64;

/// Numbers as whole ones: largest about 2^27, as converters give.
pub fn whole(points: &[C64], scale: f64) -> Vec<[i32; 2]> {
    points.iter().map(|z| [(z.re * scale).round() as i32, (z.im * scale).round() as i32]).collect()
}

/// Parameters of Bruker's, as TopSpin writes them around those that matter.
pub fn acqus(nucleus: &str, points: usize, more: &str) -> String {
    let base = if nucleus == "1H" { 498.15 } else { 125.28 };
    format!(
        "##TITLE= Parameter file, TopSpin 3.6.2\n##JCAMPDX= 5.0\n##NPOINTS= 10\t$$ modification sequence number\n\
         ##OWNER= nmr\n$$ 2019-12-24 08:11:00.798 +0100  nmr@spect\n##$BF1= {base}\n##$D= (0..3)\n0 5 0.03 0\n##$NUC1= <{nucleus}>\n\
         ##$O1= 0\n##$SFO1= {base}\n##$SW_h= 2000.0\n##$TD= {}\n{more}##END=\n",
        2 * points
    )
}

pub fn int32(numbers: &[[i32; 2]], big: bool) -> Vec<u8> {
    numbers.iter().flatten().flat_map(|x| if big { x.to_be_bytes() } else { x.to_le_bytes() }).collect()
}

pub fn float64(points: &[C64], big: bool) -> Vec<u8> {
    let parts = points.iter().flat_map(|z| [z.re, z.im]);
    parts.flat_map(|x| if big { x.to_be_bytes() } else { x.to_le_bytes() }).collect()
}

/// The ways to write the numbers of JCAMP-DX.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Affn,
    Pac,
    Sqz,
    DifDup,
}

/// A number whose first digit and sign are a letter.
fn lettered(x: i64, zero: char, plus: char, minus: char) -> String {
    let digits = x.abs().to_string();
    let (first, rest) = digits.split_at(1);
    let first = first.as_bytes()[0] - b'0';
    let of = |base: char| char::from(base as u8 + first - 1);
    match (x, first) {
        (_, 0) => zero.to_string(),
        (1.., _) => format!("{}{rest}", of(plus)),
        _ => format!("{}{rest}", of(minus)),
    }
}

fn page(numbers: &[i64], form: Form) -> String {
    const PER_LINE: usize = 8;
    let mut out = String::new();
    for (line, own) in numbers.chunks(PER_LINE).enumerate() {
        out += &(line * PER_LINE).to_string();
        match form {
            Form::Affn => own.iter().for_each(|x| out += &format!(" {x}")),
            Form::Pac => own.iter().for_each(|x| out += &format!("{x:+}")),
            Form::Sqz => own.iter().for_each(|x| out += &lettered(*x, '@', 'A', 'a')),
            Form::DifDup => {
                out += &lettered(own[0], '@', 'A', 'a');
                // The line goes on to the first number of the next one, which repeats it as a check.
                let next = numbers.get((line + 1) * PER_LINE);
                let all: Vec<i64> = own.iter().chain(next).copied().collect();
                let steps: Vec<i64> = all.windows(2).map(|w| w[1] - w[0]).collect();
                for same in steps.chunk_by(|a, b| a == b) {
                    out += &lettered(same[0], '%', 'J', 'j');
                    if same.len() > 1 {
                        // A count of 2 to 8.
                        out.push(char::from(b'S' + same.len() as u8 - 1));
                    }
                }
            }
        }
        out.push('\n');
    }
    out
}

/// JCAMP-DX.
pub fn jcamp(points: &[C64], nucleus: &str, scale: f64, form: Form) -> String {
    let numbers = whole(points, scale);
    let part = |k: usize| numbers.iter().map(|x| i64::from(x[k])).collect::<Vec<_>>();
    let (n, factor) = (points.len(), 1.0 / scale);
    let (element, digits) = nucleus.split_at(nucleus.find(char::is_alphabetic).unwrap());
    let packed = if form == Form::Affn { "AFFN" } else { "ASDF" };
    format!(
        "##TITLE= t\n##JCAMPDX= 5.01\n##DATA TYPE= NMR FID\n##DATA CLASS= NTUPLES\n##ORIGIN= x\n##OWNER= y\n\
         ##.OBSERVE FREQUENCY= {}\n##.OBSERVE NUCLEUS= ^{element}{digits}\n##.DELAY= (0, 0)\n##.ACQUISITION MODE= SIMULTANEOUS\n\
         ##NTUPLES= NMR FID\n##VAR_NAME= TIME, FID/REAL, FID/IMAG, PAGE NUMBER\n##SYMBOL= X, R, I, N\n\
         ##VAR_FORM= AFFN, {packed}, {packed}, AFFN\n##VAR_DIM= {n}, {n}, {n}, 2\n##UNITS= SECONDS, ARBITRARY UNITS, ARBITRARY UNITS,\n\
         ##FIRST= 0, 0, 0, 1\n##LAST= {}, 0, 0, 2\n##FACTOR= 0.0005, {factor:e}, {factor:e}, 1\n\
         ##PAGE= N=1\n##DATA TABLE= (X++(R..R)), XYDATA\n{}##PAGE= N=2\n##DATA TABLE= (X++(I..I)), XYDATA\n{}##END NTUPLES= NMR FID\n##END=\n",
        if nucleus == "1H" { 498.15 } else { 125.28 },
        0.0005 * (n - 1) as f64,
        page(&part(0), form),
        page(&part(1), form)
    )
}

/// SIMPSON's text, with more in its head.
pub fn simpson(points: &[C64], more: &str) -> String {
    let lines: String = points.iter().map(|z| format!("{:e} {:e}\n", z.re, z.im)).collect();
    format!("SIMP\nNP={}\nSW=2000.0\n{more}DATA\n{lines}END\n", points.len())
}

/// SIMPSON's packed form: six bits a letter, a float with a mantissa below 1.
pub fn simpson_packed(points: &[C64]) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    for x in points.iter().flat_map(|z| [z.re, z.im]) {
        // 0.5 <= mantissa < 1 and 2^exponent, as frexp has it.
        let exponent = if x == 0.0 { 0 } else { x.abs().log2().floor() as i32 + 1 };
        let mantissa = (x.abs() * 2f64.powi(-exponent) * f64::from(1 << 23)) as u32;
        bytes.extend((u32::from(x < 0.0) << 31 | ((exponent + 127) as u32) << 23 | mantissa & 0x7f_ffff).to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(3), 0);
    let mut text = String::new();
    for (k, b) in bytes.chunks(3).enumerate() {
        let six = [b[0] & 63, (b[0] & 0xc0) >> 2 | b[1] & 15, (b[1] & 0xf0) >> 2 | b[2] & 3, b[2] >> 2];
        text.extend(six.map(|x| char::from(x + b'!')));
        if k % 16 == 15 {
            text.push('\n');
        }
    }
    format!("SIMP\nNP={}\nSW=2000\nTYPE=FID\nFORMAT=BINARY\nDATA\n{}\nEND\n", points.len(), text.trim_end())
}

/// Varian's `fid` of floats, in whose numbers frequencies run the other way.
pub fn varian(points: &[C64], scale: f64) -> Vec<u8> {
    let n = 2 * points.len() as i32;
    let mut out: Vec<u8> = [1, 1, n, 4, 4 * n, 4 * n + 28].iter().flat_map(|x: &i32| x.to_be_bytes()).collect();
    out.extend([0, 0, 0, 0x1 | 0x4 | 0x8, 0, 0, 0, 1]);
    out.extend([0; 28]);
    out.extend(points.iter().flat_map(|z| [(z.re * scale) as f32, (-z.im * scale) as f32]).flat_map(f32::to_be_bytes));
    out
}

pub fn procpar(nucleus: &str) -> String {
    let (tn, sfrq) = if nucleus == "1H" { ("H1", 498.15) } else { ("C13", 125.28) };
    format!(
        "sfrq 1 1 1000000000 0 0 2 1 11 1 64\n1 {sfrq} \n0 \nsw 1 1 5 5 5 2 1 8203 1 64\n1 2000 \n0 \ntn 2 2 4 0 0 2 1 8 1 64\n1 \"{tn}\"\n0 \n"
    )
}

/// NMRPipe's file.
pub fn nmrpipe(points: &[C64], nucleus: &str, scale: f64) -> Vec<u8> {
    let mut numbers = vec![0f32; 512];
    for (place, x) in [(2, 2.345), (9, 1.0), (99, points.len() as f32), (100, 2000.0), (219, 1.0)] {
        numbers[place] = x;
    }
    numbers[119] = if nucleus == "1H" { 498.15 } else { 125.28 };
    numbers.extend(points.iter().map(|z| (z.re * scale) as f32));
    numbers.extend(points.iter().map(|z| (z.im * scale) as f32));
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    bytes[64..64 + nucleus.len()].copy_from_slice(nucleus.as_bytes());
    bytes
}
