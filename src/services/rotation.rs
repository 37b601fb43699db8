//! A file of `/etc/logrotate.d`, for the service that people write and for those that keep logs.
//!
//! In: quoted lines. Out: package, file, check and proof. logrotate leaves out a file that is not
//! root's or that others may write (logrotate(8)), and its exit code says nothing of an option
//! that it does not know: what it says is read. Seen with logrotate 3.21 of Debian 12.

use super::Lowering;
use super::lowering::Owner;
use crate::model::plan::OnChange;
use crate::model::view::Fields;
use crate::quote::Text;
use crate::source::Span;

/// What such a file says.
pub(super) struct Rotation<'a> {
    /// The file's name.
    pub(super) name: &'a str,
    pub(super) paths: Vec<Text>,
    /// `daily`, `rotate 7`.
    pub(super) options: Vec<Text>,
    /// `postrotate` and its like, each with its lines.
    pub(super) scripts: Vec<(Text, Text)>,
    pub(super) extra: Vec<Text>,
}

/// Where a file of this name lies.
pub(super) fn path(name: &str) -> String {
    format!("/etc/logrotate.d/{name}")
}

impl Rotation<'_> {
    pub(super) fn lower(self, owner: Owner, span: Span, cx: &mut Lowering) {
        let package = cx.fact("logrotate.package", owner);
        cx.package(owner, package);
        let scripts = self
            .scripts
            .into_iter()
            .map(|(word, lines)| Fields::new(lines.origin).text("word", word).text("lines", lines));
        let view = Fields::new(span)
            .texts("paths", self.paths)
            .texts("options", self.options)
            .list("scripts", scripts)
            .texts("extra", self.extra);
        let (name, path) = (self.name, path(self.name));
        cx.template(owner, &path, 0o644, "logrotate/logrotate", view, OnChange::Nothing);
        // as it is read among all the others: two of them may name one log
        let check = format!(
            "logrotate -d /etc/logrotate.conf >\"$scratch/said\" 2>&1; \
             grep -qx 'reading config file {name}' \"$scratch/said\" && \
             ! grep -e '^error: {name}:' -e 'gnoring {name} ' \"$scratch/said\""
        );
        cx.check(owner, &check, &[0], &[&path]);
        let title = format!("logrotate finds nothing wrong with {path} and its logs");
        let proof = format!("! logrotate -d {path} 2>&1 | grep '^error:'");
        cx.verify(owner, &title, &proof);
    }
}
