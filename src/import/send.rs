//! What channels send: pulses, gradients and frequencies.

use super::decoupling::trains;
use super::environment::{Definition, List};
use super::flow::{Flow, Lost, MACROS, Place};
use super::value::Value;
use super::write::Out;
use crate::pulse_program::expression::{Amount, condition};
use crate::pulse_program::tree::{Item, ItemKind, Modifier};
use crate::pulse_program::words::split;
use crate::spin::{Isotope, is_mirrored};

/// A pulse.
#[derive(Debug, Clone)]
pub struct Sent {
    pub channel: usize,
    /// The statement.
    pub text: String,
    pub length: Value,
    /// Its length, where the file has it without one.
    pub ideal: Option<String>,
}

impl<'a> Flow<'a> {
    /// The nucleus of a channel.
    pub fn nucleus(&self, channel: usize) -> String {
        let told = self.given.names.get(&format!("nuc{channel}")).filter(|n| Isotope::named(n).is_some());
        let usual = super::defaults::NUCLEI.get(channel.saturating_sub(1)).copied().unwrap_or("1H");
        told.cloned().unwrap_or_else(|| usual.to_string())
    }

    /// Whether something was sent: delays before are those between scans.
    fn has_begun(&self) -> bool {
        self.lines.iter().any(Out::acts)
    }

    /// A word that is a length of time: a delay, a pulse, a gradient, or an entry of a list.
    pub fn timed(&mut self, at: usize, length: &Amount, modifiers: &[Modifier]) -> Result<usize, Lost> {
        if let Some(name) = length.name() {
            if MACROS.contains(&name) {
                return Ok(at + 1);
            }
            self.known(name)?;
            if self.takes_list(name, channel_of(modifiers).unwrap_or(1)) {
                return Ok(at + 1);
            }
            if name == "aq"
                && let Some(phase) = self.receiver.take()
            {
                return self.sampled(at, phase);
            }
        }
        // Commands of the line act when the length begins; a phase behind them makes it a pulse.
        let line = self.same_line(at).to_vec();
        let commands = line.iter().take_while(|p| matches!(p.item.kind, ItemKind::Command { .. })).count();
        let statement = self.item(at).map_or(0, |p| p.statement);
        let phase = line.get(commands).and_then(|p| phase_of(p.item));
        let ends_train = |p: &Place| matches!(&p.item.kind, ItemKind::Command { word, .. } if trains(word));
        if let Some(phase) = phase.filter(|_| !line.iter().take(commands).any(ends_train)) {
            for place in line.iter().take(commands) {
                self.simple_command(place.item, channel_of(modifiers).unwrap_or(1))?;
            }
            let channel = channel_of(modifiers).unwrap_or(1);
            if let Some(sent) = self.pulse(length, modifiers, phase, channel, self.tag(statement))? {
                self.emit(vec![(Value::known(0.0, 1), sent)], None)?;
            }
            return Ok(at + commands + 2);
        }
        if let Some(gradient) = modifiers.iter().find(|m| m.word.starts_with("gp")) {
            self.gradient_pulse(length, gradient, self.tag(statement))?;
            return Ok(at + 1);
        }
        if modifiers.iter().any(|m| !m.word.starts_with('f')) {
            return Err("a pulse without a phase".into());
        }
        let mut next = at + 1;
        while let Some(place) = self.item(next).filter(|p| p.statement == statement) {
            let ItemKind::Command { word, modifiers, .. } = &place.item.kind else { break };
            if matches!(word.as_str(), "{" | "}" | "if" | "else" | "exit") {
                break;
            }
            next = self.command(next, word, modifiers)?;
        }
        let time = self.names.length(length)?;
        self.wait(&time, self.tag(statement))?;
        Ok(next)
    }

    /// Refuses a word that no parameter, relation or list has: an included file may give it any meaning.
    pub fn known(&self, name: &str) -> Result<(), Lost> {
        if super::defaults::is_own(name) && !self.names.has(name) {
            return Err(format!("`{name}` is not defined in this file"));
        }
        Ok(())
    }

    /// `fqlist:f1`: whether a list of frequencies or powers is meant.
    fn takes_list(&mut self, name: &str, channel: usize) -> bool {
        match self.names.lists.get(name).map(|l| l.kind.as_str()) {
            Some("frequency") => {
                let value = self.names.of(name);
                self.carrier(channel, value, "");
                true
            }
            Some("power") => {
                self.now.powers.insert(channel, name.to_string());
                true
            }
            _ => false,
        }
    }

    /// A delay; one that is not emulated takes no time.
    pub fn wait(&mut self, time: &Value, tag: &str) -> Result<(), Lost> {
        let time = &time.clone().waited()?;
        let text = time.text();
        if tag == "not emulated" && self.has_begun() {
            self.lines.push(Out::Comment(format!(" on the console: {text}")));
            return Ok(());
        }
        if let Some(strength) = self.now.gradient.clone() {
            self.act(Out::Other(format!("gradient {} for {text}", strength.text())), time);
            return Ok(());
        }
        let sends = !self.now.on.is_empty();
        if sends && time.is_known() && time.number <= 0.0 {
            return Ok(());
        }
        // Before anything is sent, delays are those between scans.
        if sends || self.has_begun() {
            self.act(Out::Delay(vec![text]), time);
        } else {
            self.lines.push(Out::Before(text));
        }
        Ok(())
    }

    /// Pulses that begin at given times of a block.
    pub fn emit(&mut self, pulses: Vec<(Value, Sent)>, align: Option<&str>) -> Result<(), Lost> {
        if self.now.gradient.is_some() {
            return Err("a pulse during a gradient".into());
        }
        if pulses.iter().any(|(_, p)| self.transmits(p.channel)) {
            return Err("a pulse on a channel that is already transmitting".into());
        }
        let Some(whole) = longest(pulses.iter().map(|(start, p)| start.plus(&p.length))) else { return Ok(()) };
        let longest = {
            let all: Option<Vec<String>> = pulses.iter().map(|(_, p)| p.ideal.clone()).collect();
            let longer = |a, b| if a == b { a } else { format!("max({a}, {b})") };
            all.and_then(|all| paired(all.into_iter(), longer))
        };
        let text = match pulses.as_slice() {
            [(start, one)] if start.is_known() && start.number == 0.0 => one.text.clone(),
            all => {
                let begins = |start: &Value| align.is_none() && !(start.is_known() && start.number == 0.0);
                let texts: Vec<String> =
                    all.iter()
                        .map(|(start, p)| {
                            if begins(start) { format!("{} start = {}", p.text, start.text()) } else { p.text.clone() }
                        })
                        .collect();
                block(align, &texts)
            }
        };
        self.act(Out::Pulse(text, longest), &whole);
        Ok(())
    }

    /// A pulse; none where it lasts no time.
    pub fn pulse(
        &mut self,
        length: &Amount,
        modifiers: &[Modifier],
        phase: (usize, &[Modifier]),
        channel: usize,
        tag: &str,
    ) -> Result<Option<Sent>, Lost> {
        let channel = channel_of(modifiers).unwrap_or(channel);
        if modifiers.iter().any(|m| !m.argument.is_empty() && m.argument != "(currentpower)") {
            return Err("a modifier with an argument".into());
        }
        let nucleus = self.nucleus(channel);
        let turned = self.phase(phase.0, phase.1, &nucleus)?;
        let time = self.names.length(length)?.waited()?;
        if time.is_known() && time.number <= 0.0 {
            return Ok(None);
        }
        let shape = modifiers.iter().find(|m| m.word.starts_with("sp")).map(|m| m.word.clone());
        let level =
            shape.clone().or_else(|| self.now.powers.get(&channel).cloned()).unwrap_or_else(|| format!("pl{channel}"));
        let rf = self.names.strength(&level, channel);
        let (strength, duration) = (rf.text(), time.text());
        if tag == "ideal" && shape.is_none() {
            let text = format!("pulse {nucleus} 360 deg * {strength} * {duration} phase {turned} ideal");
            return Ok(Some(Sent { channel, text, length: time, ideal: Some(duration) }));
        }
        if rf.is_known() && rf.number <= 0.0 {
            return Err(format!("the power {level} is zero"));
        }
        let mut text = format!("pulse {nucleus} phase {turned} rf = {strength} duration = {duration}");
        if let Some(shape) = shape {
            text += &self.shape(&shape);
            text += &self.shape_offset(&shape, &nucleus, &duration);
        }
        if let Some(offset) = self.now.offsets.get(&channel) {
            text += &format!(" offset = {}", offset.text());
        }
        Ok(Some(Sent { channel, text, length: time, ideal: None }))
    }

    /// The shape of a shaped pulse: of its file, or a word of the language for one whose name is not given.
    fn shape(&mut self, level: &str) -> String {
        match self.given.names.get(&level.replace("sp", "spnam")).cloned() {
            Some(file) => {
                let low = file.to_ascii_lowercase();
                let known = [("gaus1.", " shape = gauss"), ("squa", ""), ("rect", ""), ("sine.", " shape = sine")];
                if let Some((_, text)) = known.iter().find(|(head, _)| low.starts_with(head)) {
                    return (*text).to_string();
                }
                self.shapes.insert(level.to_string(), file);
                format!(" shape = shape_{level}")
            }
            None => {
                self.names.assumed.insert(level.replace("sp", "spnam"));
                " shape = gauss".to_string()
            }
        }
    }

    /// A shaped pulse beside its carrier turns about its middle: `2 pi nu (t - T/2)`.
    fn shape_offset(&mut self, level: &str, nucleus: &str, duration: &str) -> String {
        let digits = split(level).1;
        let name = [format!("spoff{digits}"), format!("spoffs{digits}")].into_iter().find(|n| self.names.is_set(n));
        let Some(offset) = name.map(|n| self.names.of(&n)) else { return String::new() };
        if offset.is_known() && offset.number == 0.0 {
            return String::new();
        }
        let offset = mirrored(nucleus, offset.measured(-1));
        format!(" modulation = 360 deg * ({}) * (t - {duration}/2)", offset.text())
    }

    /// `p16:gp1*0.5`
    pub fn gradient_pulse(&mut self, length: &Amount, gradient: &Modifier, tag: &str) -> Result<(), Lost> {
        let time = self.names.length(length)?.waited()?;
        if tag.starts_with("crush") {
            self.act(Out::Other("crush".into()), &Value::known(0.0, 1));
            if tag != "crush" {
                self.act(Out::Delay(vec![time.text()]), &time);
            }
            return Ok(());
        }
        let strength = self.gradient_strength(split(&gradient.word).1, &gradient.argument)?;
        let shape = match self.given.names.get(&gradient.word.replace("gp", "gpnam")) {
            Some(name) if name.to_ascii_lowercase().starts_with("sine") => " shape = sine",
            _ => "",
        };
        self.act(Out::Other(format!("gradient {} for {}{shape}", strength.text(), time.text())), &time);
        Ok(())
    }

    /// The strength of a gradient, T/m, times the factor that follows it.
    fn gradient_strength(&mut self, number: &str, argument: &str) -> Result<Value, Lost> {
        let strength = match self.given.strengths.get(&format!("gpz{number}")) {
            Some(x) => Value::of_text(*x, format!("{} T/m", super::write::shown(*x)), 0),
            None => {
                let full = "gradient_full";
                self.names.assumed.insert(full.to_string());
                let note = Some("assumed: the gradient of 100 %");
                let definition = Definition { text: "0.5 T/m".into(), note };
                self.names.definitions.entry(full.to_string()).or_insert(definition);
                let share = self.names.of(&format!("gpz{number}")).joined('/', Value::known(100.0, 0));
                share.joined('*', Value::of_text(0.5, full, 0))
            }
        };
        self.heights = true;
        if argument.is_empty() {
            return Ok(strength);
        }
        let factor = condition(&format!("1{argument}")).ok_or("the factor of this gradient is not supported")?;
        let factor = self.names.value(&factor)?;
        if factor.is_known() && factor.number == 1.0 {
            return Ok(strength);
        }
        Ok(strength.joined('*', factor))
    }

    /// Sets a channel to a frequency.
    fn carrier(&mut self, channel: usize, value: Value, frame: &str) {
        let nucleus = self.nucleus(channel);
        let name = |head: &str| format!("{head}{channel}");
        let offset = if frame.contains("ppm") {
            let base = self.names.of(&name(if frame.contains("sfo") { "sfo" } else { "bf" }));
            value.joined('*', base.joined('/', Value::known(1e6, 0)))
        } else {
            value
        };
        let offset = if frame.contains("bf") { offset.minus(&self.names.of(&name("o"))) } else { offset };
        let before = self.now.offsets.get(&channel).cloned();
        if offset.is_known() && offset.number == 0.0 {
            self.now.offsets.remove(&channel);
        } else {
            self.now.offsets.insert(channel, mirrored(&nucleus, offset.measured(-1)));
        }
        if self.now.offsets.get(&channel) != before.as_ref() {
            self.goes_on_otherwise(channel);
        }
    }

    /// `fq=cnst21(bf hz):f1`
    fn frequency(&mut self, rest: &str, channel: usize) -> Result<(), Lost> {
        let text = rest.trim().trim_start_matches('=');
        let at = ["(bf", "(sfo"].iter().find_map(|frame| text.find(frame)).unwrap_or(text.len());
        let (expr, frame) = text.split_at(at);
        let expr = condition(expr).ok_or("this frequency is not supported")?;
        let value = self.names.value(&expr)?;
        self.carrier(channel, value, &frame.to_ascii_lowercase());
        Ok(())
    }

    /// A command; gives the number of the next item.
    pub fn command(&mut self, at: usize, word: &str, modifiers: &[Modifier]) -> Result<usize, Lost> {
        let channel = channel_of(modifiers).unwrap_or(1);
        if trains(word) {
            let phase = self.item(at + 1).and_then(|p| phase_of(p.item));
            self.turn_on(word, channel, phase)?;
            return Ok(at + 1 + usize::from(phase.is_some()));
        }
        match self.item(at) {
            Some(place) => self.simple_command(place.item, channel)?,
            None => return Err("nothing stands here".into()),
        }
        Ok(at + 1)
    }

    /// A command that takes no time.
    pub fn simple_command(&mut self, item: &Item, channel: usize) -> Result<(), Lost> {
        let ItemKind::Command { word, rest, modifiers } = &item.kind else {
            return Err("not a command".into());
        };
        let channel = channel_of(modifiers).unwrap_or(channel);
        let (head, digits) = split(word);
        match (head, digits) {
            ("pl" | "sp", d) if !d.is_empty() => drop(self.now.powers.insert(channel, word.clone())),
            ("pl", "") if rest.starts_with("=pl") || rest.starts_with("=sp") => {
                self.now.powers.insert(channel, rest.trim_start_matches('=').to_string());
            }
            ("do", "") => drop(self.now.on.remove(&channel)),
            ("fq", "") => self.frequency(rest, channel)?,
            ("fq", d) => {
                let value = self.frequency_list(d);
                self.carrier(channel, value, "");
            }
            ("gron", d) => self.now.gradient = Some(self.gradient_strength(d, rest)?),
            ("groff", "") => self.now.gradient = None,
            ("ACQ_START", "") => self.opened(rest)?,
            _ if rest.is_empty() && self.takes_list(word, channel) => {}
            _ => self.count(word, rest)?,
        }
        Ok(())
    }

    /// `fq1`: the entry of FQ1LIST.
    fn frequency_list(&mut self, number: &str) -> Value {
        let name = format!("fq{number}list");
        let entries = self.given.files.get(&name).cloned().unwrap_or_default();
        self.names.lists.entry(name.clone()).or_insert(List { kind: "frequency".into(), entries, ..List::default() });
        self.names.of(&name)
    }
}

/// A phase behind a pulse.
pub fn phase_of(item: &Item) -> Option<(usize, &[Modifier])> {
    match &item.kind {
        ItemKind::Phase { number, modifiers } => Some((*number, modifiers)),
        _ => None,
    }
}

/// The channel that is named behind a colon.
pub fn channel_of(modifiers: &[Modifier]) -> Option<usize> {
    modifiers.iter().find_map(|m| m.word.strip_prefix('f').and_then(|n| n.parse().ok()))
}

/// The longest of some times.
pub fn longest(times: impl Iterator<Item = Value>) -> Option<Value> {
    paired(times, |a, b| longer(&a, &b))
}

/// Joins pairs of items, pairs of these, and so on: one by one, the expression of the last would be nested too deeply to be read.
fn paired<T>(items: impl Iterator<Item = T>, join: impl Fn(T, T) -> T) -> Option<T> {
    let mut all: Vec<T> = items.collect();
    while all.len() > 1 {
        let mut rest = all.into_iter();
        let mut joined = Vec::with_capacity(rest.len().div_ceil(2));
        while let Some(a) = rest.next() {
            joined.push(match rest.next() {
                Some(b) => join(a, b),
                None => a,
            });
        }
        all = joined;
    }
    all.pop()
}

/// The longer of two times.
fn longer(a: &Value, b: &Value) -> Value {
    if a.is_known() && b.is_known() || a == b {
        return if a.number >= b.number { a.clone() } else { b.clone() };
    }
    Value::called("max", a.number.max(b.number), &[a.clone(), b.clone()])
}

/// Pulses at once.
pub fn block(align: Option<&str>, texts: &[String]) -> String {
    let align = align.map_or(String::new(), |a| format!("align {a} "));
    let inner: String = texts.iter().map(|t| format!("    {t}\n")).collect();
    format!("parallel {align}{{\n{inner}}}")
}

/// A frequency of a console in the frame of the program.
fn mirrored(nucleus: &str, value: Value) -> Value {
    if is_mirrored(nucleus) { value.negated() } else { value }
}
