//! What services have in common that do something every so often, each member in its own minute.

use super::Lowering;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::facts::ServiceKey;
use crate::model::grid;
use crate::model::value::Duration;
use crate::quote::{Text, fixed};
use crate::source::Spanned;

/// Tells of a period that a crontab cannot say.
pub(super) fn check(every: &Spanned<Duration>, diagnostics: &mut Diagnostics) {
    if every.value.minutes().is_some_and(grid::fits) {
        return;
    }
    let message = format!("cron cannot do something every {} without a gap", every.value);
    let help = "write minutes that divide an hour (`5m`, `20m`) or hours that divide a day (`6h`)";
    diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(every.span, "").help(help));
}

/// A crontab's fields with the minute that this host was allotted.
pub(super) fn fields(key: &ServiceKey, every: &Spanned<Duration>, cx: &Lowering) -> Text {
    let minute = cx.settled.slots.get(&(key.to_string(), cx.host)).copied();
    // a period of other than whole minutes was told
    let period = every.value.minutes().unwrap_or(1);
    fixed(&grid::fields(period, minute.unwrap_or_default()), every.span)
}
