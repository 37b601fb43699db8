//! The reference says what the schema says, and what it says of values is true.

use clustergen::Knowledge;
use clustergen::disk::RealFolder;
use clustergen::reference::{section, whole};
use clustergen::schema::{NodeSchema, Type};
use clustergen::source::{Sources, Span};
use clustergen::syntax::node::{Scalar, Value};

use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults};

fn knowledge() -> Knowledge {
    let folder = RealFolder(golden());
    Knowledge::load(&mut Sources::new(&folder)).unwrap()
}

#[test]
fn the_stored_reference_is_what_the_schema_says() {
    let mut faults = Vec::new();
    compare_text(&golden().join("../schema/REFERENCE.md"), &whole(&knowledge()), &mut faults);
    no_faults(&faults);
}

/// All types of the schema, with what differs between two fields of one type.
fn types<'a>(node: &'a NodeSchema, list: &mut Vec<&'a Type>) {
    let rest = node.rest.iter().map(|(field, _)| field);
    list.extend(node.args.iter().chain(&node.props).chain(rest).map(|field| &field.ty));
    for child in &node.children {
        types(&child.node, list);
    }
}

#[test]
fn every_value_that_the_reference_shows_for_a_type_is_taken() {
    let schema = knowledge().schema;
    let mut list = Vec::new();
    schema.nodes.values().for_each(|node| types(node, &mut list));
    let mut shown = 0;
    for ty in list {
        let quoted = ty.takes().split('`').filter_map(|it| {
            it.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.contains('"'))
        });
        for sample in quoted.filter(|it| !it.is_empty()) {
            let scalar = Scalar::String(sample.to_owned());
            let span = Span::default();
            let value = Value { scalar, annotation: None, span };
            assert_eq!(ty.check(&value), Ok(()), "{}: {sample}", ty.word());
            shown += 1;
        }
    }
    assert!(shown > 100, "{shown} values were looked at");
}

#[test]
fn a_node_within_a_node_is_told_with_its_types_alone() {
    let schema = knowledge().schema;
    assert_eq!(
        section(&schema, "nginx/upstream/servers").unwrap(),
        "# nginx/upstream/servers

who answers.

```kdl
servers \"apps\" port=8443
```

- `hosts…`, each a [host], at least one: hosts or groups
- `port=`, a [port], required: where they listen
- `weight=`, an [integer] from 1 to 1000: nginx's `weight`: this many shares of the requests
- `backup=`, a [bool]: nginx's `backup`: asked only while the others are down

## Types

- **bool**: `#true` or `#false`
- **host**: the name of a host, or of a group for all its members: `\"node1\"`
- **integer**: a whole number, without quotes
- **port**: a number from 1 to 65535, without quotes
"
    );
}

#[test]
fn a_node_that_is_not_there_is_wrong_usage_and_the_nearest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |node: &str| {
        let output = clustergen(folder.path(), &["schema", node], &[]);
        assert_eq!(code(&output), 2);
        text(&output)
    };
    assert_eq!(
        said("ngnix"),
        "clustergen: the language has no node `ngnix`: did you mean `nginx`?\n"
    );
    assert_eq!(
        said("nginx/upstrem"),
        "clustergen: `nginx` has no node `upstrem`: did you mean `upstream`?\n"
    );
    assert_eq!(
        said("step/destroys/more"),
        "clustergen: `destroys` has no node `more`: it has no children\n"
    );
    assert!(said("").contains("write `balancer`, `certificate`, "));
}
