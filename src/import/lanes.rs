//! Groups in parentheses: what channels do at once.

use super::decoupling::trains;
use super::flow::{Flow, Lost};
use super::send::{Sent, channel_of, longest, phase_of};
use super::value::Value;
use super::write::Out;
use crate::pulse_program::tree::{Item, ItemKind};

/// What one channel does in a group: pulses at times, and how long all of it takes.
struct Lane {
    pulses: Vec<(Value, Sent)>,
    length: Value,
}

fn zero() -> Value {
    Value::known(0.0, 1)
}

impl<'a> Flow<'a> {
    /// The groups of a line begin at once; gives the number of the next item.
    pub fn groups(&mut self, at: usize) -> Result<usize, Lost> {
        let Some(first) = self.item(at) else { return Ok(at + 1) };
        let is_group = |k: usize| {
            self.item(k)
                .is_some_and(|p| p.statement == first.statement && matches!(p.item.kind, ItemKind::Group { .. }))
        };
        let mut end = at;
        while is_group(end) {
            end += 1;
        }
        let tag = self.tag(first.statement);
        let mut groups: Vec<&'a Item> = (at..end).filter_map(|k| self.item(k)).map(|p| p.item).collect();
        // A group of groups alone is they themselves.
        while let [Item { kind: ItemKind::Group { align: None, members, .. }, .. }] = groups.as_slice()
            && !members.is_empty()
            && members.iter().all(|m| matches!(m.kind, ItemKind::Group { .. }))
        {
            groups = members.iter().collect();
        }
        if let [Item { kind: ItemKind::Group { align: None, members, modifiers }, .. }] = groups.as_slice() {
            self.in_turn(members, channel_of(modifiers).unwrap_or(1), tag)?;
            return Ok(end);
        }
        if let [Item { kind: ItemKind::Group { align: Some(align), members, modifiers }, .. }] = groups.as_slice() {
            let lanes = self.lanes_of(members, channel_of(modifiers).unwrap_or(1), tag)?;
            self.aligned(align, lanes)?;
            return Ok(end);
        }
        let mut lanes = Vec::new();
        for group in groups {
            lanes.push(self.lane(group, 1, tag)?);
        }
        self.together(lanes, None)?;
        Ok(end)
    }

    /// Members one after the other, as items of a line are.
    fn in_turn(&mut self, members: &'a [Item], channel: usize, tag: &str) -> Result<(), Lost> {
        let mut items = members;
        while let [item, rest @ ..] = items {
            items = rest;
            match &item.kind {
                ItemKind::Command { word, modifiers, .. } if trains(word) => {
                    let phase = rest.first().and_then(phase_of);
                    items = rest.get(usize::from(phase.is_some())..).unwrap_or_default();
                    self.turn_on(word, channel_of(modifiers).unwrap_or(channel), phase)?;
                }
                ItemKind::Command { .. } => self.simple_command(item, channel)?,
                ItemKind::Group { align: None, members, modifiers } => {
                    self.in_turn(members, channel_of(modifiers).unwrap_or(channel), tag)?;
                }
                ItemKind::Timed { length, modifiers } if modifiers.iter().any(|m| m.word.starts_with("gp")) => {
                    if let Some(gradient) = modifiers.iter().find(|m| m.word.starts_with("gp")) {
                        self.gradient_pulse(length, gradient, tag)?;
                    }
                }
                ItemKind::Timed { .. } => {
                    // Commands behind a delay act when it begins.
                    let mut lane = Lane { pulses: vec![], length: zero() };
                    let ahead = rest.iter().take_while(|i| matches!(i.kind, ItemKind::Command { .. })).count();
                    let pulse = rest.get(ahead).and_then(phase_of).is_some();
                    let turned = rest
                        .iter()
                        .take(ahead)
                        .any(|i| matches!(&i.kind, ItemKind::Command { word, .. } if trains(word)));
                    if !pulse || turned {
                        let behind = rest.get(..ahead + usize::from(turned && pulse)).unwrap_or_default();
                        self.in_turn(behind, channel, tag)?;
                        items = rest.get(behind.len()..).unwrap_or_default();
                        self.part(item, &[], channel, tag, &mut lane)?;
                    } else {
                        let taken = self.part(item, rest, channel, tag, &mut lane)?;
                        items = rest.get(taken..).unwrap_or_default();
                    }
                    self.together(vec![lane], None)?;
                }
                _ => return Err("a group of this form is not supported".into()),
            }
        }
        Ok(())
    }

    /// One pulse or delay at the end of a lane; gives how many of the items behind it belong to it.
    fn part(
        &mut self,
        item: &'a Item,
        rest: &'a [Item],
        channel: usize,
        tag: &str,
        lane: &mut Lane,
    ) -> Result<usize, Lost> {
        let ItemKind::Timed { length, modifiers } = &item.kind else {
            return Err("a group of this form is not supported".into());
        };
        if length.name().is_some_and(|name| super::flow::MACROS.contains(&name)) {
            return Ok(0);
        }
        if let Some(name) = length.name() {
            self.known(name)?;
        }
        if modifiers.iter().any(|m| m.word.starts_with("gp")) {
            return Err("a gradient parallel to pulses".into());
        }
        let ahead = rest.iter().take_while(|i| matches!(i.kind, ItemKind::Command { .. })).count();
        let Some(phase) = rest.get(ahead).and_then(phase_of) else {
            if modifiers.iter().any(|m| !m.word.starts_with('f')) {
                return Err("a pulse without a phase".into());
            }
            let time = self.names.length(length)?.waited()?;
            lane.length = lane.length.plus(&time);
            return Ok(0);
        };
        for command in rest.iter().take(ahead) {
            self.simple_command(command, channel)?;
        }
        if let Some(sent) = self.pulse(length, modifiers, phase, channel, tag)? {
            let start = lane.length.clone();
            lane.length = lane.length.plus(&sent.length);
            lane.pulses.push((start, sent));
        }
        Ok(ahead + 1)
    }

    /// What a group does on its channel.
    fn lane(&mut self, group: &'a Item, channel: usize, tag: &str) -> Result<Lane, Lost> {
        let ItemKind::Group { align, members, modifiers } = &group.kind else {
            return Err("a group of this form is not supported".into());
        };
        let channel = channel_of(modifiers).unwrap_or(channel);
        if let Some(align) = align {
            let lanes = self.lanes_of(members, channel, tag)?;
            return Ok(placed(align, lanes)?.0);
        }
        let mut lane = Lane { pulses: vec![], length: zero() };
        self.add_members(members, channel, tag, &mut lane)?;
        Ok(lane)
    }

    fn add_members(&mut self, members: &'a [Item], channel: usize, tag: &str, lane: &mut Lane) -> Result<(), Lost> {
        let mut items = members;
        while let [item, rest @ ..] = items {
            items = rest;
            match &item.kind {
                ItemKind::Command { word, .. } if trains(word) || word == "do" || word.starts_with("gr") => {
                    return Err("a channel is switched on or off during pulses".into());
                }
                ItemKind::Command { .. } => self.simple_command(item, channel)?,
                ItemKind::Group { .. } => {
                    let inner = self.lane(item, channel, tag)?;
                    let start = lane.length.clone();
                    lane.pulses.extend(inner.pulses.into_iter().map(|(t, p)| (start.plus(&t), p)));
                    lane.length = start.plus(&inner.length);
                }
                _ => {
                    let taken = self.part(item, rest, channel, tag, lane)?;
                    items = rest.get(taken..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    /// The members of an aligned group: each group is a lane, and what stands alone another.
    fn lanes_of(&mut self, members: &'a [Item], channel: usize, tag: &str) -> Result<Vec<Lane>, Lost> {
        let mut lanes = Vec::new();
        let groups = members.iter().filter(|m| matches!(m.kind, ItemKind::Group { .. })).count();
        if groups != members.len() {
            // Words without parentheses are one lane: `(center p1 ph1 (p2 ph2):f2)`.
            let mut lane = Lane { pulses: vec![], length: zero() };
            let cut = members.iter().position(|m| matches!(m.kind, ItemKind::Group { .. })).unwrap_or(members.len());
            let (alone, behind) = members.split_at(cut);
            if behind.iter().any(|m| !matches!(m.kind, ItemKind::Group { .. })) {
                return Err("a group of this form is not supported".into());
            }
            self.add_members(alone, channel, tag, &mut lane)?;
            lanes.push(lane);
            for member in behind {
                lanes.push(self.lane(member, channel, tag)?);
            }
            return Ok(lanes);
        }
        for member in members {
            lanes.push(self.lane(member, channel, tag)?);
        }
        Ok(lanes)
    }

    fn aligned(&mut self, align: &str, lanes: Vec<Lane>) -> Result<(), Lost> {
        // One pulse a channel is aligned by the language.
        let single = lanes.iter().all(|lane| match lane.pulses.as_slice() {
            [(start, pulse)] => start.is_known() && start.number == 0.0 && lane.length == pulse.length,
            _ => false,
        });
        let word = match align {
            "center" => "centre",
            "ralign" => "end",
            _ => "start",
        };
        if single && align != "refalign" && lanes.len() > 1 {
            let pulses = lanes.into_iter().flat_map(|lane| lane.pulses).collect();
            return self.emit(pulses, Some(word));
        }
        let (lane, _) = placed(align, lanes)?;
        self.together(vec![lane], None)
    }

    /// Lanes that begin at once, and the time that is left behind their pulses.
    fn together(&mut self, lanes: Vec<Lane>, align: Option<&str>) -> Result<(), Lost> {
        let whole = longest(lanes.iter().map(|l| l.length.clone())).unwrap_or_else(zero);
        let pulses: Vec<(Value, Sent)> = lanes.into_iter().flat_map(|lane| lane.pulses).collect();
        let sent = longest(pulses.iter().map(|(start, p)| start.plus(&p.length)));
        // A pulse that a delay stands before, alone: the delay is written as one.
        let Some(sent) = sent else { return self.wait_inside(&whole) };
        if let [(start, _)] = pulses.as_slice()
            && !(start.is_known() && start.number == 0.0)
        {
            self.wait_inside(&start.clone())?;
            let rest = pulses.into_iter().map(|(_, p)| (zero(), p)).collect();
            self.emit(rest, align)?;
        } else {
            self.emit(pulses, align)?;
        }
        let left = whole.minus(&sent);
        if left == zero() || whole == sent || left.number.abs() < 1e-12 {
            return Ok(());
        }
        self.wait_inside(&left)
    }

    /// A delay in a group.
    fn wait_inside(&mut self, time: &Value) -> Result<(), Lost> {
        if time.is_known() && time.number == 0.0 {
            return Ok(());
        }
        let before = self.lines.len();
        self.wait(time, "")?;
        // Delays between scans are told before anything is sent; in a group they are written.
        if let Some(Out::Before(_)) = self.lines.get(before) {
            self.lines.truncate(before);
            self.lines.push(Out::Delay(vec![time.text()]));
        }
        Ok(())
    }
}

/// Lanes in the places that an alignment gives them, as one, and how long they take.
fn placed(align: &str, lanes: Vec<Lane>) -> Result<(Lane, Value), Lost> {
    let whole = longest(lanes.iter().map(|l| l.length.clone())).unwrap_or_else(zero);
    let mut pulses = Vec::new();
    for lane in lanes {
        let left = if lane.length == whole { zero() } else { whole.minus(&lane.length) };
        let begin = match align {
            "center" => left.joined('/', Value::known(2.0, 0)),
            "ralign" => left,
            "lalign" => zero(),
            _ => return Err(format!("the alignment `{align}` is not supported")),
        };
        pulses.extend(lane.pulses.into_iter().map(|(start, p)| (begin.plus(&start), p)));
    }
    Ok((Lane { pulses, length: whole.clone() }, whole))
}
