//! What a template is given: finished texts, booleans and lists, each with its origin.

use std::collections::BTreeMap;

use crate::quote::Text;
use crate::source::Span;

/// A value in a view.
#[derive(Clone, PartialEq, Debug)]
pub enum View {
    Text(Text),
    /// For the templates' `if`s, the only logic that they have.
    Flag(bool),
    /// For the templates' `for`s. Fixed lines in a loop belong to the element.
    List(Vec<Fields>),
    Fields(Fields),
}

/// Named values, sorted, and the node that they come from.
#[derive(Clone, PartialEq, Debug)]
pub struct Fields {
    pub origin: Span,
    pub values: BTreeMap<&'static str, View>,
}

impl Fields {
    #[must_use]
    pub fn new(origin: Span) -> Self {
        Self { origin, values: BTreeMap::new() }
    }

    #[must_use]
    pub fn text(mut self, name: &'static str, text: Text) -> Self {
        self.values.insert(name, View::Text(text));
        self
    }

    /// A text that may be missing, and the flag `has_…` that tells.
    #[must_use]
    pub fn maybe(mut self, name: &'static str, flag: &'static str, text: Option<Text>) -> Self {
        self.values.insert(flag, View::Flag(text.is_some()));
        if let Some(text) = text {
            self.values.insert(name, View::Text(text));
        }
        self
    }

    #[must_use]
    pub fn flag(mut self, name: &'static str, value: bool) -> Self {
        self.values.insert(name, View::Flag(value));
        self
    }

    #[must_use]
    pub fn list(mut self, name: &'static str, elements: impl IntoIterator<Item = Self>) -> Self {
        self.values.insert(name, View::List(elements.into_iter().collect()));
        self
    }

    #[must_use]
    pub fn fields(mut self, name: &'static str, fields: Self) -> Self {
        self.values.insert(name, View::Fields(fields));
        self
    }

    /// A list of single texts; the template reads `.it`.
    #[must_use]
    pub fn texts(self, name: &'static str, texts: impl IntoIterator<Item = Text>) -> Self {
        let elements = texts.into_iter().map(|text| Self::new(text.origin).text("it", text));
        self.list(name, elements)
    }
}
