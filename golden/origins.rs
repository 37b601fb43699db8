//! Every line of every generated file knows the place that made it.

use clustergen::diag::Diagnostics;
use clustergen::disk::RealFolder;
use clustergen::model::facts::service_kind;
use clustergen::model::plan::Kind;
use clustergen::render::{place, trace};
use clustergen::run::look;

use crate::support::{Bench, folders, golden};

#[test]
fn no_service_puts_a_file_where_it_has_claimed_none() {
    let mut seen = 0;
    for case in folders(&golden().join("ok")) {
        let bench = Bench::new(Some(&case.join("state")));
        let folder = RealFolder(case.clone());
        let report = look(bench.place(&folder, "cluster.kdl")).unwrap();
        let compiled = report.compiled.as_ref().unwrap();
        for host in compiled.inventory.managed() {
            let plan = compiled.plan(host, &mut Diagnostics::default());
            for resource in plan.resources.values() {
                let path = match &resource.kind {
                    Kind::File(file) => &file.path,
                    Kind::Block(block) => &block.path,
                    _ => continue,
                };
                let kind = service_kind(&resource.owner);
                let claimed = compiled
                    .facts
                    .claims_of(host)
                    .any(|it| it.path == *path && service_kind(&it.owner) == kind);
                assert!(claimed, "{}: {} puts {path}", case.display(), resource.owner);
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} files were looked at");
}

#[test]
fn the_marked_rendering_without_its_marks_is_the_plain_one() {
    let mut seen = 0;
    for case in folders(&golden().join("ok")) {
        let bench = Bench::new(Some(&case.join("state")));
        let folder = RealFolder(case.clone());
        let report = look(bench.place(&folder, "cluster.kdl")).unwrap();
        let compiled = report.compiled.as_ref().unwrap();
        for host in compiled.inventory.managed() {
            let told = &mut Diagnostics::default();
            let plan = compiled.plan(host, told);
            let bundle = compiled.bundle(&plan, &report.sources, told).unwrap();
            for path in plan.resources.values().filter_map(place) {
                let from = compiled.made_from();
                let Some(traced) = trace(&plan, &path, &compiled.templates, &from) else {
                    continue;
                };
                let text = String::from_utf8(bundle.files[&path].bytes.clone()).unwrap();
                assert_eq!(traced.text, text, "{}: {path}", case.display());
                assert_eq!(traced.lines.len(), text.lines().count(), "{}: {path}", case.display());
                for spans in &traced.lines {
                    assert!(!spans.is_empty());
                    for span in spans {
                        let source = report.sources.file(span.file);
                        assert!(
                            span.end > span.start,
                            "{}: {path} has a line from nowhere",
                            case.display()
                        );
                        assert!(source.text.get(span.range()).is_some());
                    }
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} files were traced");
}
