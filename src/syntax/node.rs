//! Our own nodes: what KDL says, with a place on every part, free of the parser's types.

use crate::source::{Span, Spanned};

/// A description: what was parsed, or what a product made of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Document {
    pub nodes: Vec<Node>,
}

/// `name arg… prop=value… { children }`.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub name: Spanned<String>,
    pub args: Vec<Value>,
    pub props: Vec<Prop>,
    pub children: Vec<Self>,
    /// From the name to the last entry, without the children: what an excerpt shows.
    pub head: Span,
    /// The node path of the product's part that made this node (`gluu[idp]/file-replication`);
    /// `None` for what a person wrote.
    pub made_by: Option<String>,
}

/// An argument, or a property's value.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    pub scalar: Scalar,
    /// `(secret)"redis"` has the annotation `secret`.
    pub annotation: Option<Spanned<String>>,
    pub span: Span,
}

/// `name=value`.
#[derive(Clone, PartialEq, Debug)]
pub struct Prop {
    pub name: Spanned<String>,
    pub value: Value,
}

/// The values that KDL has.
#[derive(Clone, PartialEq, Debug)]
pub enum Scalar {
    String(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Null,
}

impl Value {
    /// A string without an annotation, as products and tests make it.
    pub fn string(text: impl Into<String>, span: Span) -> Self {
        Self { scalar: Scalar::String(text.into()), annotation: None, span }
    }

    /// With an annotation: `(secret)"redis"`.
    #[must_use]
    pub fn annotated(self, word: &str) -> Self {
        Self { annotation: Some(Spanned::new(word.to_owned(), self.span)), ..self }
    }

    pub fn integer(number: impl Into<i128>, span: Span) -> Self {
        Self { scalar: Scalar::Integer(number.into()), annotation: None, span }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.scalar {
            Scalar::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    /// A node without children at `span`.
    pub fn new(name: impl Into<String>, args: Vec<Value>, span: Span) -> Self {
        Self {
            name: Spanned::new(name.into(), span),
            args,
            props: Vec::new(),
            children: Vec::new(),
            head: span,
            made_by: None,
        }
    }

    #[must_use]
    pub fn with_prop(mut self, name: &str, value: Value) -> Self {
        let name = Spanned::new(name.to_owned(), value.span);
        self.props.push(Prop { name, value });
        self
    }

    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    #[must_use]
    pub fn with_children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.value == name
    }

    /// The first argument where it is a string: the name of most nodes.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.args.first().and_then(Value::as_str)
    }

    #[must_use]
    pub fn prop(&self, name: &str) -> Option<&Value> {
        self.props.iter().find(|prop| prop.name.value == name).map(|prop| &prop.value)
    }

    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    pub fn children_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// `kind[name]`, or `kind` where the node has no name. What is called by a path that it shares
    /// with others has a name besides: `properties[/etc/app.properties pool]`.
    #[must_use]
    pub fn key(&self) -> String {
        match (self.label(), self.prop("name").and_then(Value::as_str)) {
            (Some(label), Some(name)) => format!("{}[{label} {name}]", self.name.value),
            (Some(label), None) => format!("{}[{label}]", self.name.value),
            (None, _) => self.name.value.clone(),
        }
    }
}
