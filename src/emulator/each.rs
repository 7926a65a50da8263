//! Means over the members of a sample, each with its own state and its own Hamiltonian: `member_mean(energy)`.
//!
//! Metrics are those of the mean state. That is right for what an experiment reads of one Hamiltonian, and says nothing of a powder,
//! where the dipolar energy of each crystallite is measured by the coupling of that crystallite. Here a metric is evaluated for every
//! member by itself and the values are averaged. Scans of a phase cycle are added up by the receiver, so all scans of a member
//! count as one state.

use super::generator::mean_state;
use super::question::{Question, Refusal};
use super::{Lab, trace};
use crate::hamiltonian::{Evaluator, Fault, Member, Prepared, Schedule};
use crate::ir::{MEMBER_MEAN, key_of};
use crate::metrics::{Moment, Scene};
use crate::spin::{Space, State};
use crate::syntax::{Expr, ExprKind};
use std::collections::BTreeMap;

/// What is wanted of every member.
#[derive(Default)]
pub struct Each {
    keys: Vec<String>,
    kinds: Vec<Kind>,
}

/// The scans of one member.
struct Kind {
    /// All weights of all kinds add up to 1.
    weight: f64,
    /// Which states are its scans.
    scans: Vec<usize>,
    scene: Scene,
    questions: Vec<Question>,
}

/// The means that some expressions ask for: the expression as written, and what is averaged.
pub fn wanted<'a>(expressions: impl Iterator<Item = &'a Expr>) -> Vec<(String, &'a Expr)> {
    let mut found: Vec<(String, &Expr)> = Vec::new();
    for expression in expressions {
        expression.walk(&mut |x| {
            if let Some(inner) = averaged(x)
                && !found.iter().any(|(key, _)| *key == key_of(x))
            {
                found.push((key_of(x), inner));
            }
        });
    }
    found
}

/// What a mean over members averages, if the expression is one.
pub fn averaged(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call(name, items) if name == MEMBER_MEAN => items.first(),
        _ => None,
    }
}

impl Each {
    /// Opens what is wanted of the members, whose evaluators `own` makes.
    ///
    /// # Errors
    /// When a battery or an argument cannot be built for some member.
    pub fn new<'e>(
        wanted: &[(String, &Expr)],
        members: &[Member],
        schedules: &[(Schedule, Prepared)],
        space: &Space,
        own: impl Fn(&Member) -> Result<Evaluator<'e>, Fault>,
    ) -> Result<Each, Fault> {
        let mut each = Each { keys: wanted.iter().map(|(key, _)| key.clone()).collect(), kinds: vec![] };
        if wanted.is_empty() {
            return Ok(each);
        }
        // Members are the product of the scans, outermost, and the spreads, so that those of one kind lie a stride apart.
        let scans = members.iter().map(|m| m.variation.scan).max().unwrap_or(0) + 1;
        let stride = members.len() / scans;
        for first in 0..stride {
            let numbers: Vec<usize> = (0..scans).map(|scan| scan * stride + first).collect();
            let e = own(&members[first])?;
            let (schedule, prepared) = &schedules[first];
            let cells = super::cells(&e, schedule, space)?;
            let questions = wanted
                .iter()
                .map(|(key, inner)| Question::new(&e, key.clone(), inner))
                .collect::<Result<Vec<_>, Fault>>()?;
            each.kinds.push(Kind {
                weight: numbers.iter().map(|&k| members[k].weight).sum(),
                scans: numbers,
                scene: Scene::new(space.clone(), cells, prepared.state(space)),
                questions,
            });
        }
        Ok(each)
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The means at a moment, by key; none where the members are no more told apart.
    ///
    /// # Errors
    /// When a value is infinite or not a number.
    pub fn answers(&self, lab: &Lab, states: &[State], time: f64) -> Result<BTreeMap<String, Option<f64>>, Fault> {
        let told_apart = states.len() == self.kinds.iter().map(|k| k.scans.len()).sum::<usize>();
        let mut found = BTreeMap::new();
        for (q, key) in self.keys.iter().enumerate().filter(|_| told_apart) {
            let mut sum = Some(0.0);
            for kind in &self.kinds {
                let value = kind.value(q, states, time, lab)?;
                sum = sum.zip(value).map(|(sum, x)| sum + kind.weight * x);
            }
            found.insert(key.clone(), sum);
        }
        Ok(found)
    }
}

impl Kind {
    fn value(&self, question: usize, states: &[State], time: f64, lab: &Lab) -> Result<Option<f64>, Fault> {
        let scans: Vec<State> = self.scans.iter().map(|&k| states[k].clone()).collect();
        let even = vec![1.0 / scans.len() as f64; scans.len()];
        let mean = mean_state(&even, &scans);
        let moment = Moment::new(&self.scene, &mean, None, time);
        let question = &self.questions[question];
        match question.answer(Some(&moment), &BTreeMap::new()) {
            Ok(x) => Ok(Some(x)),
            Err(Refusal::Undefined(why)) => {
                lab.undefined(&question.key, &why.to_string());
                Ok(None)
            }
            Err(Refusal::NotFinite(x)) => Err(trace::not_finite(question, x, None)),
        }
    }
}
