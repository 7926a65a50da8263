//! A block of pulses and delays, its length, and its statements in the language.

use std::f64::consts::{PI, TAU};

/// A rectangular pulse: `exp(-i angle (Ix cos phase + Iy sin phase))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Flip angle, rad, not negative.
    pub angle: f64,
    /// Phase, rad, from 0 to 2 pi.
    pub phase: f64,
}

impl Pulse {
    /// A pulse of any angle and phase: a negative angle is a rotation about the opposite axis.
    pub fn new(angle: f64, phase: f64) -> Pulse {
        let phase = if angle < 0.0 { phase + PI } else { phase };
        Pulse { angle: angle.abs(), phase: phase.rem_euclid(TAU) }
    }

    /// The inverse rotation.
    pub fn inverse(self) -> Pulse {
        Pulse::new(-self.angle, self.phase)
    }
}

/// An element of a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// Free evolution, s.
    Delay(f64),
    /// Simultaneous pulses with a common centre: at most one for each channel.
    Pulses(Vec<Option<Pulse>>),
    /// Repetitions of a body.
    Loop(u64, Vec<Element>),
    /// Simultaneous shaped pulses on all channels: their duration, s, and amplitude as a fraction of the largest nutation frequency and
    /// phase, rad, of every step of every channel.
    Shaped(f64, Vec<Vec<(f64, f64)>>),
}

/// A block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// Its elements, in order.
    pub elements: Vec<Element>,
}

/// What a channel needs to write its pulses.
#[derive(Debug, Clone, PartialEq)]
pub struct Transmitter {
    /// Its nucleus.
    pub nucleus: String,
    /// Its spins, by number.
    pub spins: Vec<usize>,
    /// Nutation frequency, rad/s; `None` for ideal pulses alone.
    pub rf: Option<f64>,
    /// Rise time constant of its pulses, s: their amplitude is `1 - exp(-t/rise)` of the nominal one; 0 if they rise at once.
    pub rise: f64,
}

impl Transmitter {
    /// Length of a pulse; ideal ones have none.
    pub fn length(&self, pulse: Pulse, ideal: bool) -> f64 {
        match self.rf {
            Some(rf) if !ideal => pulse.angle / rf,
            _ => 0.0,
        }
    }

    /// Mean amplitude between two times since the start of a pulse, as a fraction of the nominal one.
    pub fn response(&self, from: f64, to: f64) -> f64 {
        if self.rise <= 0.0 || to <= from {
            return 1.0;
        }
        let left = |t: f64| (-t / self.rise).exp();
        1.0 - self.rise * (left(from) - left(to)) / (to - from)
    }
}

/// Length of simultaneous pulses.
pub fn length(pulses: &[Option<Pulse>], channels: &[Transmitter], ideal: bool) -> f64 {
    let each = pulses.iter().zip(channels).filter_map(|(p, c)| p.map(|p| c.length(p, ideal)));
    each.fold(0.0, f64::max)
}

fn time(elements: &[Element], of: &impl Fn(&Element) -> f64) -> f64 {
    elements
        .iter()
        .map(|e| match e {
            Element::Loop(count, body) => *count as f64 * time(body, of),
            Element::Delay(_) | Element::Pulses(_) | Element::Shaped(..) => of(e),
        })
        .sum()
}

impl Block {
    /// Adds free evolution, joined with that before it; times below 1 fs are left out.
    pub fn delay(&mut self, t: f64) {
        if t < 1e-15 {
            return;
        }
        match self.elements.last_mut() {
            Some(Element::Delay(before)) => *before += t,
            _ => self.elements.push(Element::Delay(t)),
        }
    }

    /// Adds simultaneous pulses; angles that are rounding are left out.
    pub fn pulses(&mut self, pulses: Vec<Option<Pulse>>) {
        let pulses: Vec<Option<Pulse>> = pulses.into_iter().map(|p| p.filter(|p| p.angle > 1e-11)).collect();
        if pulses.iter().any(Option::is_some) {
            self.elements.push(Element::Pulses(pulses));
        }
    }

    /// Total length, s.
    pub fn duration(&self, channels: &[Transmitter], ideal: bool) -> f64 {
        time(&self.elements, &|e| match e {
            Element::Delay(t) => *t,
            Element::Pulses(p) => length(p, channels, ideal),
            Element::Shaped(t, _) => *t,
            Element::Loop(..) => 0.0,
        })
    }

    /// Time of free evolution, s.
    pub fn free_time(&self) -> f64 {
        time(&self.elements, &|e| if let Element::Delay(t) = e { *t } else { 0.0 })
    }

    /// Number of pulses, each repetition counted.
    pub fn count(&self) -> u64 {
        let of = |e: &Element| match e {
            Element::Pulses(p) => p.iter().flatten().count() as f64,
            Element::Shaped(_, shapes) => shapes.len() as f64,
            Element::Delay(_) | Element::Loop(..) => 0.0,
        };
        time(&self.elements, &of) as u64
    }

    /// The shapes of its shaped pulses, one for each channel.
    pub fn shapes(&self) -> Vec<&[(f64, f64)]> {
        fn all(elements: &[Element]) -> Vec<&[(f64, f64)]> {
            let mut out: Vec<&[(f64, f64)]> = Vec::new();
            for element in elements {
                match element {
                    Element::Shaped(_, shapes) => out.extend(shapes.iter().map(Vec::as_slice)),
                    Element::Loop(_, body) => out.extend(all(body)),
                    Element::Delay(_) | Element::Pulses(_) => {}
                }
            }
            out
        }
        all(&self.elements)
    }

    /// The block in the resolution with which it is written: delays in fs, angles and amplitudes in 1e-9 deg and 1e-9; the phases of shapes
    /// in 1e-7 deg.
    pub fn rounded(&self) -> Block {
        fn all(elements: &[Element]) -> Vec<Element> {
            let angle = |x: f64| (x.to_degrees() * 1e9).round() / 1e9;
            let one = |e: &Element| match e {
                Element::Delay(t) => Element::Delay((t * 1e15).round() / 1e15),
                Element::Pulses(p) => Element::Pulses(
                    p.iter()
                        .map(|p| {
                            p.map(|p| Pulse {
                                angle: angle(p.angle).to_radians(),
                                phase: (angle(p.phase) % 360.0).to_radians(),
                            })
                        })
                        .collect(),
                ),
                Element::Loop(count, body) => Element::Loop(*count, all(body)),
                Element::Shaped(t, shapes) => Element::Shaped(
                    (t * 1e15).round() / 1e15,
                    shapes.iter().map(|s| s.iter().map(|step| written_step(*step)).collect()).collect(),
                ),
            };
            elements.iter().map(one).collect()
        }
        Block { elements: all(&self.elements) }
    }

    /// The statements of the language.
    pub fn statements(&self, channels: &[Transmitter], ideal: bool) -> String {
        let mut out = String::new();
        write(&self.elements, channels, ideal, 1, &mut out);
        out
    }
}

/// A step in the resolution of a shape file.
fn written_step((amplitude, phase): (f64, f64)) -> (f64, f64) {
    let degrees = (phase.to_degrees() * 1e7).round() / 1e7 % 360.0;
    ((amplitude * 1e9).round() / 1e9, degrees.to_radians())
}

/// The name of the shape of a channel.
pub fn shape_name(channel: &Transmitter) -> String {
    format!("compiled_{}", channel.nucleus)
}

/// A shape as the text of a file: amplitude as a fraction of the largest, phase in degrees.
pub fn shape_file(steps: &[(f64, f64)]) -> String {
    let line = |(a, phase): &(f64, f64)| format!("{a:.9} {:.7}\n", phase.to_degrees());
    steps.iter().map(line).collect()
}

/// A number with at most so many decimals, without trailing zeros.
pub fn decimals(x: f64, most: usize) -> String {
    let text = format!("{x:.most$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.to_string() }
}

fn write(elements: &[Element], channels: &[Transmitter], ideal: bool, depth: usize, out: &mut String) {
    let indent = "    ".repeat(depth);
    for element in elements {
        match element {
            Element::Delay(t) => *out += &format!("{indent}delay {} us\n", decimals(t * 1e6, 9)),
            Element::Pulses(pulses) => {
                let of = |(p, c): (&Option<Pulse>, &Transmitter)| p.map(|p| statement(p, c, ideal));
                let lines: Vec<String> = pulses.iter().zip(channels).filter_map(of).collect();
                together(&lines, ideal, &indent, out);
            }
            Element::Shaped(t, _) => {
                let of = |c: &Transmitter| {
                    format!(
                        "pulse {} phase x rf = {} kHz duration = {} us shape = {}",
                        c.nucleus,
                        decimals(c.rf.unwrap_or_default() / TAU / 1e3, 9),
                        decimals(t * 1e6, 9),
                        shape_name(c)
                    )
                };
                together(&channels.iter().map(of).collect::<Vec<_>>(), false, &indent, out);
            }
            Element::Loop(count, body) => {
                *out += &format!("{indent}loop {count} {{\n");
                write(body, channels, ideal, depth + 1, out);
                *out += &format!("{indent}}}\n");
            }
        }
    }
}

/// Simultaneous statements; ideal pulses take no time, so these follow one another.
fn together(lines: &[String], ideal: bool, indent: &str, out: &mut String) {
    if lines.len() > 1 && !ideal {
        *out += &format!("{indent}parallel align centre {{\n");
        lines.iter().for_each(|line| *out += &format!("{indent}    {line}\n"));
        *out += &format!("{indent}}}\n");
    } else {
        lines.iter().for_each(|line| *out += &format!("{indent}{line}\n"));
    }
}

fn statement(p: Pulse, c: &Transmitter, ideal: bool) -> String {
    let degrees = |x: f64| decimals(x.to_degrees(), 9);
    let phase = match degrees(p.phase).as_str() {
        "0" | "360" => "x".into(),
        "90" => "y".into(),
        "180" => "-x".into(),
        "270" => "-y".into(),
        other => format!("{other} deg"),
    };
    let strength = match c.rf {
        Some(rf) if !ideal => format!("rf = {} kHz", decimals(rf / TAU / 1e3, 9)),
        _ => "ideal".into(),
    };
    format!("pulse {} {} deg phase {phase} {strength}", c.nucleus, degrees(p.angle))
}
