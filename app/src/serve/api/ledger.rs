//! Where the capacity went, by node or by owner, over a range of time.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use lepton_core::analyze::{Accounts, StrandedCause};
use lepton_edges::store::{LEDGER_HOUR_SECONDS, LEDGER_HOURS_KEPT, LedgerHour};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::lists::moment;
use super::problem::Problem;

/// Thousandths of a device are shown as devices.
const DEVICE_MILLI: &str = "device_milli";

/// Which part of the ledger.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LedgerQuery {
    /// Where it begins, seconds of the cluster's time; whole hours count [default: `hours` before now]
    from: Option<u64>,
    /// Where it ends, seconds [default: now]
    to: Option<u64>,
    /// How many hours before the end it begins, 1 to 2208 [default: 24]
    #[param(minimum = 1, maximum = 2208)]
    hours: Option<u64>,
    /// `node` or `owner` [default: node]
    by: Option<String>,
}

/// Where the capacity of one resource went, in its unit times hours.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(super) struct LedgerRow {
    /// The node or owner; empty for all nodes together, and for what nobody owns.
    name: String,
    /// The resource; `devices` for the devices.
    resource: String,
    /// All of it: of an owner what its tasks had. The sum of used, unused, beyond, moves, stranded, lost and idle.
    capacity_hours: f64,
    /// Allocated: used, unused and moves together.
    allocated_hours: f64,
    /// Allocated and really used; what is held of devices counts as used.
    used_hours: f64,
    /// Allocated and not used.
    unused_hours: f64,
    /// Used beyond what is allocated.
    beyond_hours: f64,
    /// Held by tasks that stood still because they were moved.
    moves_hours: f64,
    /// Free and of no use, by cause.
    stranded_hours: BTreeMap<String, f64>,
    /// Of nodes that were down.
    lost_hours: f64,
    /// Free.
    idle_hours: f64,
}

/// A part of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerBody {
    /// Where it begins, seconds of the cluster's time.
    from_seconds: u64,
    /// Where it ends, seconds.
    to_seconds: u64,
    /// Seconds of it that were observed: not while the service was down or its readings out of date.
    observed_seconds: u64,
    /// All nodes together, a row a resource.
    total: Vec<LedgerRow>,
    /// By node or owner, a row a resource.
    items: Vec<LedgerRow>,
}

/// Where the capacity went: used, allocated and not used, stranded, lost, paid for moves, idle.
#[utoipa::path(get, path = "/api/v1/ledger", params(LedgerQuery),
    responses((status = 200, body = LedgerBody), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn ledger(
    State(shared): State<Shared>,
    query: Result<Query<LedgerQuery>, QueryRejection>,
) -> Result<Json<LedgerBody>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad(error.body_text()))?;
    let by_owner = match query.by.as_deref() {
        None | Some("node") => false,
        Some("owner") => true,
        Some(_) => return Err(Problem::bad("`by` is none of node, owner")),
    };
    let hours = query.hours.unwrap_or(24);
    if !(1..=LEDGER_HOURS_KEPT).contains(&hours) {
        return Err(Problem::bad(format!("`hours` is not from 1 to {LEDGER_HOURS_KEPT}")));
    }
    if query.from.is_some() && query.hours.is_some() {
        return Err(Problem::bad("`from` and `hours` both say where it begins"));
    }
    let (from, to) = (moment("from", query.from)?, moment("to", query.to)?);
    let to = to.unwrap_or(shared.published.view().status.time_seconds.saturating_add(1));
    let from = from.unwrap_or(to.saturating_sub(hours.saturating_mul(LEDGER_HOUR_SECONDS)));
    if from >= to {
        return Err(Problem::bad("`from` is not before `to`"));
    }
    // An hour counts where any of it is asked for.
    let begins = from - from % LEDGER_HOUR_SECONDS;
    let kept = shared.read(move |reader| reader.ledger(begins, to)).await?;
    let mut sums = Sums::default();
    kept.iter().for_each(|hour| sums.add(hour, by_owner));
    let observed_seconds = kept.iter().map(|hour| hour.ledger.seconds).sum();
    Ok(Json(LedgerBody {
        from_seconds: begins,
        to_seconds: to,
        observed_seconds,
        total: sums.total.into_iter().map(|(resource, sum)| sum.row("", &resource)).collect(),
        items: sums.items.into_iter().map(|((name, resource), sum)| sum.row(&name, &resource)).collect(),
    }))
}

#[derive(Default)]
struct Sums {
    total: BTreeMap<String, Sum>,
    items: BTreeMap<(String, String), Sum>,
}

impl Sums {
    fn add(&mut self, LedgerHour { ledger, .. }: &LedgerHour, by_owner: bool) {
        for accounts in ledger.nodes.values() {
            for (resource, accounts) in ledger.resources.iter().zip(accounts) {
                self.total.entry(resource.clone()).or_default().add(accounts);
            }
        }
        for (name, accounts) in if by_owner { &ledger.owners } else { &ledger.nodes } {
            for (resource, accounts) in ledger.resources.iter().zip(accounts) {
                self.items.entry((name.clone(), resource.clone())).or_default().add(accounts);
            }
        }
    }
}

/// Accounts of many nodes and hours: more than one number of theirs holds.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    used: i128,
    unused: i128,
    beyond: i128,
    moves: i128,
    stranded: [i128; StrandedCause::ALL.len()],
    lost: i128,
    idle: i128,
}

impl Sum {
    fn add(&mut self, of: &Accounts) {
        self.used += i128::from(of.used);
        self.unused += i128::from(of.unused);
        self.beyond += i128::from(of.beyond);
        self.moves += i128::from(of.moves);
        for (own, other) in self.stranded.iter_mut().zip(of.stranded) {
            *own += i128::from(other);
        }
        self.lost += i128::from(of.lost);
        self.idle += i128::from(of.idle);
    }

    fn row(&self, name: &str, resource: &str) -> LedgerRow {
        let is_device = resource == DEVICE_MILLI;
        let unit_seconds = LEDGER_HOUR_SECONDS as f64 * if is_device { 1000.0 } else { 1.0 };
        let hours = |amount: i128| amount as f64 / unit_seconds;
        let allocated = self.used + self.unused + self.moves;
        let stranded = StrandedCause::ALL.iter().zip(self.stranded).filter(|(_, amount)| *amount > 0);
        let all = allocated + self.beyond + self.stranded.iter().sum::<i128>() + self.lost + self.idle;
        LedgerRow {
            name: name.to_owned(),
            resource: if is_device { "devices".to_owned() } else { resource.to_owned() },
            capacity_hours: hours(all),
            allocated_hours: hours(allocated),
            used_hours: hours(self.used),
            unused_hours: hours(self.unused),
            beyond_hours: hours(self.beyond),
            moves_hours: hours(self.moves),
            stranded_hours: stranded
                .map(|(cause, amount)| (cause.code().to_owned(), hours(amount)))
                .collect(),
            lost_hours: hours(self.lost),
            idle_hours: hours(self.idle),
        }
    }
}
