//! The hard rules, checked from scratch and without the search's counters: what the search, the plan and the
//! tests are held to.

use super::{RebalanceProblem, RuleViolation};

impl RebalanceProblem {
    /// The first rule that a placement (a node for each task) breaks, recomputed from scratch, or `None`.
    pub fn first_violation(&self, placement: &[u32]) -> Option<RuleViolation> {
        capacities(self, placement)
            .or_else(|| conflicts(self, placement))
            .or_else(|| spreads(self, placement))
            .or_else(|| dependencies(self, placement))
    }
}

fn capacities(problem: &RebalanceProblem, placement: &[u32]) -> Option<RuleViolation> {
    let parts = &problem.parts;
    let resources = parts.resources.len();
    let mut used = vec![0_u64; parts.nodes.len() * resources];
    let mut leaving = vec![0_u64; parts.nodes.len() * resources];
    for ((task, &node), &home) in parts.tasks.iter().zip(placement).zip(&parts.initial) {
        for (r, need) in task.need.iter().enumerate() {
            used[node as usize * resources + r] += need;
            if node != home && parts.resources[r].transient {
                leaving[home as usize * resources + r] += need;
            }
        }
    }
    for (i, (&used, &leaving)) in used.iter().zip(&leaving).enumerate() {
        let (node, resource) = ((i / resources) as u32, (i % resources) as u32);
        let capacity = parts.nodes[node as usize].capacity[resource as usize];
        if used > capacity {
            return Some(RuleViolation::Capacity { node, resource, held: used, capacity });
        }
        if used + leaving > capacity {
            return Some(RuleViolation::Transient { node, resource, held: used + leaving, capacity });
        }
    }
    None
}

fn conflicts(problem: &RebalanceProblem, placement: &[u32]) -> Option<RuleViolation> {
    let mut seen: Vec<(u32, u32)> = problem.service.iter().copied().zip(placement.iter().copied()).collect();
    seen.sort_unstable();
    let twice = seen.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(RuleViolation::Conflict { service: twice[0].0, node: twice[0].1 })
}

fn spreads(problem: &RebalanceProblem, placement: &[u32]) -> Option<RuleViolation> {
    let at = sorted_places(problem, placement, &problem.location);
    let mut locations = vec![0_u32; problem.parts.services.len()];
    for &(service, _) in &at {
        locations[service as usize] += 1;
    }
    let short = problem.parts.services.iter().zip(&locations).position(|(s, &n)| n < s.spread_min)?;
    Some(RuleViolation::Spread {
        service: short as u32,
        locations: locations[short],
        spread_min: problem.parts.services[short].spread_min,
    })
}

fn dependencies(problem: &RebalanceProblem, placement: &[u32]) -> Option<RuleViolation> {
    let at = sorted_places(problem, placement, &problem.neighbourhood);
    for &(service, neighbourhood) in &at {
        for &on in &problem.parts.services[service as usize].depends_on {
            if at.binary_search(&(on, neighbourhood)).is_err() {
                return Some(RuleViolation::Dependency { service, on, neighbourhood });
            }
        }
    }
    None
}

/// Distinct pairs of service and place, sorted.
fn sorted_places(problem: &RebalanceProblem, placement: &[u32], place: &[u32]) -> Vec<(u32, u32)> {
    let places = placement.iter().map(|&node| place[node as usize]);
    let mut at: Vec<(u32, u32)> = problem.service.iter().copied().zip(places).collect();
    at.sort_unstable();
    at.dedup();
    at
}
