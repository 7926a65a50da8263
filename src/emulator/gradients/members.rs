//! The members of an ensemble at one point, lowered together where they differ in coefficients only.

use crate::hamiltonian::{Evaluator, Fault, Member, MemberSchedules, Prepared, Schedule, Values, build, prepare};
use std::collections::HashMap;
use std::sync::Arc;

/// A member at one point.
pub(super) struct MemberPoint {
    pub weight: f64,
    /// Its schedule, or that of several members with variables.
    pub schedule: Arc<Schedule>,
    /// The values of the variables.
    pub values: Vec<f64>,
    pub prepared: Arc<Prepared>,
}

impl MemberPoint {
    /// The member of an evaluator.
    ///
    /// # Errors
    /// If its schedule or its initial state cannot be built.
    pub fn built(e: &Evaluator, weight: f64) -> Result<MemberPoint, Fault> {
        MemberPoint::of(e, weight, Arc::new(build(e)?.0))
    }

    fn of(e: &Evaluator, weight: f64, schedule: Arc<Schedule>) -> Result<MemberPoint, Fault> {
        let prepared = prepare(e, &schedule.prepare, schedule.prepare_place.span())?;
        Ok(MemberPoint { weight, schedule, values: vec![], prepared: Arc::new(prepared) })
    }
}

/// What members that are lowered together have in common: the scan, and the bits of their own parameters.
type Group<'m> = (usize, Vec<(&'m str, u64)>);

fn group(member: &Member) -> Group<'_> {
    (member.variation.scan, member.values.iter().map(|(name, x)| (name.as_str(), x.to_bits())).collect())
}

/// The members with their schedules without batteries, and with a common schedule where they have one.
///
/// # Errors
/// If a schedule or an initial state cannot be built.
pub(super) fn lowered(
    declared: &Evaluator,
    given: &Values,
    schedule: &Arc<Schedule>,
    all: &[Member],
) -> Result<Vec<MemberPoint>, Fault> {
    let mut sizes: HashMap<Group, usize> = HashMap::new();
    all.iter().for_each(|member| *sizes.entry(group(member)).or_default() += 1);
    let mut common: HashMap<Group, Option<MemberSchedules>> = HashMap::new();
    let parameters = declared.parameters();
    let mut found = Vec::with_capacity(all.len());
    for member in all {
        if member.is_perfect() {
            found.push(MemberPoint::of(declared, member.weight, schedule.clone())?);
            continue;
        }
        let key = group(member);
        let several = sizes.get(&key).is_some_and(|size| *size > 1);
        if several && !common.contains_key(&key) {
            let own = parameters.member(given, &member.variation, &member.values)?;
            let made = MemberSchedules::like(&own, &member.variation);
            common.insert(key.clone(), made);
        }
        let shared = common.get(&key).and_then(Option::as_ref);
        match shared.and_then(|shared| Some((shared, shared.values(&member.variation)?))) {
            Some((shared, values)) => {
                let (schedule, prepared) = (shared.schedule.clone(), shared.prepared.clone());
                found.push(MemberPoint { weight: member.weight, schedule, values, prepared });
            }
            None => {
                let own = parameters.member(given, &member.variation, &member.values)?;
                found.push(MemberPoint::built(&own, member.weight)?);
            }
        }
    }
    Ok(found)
}
