//! The part of Tcl that input files of SIMPSON are written in. What a command is that is none of Tcl's, its host says.

use super::expression::{Surroundings, Value, evaluate};
use super::words::{Command, Part, Word, Wrong, commands, elements, first, list};
use super::work::{DEEPEST, Work};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// A word of a command after substitution.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its letters.
    pub text: String,
    /// Where they stand, if they stand in the file as they are.
    pub at: Option<usize>,
}

/// The variables of a procedure, or of the file.
#[derive(Debug, Clone, Default)]
struct Frame {
    variables: BTreeMap<String, String>,
    globals: BTreeSet<String>,
}

/// A procedure: the names of its arguments with their values where they need not be given, and its body.
#[derive(Debug, Clone)]
struct Procedure {
    arguments: Vec<(String, Option<String>)>,
    body: Argument,
}

/// How a script ends.
enum Flow {
    Done(String),
    Return(String),
    Break,
    Continue,
}

/// What is done with commands that are none of Tcl's.
pub trait Host {
    /// Does a command; `None` where it is not known. `variables` are those of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    fn command(
        &mut self,
        words: &[Argument],
        at: usize,
        variables: &mut BTreeMap<String, String>,
    ) -> Result<Option<String>, Wrong>;
    /// Why nothing more can be recorded, once a limit is passed.
    fn over(&self) -> Option<String>;
    /// A comment that is passed.
    fn comment(&mut self, text: &str, at: usize);
    /// A command that is not understood, from one place to another, and why.
    fn unread(&mut self, from: usize, to: usize, why: &str);
    /// A turn of a loop begins.
    fn turn(&mut self);
    /// A turn is over.
    fn turned(&mut self);
    /// A loop of so many turns is over.
    fn repeated(&mut self, turns: usize);
    /// The turn that was last over is repeated while points are received.
    ///
    /// # Errors
    /// When it is not known how many points, or how far apart.
    fn block(&mut self, at: usize) -> Result<(), Wrong>;
    /// A scan begins: the pulse sequence is called.
    fn scan(&mut self, variables: &BTreeMap<String, String>);
    /// It is over; the name of what it gives.
    fn scanned(&mut self) -> String;
}

/// The text of a script and its commands.
type Script = (String, Rc<Vec<Command>>);

/// The state of the interpretation.
pub struct Interpreter<'h> {
    frames: Vec<Frame>,
    procedures: BTreeMap<String, Procedure>,
    work: Work,
    /// Scripts that stand in the file, by their place and length: bodies of loops are read once.
    scripts: HashMap<(usize, usize), Script>,
    /// Where commands stand that are not in the file as they are.
    fixed: Option<usize>,
    host: &'h mut dyn Host,
}

impl Surroundings for Interpreter<'_> {
    fn substituted(&mut self, text: &str, at: usize) -> Result<(Value, usize), Wrong> {
        let (found, taken) = first(text, at)?;
        let Some(found @ (Part::Variable(..) | Part::Command(..))) = found else {
            return Err(("`$` is not followed by a name".into(), at));
        };
        let value = self.part(&found, at)?;
        self.work.text(value.len(), at)?;
        Ok((Value::of(&value), taken))
    }
}

/// Runs the commands of a file, then `main`, or the pulse sequence once where there is none. `name` is the file without its ending.
///
/// # Errors
/// Braces, brackets and quotes that are not closed; programs without end.
pub fn interpret(name: &str, text: &str, host: &mut dyn Host) -> Result<(), Wrong> {
    let mut interpreter = Interpreter {
        frames: vec![Frame {
            variables: BTreeMap::from([("par(name)".to_string(), name.to_string())]),
            globals: BTreeSet::new(),
        }],
        procedures: BTreeMap::new(),
        work: Work::default(),
        scripts: HashMap::new(),
        fixed: None,
        host,
    };
    interpreter.run(text, 0)?;
    match interpreter.procedures.get("main").cloned() {
        Some(main) => drop(interpreter.called(&main, &[], 0)?),
        None if interpreter.procedures.contains_key("pulseq") => drop(interpreter.scan(0)?),
        None => {}
    }
    Ok(())
}

impl Interpreter<'_> {
    /// Runs a script that begins at a place.
    fn run(&mut self, text: &str, at: usize) -> Result<Flow, Wrong> {
        let place = self.fixed.unwrap_or(at);
        if self.work.depth >= DEEPEST {
            return Err(("commands, loops or procedure calls are nested too deeply".into(), place));
        }
        let script = self.script(text, at, place)?;
        self.work.depth += 1;
        let flow = self.done(&script, place);
        self.work.depth -= 1;
        flow
    }

    /// The commands of a script that begins at a place.
    fn script(&mut self, text: &str, at: usize, place: usize) -> Result<Rc<Vec<Command>>, Wrong> {
        let key = (at, text.len());
        if let Some((known, script)) = self.scripts.get(&key)
            && known == text
        {
            self.work.copy(text.len(), place)?;
            return Ok(script.clone());
        }
        self.work.script(text.len(), place)?;
        let read = commands(text, at).map_err(|(why, at)| (why, self.fixed.unwrap_or(at)))?;
        let script = Rc::new(read);
        self.scripts.insert(key, (text.to_string(), script.clone()));
        Ok(script)
    }

    fn done(&mut self, script: &[Command], place: usize) -> Result<Flow, Wrong> {
        let mut last = String::new();
        for command in script {
            if let Some(why) = self.host.over() {
                return Err((why, place));
            }
            let (words, from, to) = match command {
                Command::Comment(text, at) => {
                    self.host.comment(text, self.fixed.unwrap_or(*at));
                    continue;
                }
                Command::Words(words, from, to) => (words, *from, *to),
            };
            let (from, to) = self.fixed.map_or((from, to), |at| (at, at));
            self.work.command(from)?;
            match self.command(words, from) {
                Ok(Some(Flow::Done(value))) => last = value,
                Ok(Some(flow)) => return Ok(flow),
                Ok(None) => self.host.unread(from, to, "unknown command"),
                // What cannot go on at all is no matter of one command.
                Err(wrong) if self.work.is_over() || self.host.over().is_some() => return Err(wrong),
                Err((why, _)) => self.host.unread(from, to, &why),
            }
        }
        Ok(Flow::Done(last))
    }

    /// The words of a command after substitution.
    fn words(&mut self, words: &[Word], at: usize) -> Result<Vec<Argument>, Wrong> {
        let mut out = Vec::with_capacity(words.len());
        for word in words {
            out.push(match word {
                Word::Braced(text, place) => {
                    self.work.copy(text.len(), at)?;
                    Argument { text: text.clone(), at: Some(self.fixed.unwrap_or(*place)) }
                }
                Word::Parts(parts) => Argument { text: self.joined(parts, at)?, at: None },
            });
        }
        Ok(out)
    }

    fn joined(&mut self, parts: &[Part], at: usize) -> Result<String, Wrong> {
        let mut out = String::new();
        for part in parts {
            let text = self.part(part, at)?;
            self.work.text(text.len(), at)?;
            out += &text;
        }
        Ok(out)
    }

    fn part(&mut self, part: &Part, at: usize) -> Result<String, Wrong> {
        match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Variable(name, index) => {
                let name = match index {
                    Some(index) => format!("{name}({})", self.joined(index, at)?),
                    None => name.clone(),
                };
                self.variable(&name).ok_or_else(|| (format!("`{name}` has no value"), at))
            }
            Part::Command(text, place) => match self.run(text, *place)? {
                Flow::Done(value) | Flow::Return(value) => Ok(value),
                Flow::Break | Flow::Continue => Err(("a loop is left within a command".into(), at)),
            },
        }
    }

    /// The frame in which a name lives.
    fn frame(&mut self, name: &str) -> Option<&mut Frame> {
        let base = name.split('(').next().unwrap_or(name);
        let local = self.frames.last().is_some_and(|f| !f.globals.contains(base)) && !base.starts_with("::");
        if local { self.frames.last_mut() } else { self.frames.first_mut() }
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        let plain = name.trim_start_matches("::").to_string();
        self.frame(name)?.variables.get(&plain).cloned()
    }

    fn set(&mut self, name: &str, value: String) {
        let plain = name.trim_start_matches("::").to_string();
        if let Some(frame) = self.frame(name) {
            frame.variables.insert(plain, value);
        }
    }

    fn value(&mut self, text: &str, at: usize) -> Result<Value, Wrong> {
        self.work.script(text.len(), at)?;
        evaluate(text, at, self)
    }

    fn truth(&mut self, condition: &Argument, at: usize) -> Result<bool, Wrong> {
        let at = condition.at.unwrap_or(at);
        self.value(&condition.text, at)?.truth().ok_or_else(|| ("the condition is not a boolean".to_string(), at))
    }

    /// Runs a text that may stand in the file.
    fn body(&mut self, body: &Argument, at: usize) -> Result<Flow, Wrong> {
        let fixed = self.fixed;
        if body.at.is_none() {
            self.fixed = Some(fixed.unwrap_or(at));
        }
        let flow = self.run(&body.text, body.at.unwrap_or(0));
        self.fixed = fixed;
        flow
    }

    /// Executes one command; `None` if it is unknown.
    fn command(&mut self, words: &[Word], at: usize) -> Result<Option<Flow>, Wrong> {
        let words = self.words(words, at)?;
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        match texts.as_slice() {
            ["if", ..] => self.conditional(words.get(1..).unwrap_or_default(), at),
            ["while", ..] | ["for", ..] => self.counted(&words, at),
            ["foreach", ..] => self.each(&words, at),
            ["acq_block", _] => {
                let body = words.get(1).cloned().unwrap_or(Argument { text: String::new(), at: None });
                self.host.turn();
                let flow = self.body(&body, at);
                self.host.turned();
                self.host.block(at)?;
                flow.map(|_| Some(Flow::Done(String::new())))
            }
            ["return", value @ ..] => Ok(Some(Flow::Return(value.first().unwrap_or(&"").to_string()))),
            ["break"] => Ok(Some(Flow::Break)),
            ["continue"] => Ok(Some(Flow::Continue)),
            ["fsimpson", more @ ..] => {
                if !more.is_empty() {
                    self.host.unread(at, at, "values of `spinsys` that change between scans are not supported");
                }
                self.scan(at).map(|name| Some(Flow::Done(name)))
            }
            [] | ["puts", ..] => Ok(Some(Flow::Done(String::new()))),
            [name, ..] => {
                if let Some(value) = self.of_variables(&words, &texts, at)? {
                    return Ok(Some(Flow::Done(value)));
                }
                if let Some(value) = self.of_lists(&texts, at)? {
                    return Ok(Some(Flow::Done(value)));
                }
                if let Some(procedure) = self.procedures.get(*name).cloned() {
                    let value = self.called(&procedure, words.get(1..).unwrap_or_default(), at)?;
                    return Ok(Some(Flow::Done(value)));
                }
                let Some(first) = self.frames.first_mut() else { return Ok(None) };
                let value = self.host.command(&words, at, &mut first.variables)?;
                Ok(value.map(Flow::Done))
            }
        }
    }

    /// Commands of variables, numbers and procedures.
    fn of_variables(&mut self, words: &[Argument], texts: &[&str], at: usize) -> Result<Option<String>, Wrong> {
        Ok(Some(match texts {
            ["set", name] => self.variable(name).ok_or_else(|| (format!("`{name}` has no value"), at))?,
            ["set", name, value] => {
                self.set(name, (*value).to_string());
                (*value).to_string()
            }
            ["set", ..] => return Err(("the syntax is `set NAME VALUE`".into(), at)),
            ["unset", names @ ..] => {
                for name in names {
                    if let Some(frame) = self.frame(name) {
                        frame.variables.remove(*name);
                    }
                }
                String::new()
            }
            ["global", names @ ..] => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.globals.extend(names.iter().map(|n| (*n).to_string()));
                }
                String::new()
            }
            ["incr", name, step @ ..] => {
                let step = step.first().map_or(Ok(1), |s| s.parse::<i64>()).ok();
                let old = self.variable(name).map_or(Some(0), |v| v.trim().parse::<i64>().ok());
                let new = step.zip(old).and_then(|(s, o)| o.checked_add(s));
                let new = new.ok_or_else(|| (format!("`{name}` is not an integer"), at))?.to_string();
                self.set(name, new.clone());
                new
            }
            ["expr", ..] => {
                let (text, place) = match words.get(1..).unwrap_or_default() {
                    [one] => (one.text.clone(), one.at.unwrap_or(at)),
                    all => (all.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "), at),
                };
                self.value(&text, place)?.text()
            }
            ["proc", name, arguments, _] => {
                let named = |a: &String| {
                    let parts = elements(a);
                    (parts.first().cloned().unwrap_or_default(), parts.get(1).cloned())
                };
                let arguments = elements(arguments).iter().map(named).collect();
                let body = words.get(3).cloned().unwrap_or(Argument { text: String::new(), at: None });
                self.procedures.insert((*name).to_string(), Procedure { arguments, body });
                String::new()
            }
            _ => return Ok(None),
        }))
    }

    /// Commands of lists and texts.
    fn of_lists(&mut self, words: &[&str], at: usize) -> Result<Option<String>, Wrong> {
        let place = |text: &str, count: usize| -> Option<usize> {
            match text.strip_prefix("end") {
                Some("") => count.checked_sub(1),
                Some(less) => count.checked_sub(1)?.checked_sub(less.strip_prefix('-')?.parse().ok()?),
                None => text.parse().ok(),
            }
        };
        Ok(Some(match words {
            ["list", all @ ..] => list(&all.iter().map(|x| (*x).to_string()).collect::<Vec<_>>()),
            ["llength", one] => elements(one).len().to_string(),
            ["lindex", one] => (*one).to_string(),
            ["lindex", one, k] => {
                let all = elements(one);
                place(k, all.len()).and_then(|k| all.get(k).cloned()).unwrap_or_default()
            }
            ["lrange", one, from, to] => {
                let all = elements(one);
                let (Some(from), Some(to)) = (place(from, all.len()), place(to, all.len())) else { return Ok(None) };
                list(all.get(from..=to.min(all.len().saturating_sub(1))).unwrap_or_default())
            }
            ["lappend", name, more @ ..] => {
                let more = list(&more.iter().map(|x| (*x).to_string()).collect::<Vec<_>>());
                let blank =
                    if self.variable(name).is_none_or(|old| old.is_empty()) || more.is_empty() { "" } else { " " };
                self.appended(name, &[blank, &more], at)?
            }
            ["concat", all @ ..] => all.iter().map(|x| x.trim()).collect::<Vec<_>>().join(" "),
            ["append", name, more @ ..] => self.appended(name, more, at)?,
            ["info", "exists", name] => i64::from(self.variable(name).is_some()).to_string(),
            ["format", form, value] if ["%d", "%g", "%f", "%s", "%i"].contains(form) => (*value).to_string(),
            _ => return Ok(None),
        }))
    }

    /// A variable with texts behind its own, which are set and given.
    fn appended(&mut self, name: &str, more: &[&str], at: usize) -> Result<String, Wrong> {
        let old = self.variable(name).unwrap_or_default();
        self.work.copy(old.len(), at)?;
        let value = old + &more.concat();
        self.set(name, value.clone());
        Ok(value)
    }

    fn conditional(&mut self, words: &[Argument], at: usize) -> Result<Option<Flow>, Wrong> {
        let mut rest = words;
        loop {
            let [condition, more @ ..] = rest else {
                return Err(("the syntax is `if {CONDITION} {...} else {...}`".into(), at));
            };
            let more = match more {
                [then, more @ ..] if then.text == "then" => more,
                more => more,
            };
            let [body, more @ ..] = more else {
                return Err(("the syntax is `if {CONDITION} {...} else {...}`".into(), at));
            };
            if self.truth(condition, at)? {
                return self.body(body, at).map(Some);
            }
            match more {
                [] => return Ok(Some(Flow::Done(String::new()))),
                [word, body] if word.text == "else" => return self.body(body, at).map(Some),
                [word, more @ ..] if word.text == "elseif" => rest = more,
                [body] => return self.body(body, at).map(Some),
                _ => {
                    return Err((
                        "the syntax is `if {CONDITION} {...} elseif {CONDITION} {...} else {...}`".into(),
                        at,
                    ));
                }
            }
        }
    }

    /// `for` and `while`.
    fn counted(&mut self, words: &[Argument], at: usize) -> Result<Option<Flow>, Wrong> {
        let (condition, next, body) = match words {
            [_, condition, body] => (condition, None, body),
            [_, first, condition, next, body] => {
                self.body(first, at)?;
                (condition, Some(next), body)
            }
            _ => return Err(("the syntax is `for {START} {CONDITION} {NEXT} {...}`".into(), at)),
        };
        let mut turns = 0;
        let result = loop {
            match self.truth(condition, at) {
                Ok(true) => {}
                Ok(false) => break Ok(Some(Flow::Done(String::new()))),
                Err(wrong) => break Err(wrong),
            }
            match self.one_turn(body, at, &mut turns) {
                Ok(Flow::Break) => break Ok(Some(Flow::Done(String::new()))),
                Ok(Flow::Return(value)) => break Ok(Some(Flow::Return(value))),
                Ok(_) => {}
                Err(wrong) => break Err(wrong),
            }
            if let Some(next) = next
                && let Err(wrong) = self.body(next, at)
            {
                break Err(wrong);
            }
        };
        self.host.repeated(turns);
        result
    }

    fn one_turn(&mut self, body: &Argument, at: usize, turns: &mut usize) -> Result<Flow, Wrong> {
        // A loop without commands has an end, too.
        self.work.command(at)?;
        self.host.turn();
        let flow = self.body(body, at);
        self.host.turned();
        *turns += 1;
        flow
    }

    fn each(&mut self, words: &[Argument], at: usize) -> Result<Option<Flow>, Wrong> {
        let [_, lists @ .., body] = words else {
            return Err(("the syntax is `foreach NAME {LIST} {...}`".into(), at));
        };
        let (pairs, odd) = lists.as_chunks::<2>();
        if pairs.is_empty() || !odd.is_empty() {
            return Err(("the syntax is `foreach NAME {LIST} {...}`".into(), at));
        }
        let pairs: Vec<(Vec<String>, Vec<String>)> =
            pairs.iter().map(|[names, all]| (elements(&names.text), elements(&all.text))).collect();
        if pairs.iter().any(|(names, _)| names.is_empty()) {
            return Err(("`foreach` has no name".into(), at));
        }
        let count = pairs.iter().map(|(names, all)| all.len().div_ceil(names.len().max(1))).max().unwrap_or(0);
        let mut turns = 0;
        let mut result = Ok(Some(Flow::Done(String::new())));
        for k in 0..count {
            for (names, all) in &pairs {
                for (j, name) in names.iter().enumerate() {
                    self.set(name, all.get(k * names.len() + j).cloned().unwrap_or_default());
                }
            }
            match self.one_turn(body, at, &mut turns) {
                Ok(Flow::Break) => break,
                Ok(Flow::Return(value)) => {
                    result = Ok(Some(Flow::Return(value)));
                    break;
                }
                Ok(_) => {}
                Err(wrong) => {
                    result = Err(wrong);
                    break;
                }
            }
        }
        self.host.repeated(turns);
        result
    }

    fn called(&mut self, procedure: &Procedure, given: &[Argument], at: usize) -> Result<String, Wrong> {
        let mut frame = Frame::default();
        for (k, (name, value)) in procedure.arguments.iter().enumerate() {
            if name == "args" && k + 1 == procedure.arguments.len() {
                let rest: Vec<String> = given.iter().skip(k).map(|a| a.text.clone()).collect();
                frame.variables.insert(name.clone(), list(&rest));
                break;
            }
            let value = given.get(k).map(|a| a.text.clone()).or_else(|| value.clone());
            let Some(value) = value else { return Err((format!("the argument `{name}` is missing"), at)) };
            frame.variables.insert(name.clone(), value);
        }
        self.frames.push(frame);
        let flow = self.body(&procedure.body, at);
        self.frames.pop();
        match flow? {
            Flow::Done(value) | Flow::Return(value) => Ok(value),
            Flow::Break | Flow::Continue => Ok(String::new()),
        }
    }

    /// Calls the pulse sequence.
    fn scan(&mut self, at: usize) -> Result<String, Wrong> {
        let variables = self.frames.first().map(|f| f.variables.clone()).unwrap_or_default();
        // They stay with the scan, each with about so many bytes beside its own.
        const BESIDE: usize = 60;
        self.work.text(variables.iter().map(|(name, value)| name.len() + value.len() + BESIDE).sum(), at)?;
        let name = variables.get("par(pulse_sequence)").map_or("pulseq", String::as_str);
        let Some(procedure) = self.procedures.get(name).cloned() else {
            return Err((format!("there is no `proc {name}`"), at));
        };
        self.host.scan(&variables);
        let ran = self.called(&procedure, &[], at);
        let name = self.host.scanned();
        ran.map(|_| name)
    }
}
