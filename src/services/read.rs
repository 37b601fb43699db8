//! Typed values out of nodes that keep to the schema.
//!
//! The schema has seen that each value parses; what comes back as `None` here was never written.

use crate::model::crontab::Crontab;
use crate::model::plan::OnChange;
use crate::model::value::{AbsPath, Duration, Mode, Port, Size, Version};
use crate::source::Spanned;
use crate::syntax::node::{Node, Scalar, Value};

pub(super) fn text(value: &Value) -> Option<Spanned<String>> {
    value.as_str().map(|text| Spanned::new(text.to_owned(), value.span))
}

pub(super) fn port(value: &Value) -> Option<Spanned<Port>> {
    number(value, |n| Port::parse(n).ok())
}

pub(super) fn integer(value: &Value) -> Option<Spanned<u64>> {
    number(value, |n| u64::try_from(n).ok())
}

pub(super) fn duration(value: &Value) -> Option<Spanned<Duration>> {
    parsed(value, |text| Duration::parse(text).ok())
}

pub(super) fn size(value: &Value) -> Option<Spanned<Size>> {
    parsed(value, |text| Size::parse(text).ok())
}

pub(super) fn path(value: &Value) -> Option<Spanned<AbsPath>> {
    parsed(value, |text| AbsPath::parse(text).ok())
}

pub(super) fn mode(value: &Value) -> Option<Spanned<Mode>> {
    parsed(value, |text| Mode::parse(text).ok())
}

pub(super) fn crontab(value: &Value) -> Option<Spanned<Crontab>> {
    parsed(value, |text| Crontab::parse(text).ok())
}

pub(super) fn version(value: &Value) -> Option<Spanned<Version>> {
    parsed(value, |text| Version::parse(text).ok())
}

pub(super) fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.scalar == Scalar::Bool(true))
}

/// The first argument of a child that stands once: `port 30865`.
pub(super) fn first<'a>(node: &'a Node, child: &str) -> Option<&'a Value> {
    node.child(child).and_then(|child| child.args.first())
}

/// `reload "app.service"` or `restart "app.service"`.
pub(super) fn on_change(node: &Node) -> OnChange {
    let unit = |child: &str| first(node, child).and_then(Value::as_str).map(str::to_owned);
    let reload = unit("reload").map(OnChange::Reload);
    reload.or_else(|| unit("restart").map(OnChange::Restart)).unwrap_or(OnChange::Nothing)
}

/// All arguments of all children of a name, in order.
pub(super) fn all<'a>(node: &'a Node, child: &str) -> Vec<&'a Value> {
    node.children_named(child).flat_map(|child| &child.args).collect()
}

/// The same, as texts.
pub(super) fn texts(node: &Node, child: &str) -> Vec<Spanned<String>> {
    all(node, child).into_iter().filter_map(text).collect()
}

fn parsed<T>(value: &Value, parse: impl Fn(&str) -> Option<T>) -> Option<Spanned<T>> {
    parse(value.as_str()?).map(|parsed| Spanned::new(parsed, value.span))
}

fn number<T>(value: &Value, parse: impl Fn(i128) -> Option<T>) -> Option<Spanned<T>> {
    match value.scalar {
        Scalar::Integer(number) => parse(number).map(|parsed| Spanned::new(parsed, value.span)),
        _ => None,
    }
}
