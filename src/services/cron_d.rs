//! Files in `/etc/cron.d`, for every service that has one.
//!
//! In: a path and what stands there. Out: the file, cron itself, and what proves that cron takes the
//! file up. Not here: the minutes (see `grid`), what a line may say (see `cron`).
//!
//! cron tells of a file that it leaves out in the system's log alone, each minute in which it looks
//! at it anew. Seen with cron 3.0pl1: `(*system*x) WRONG FILE OWNER (/etc/cron.d/x)`, `Error: bad
//! minute; while reading /etc/cron.d/x`; cronie (`database.c`, `user.c`) names the path as well.

use super::Lowering;
use super::lowering::Owner;
use crate::model::plan::OnChange;
use crate::model::view::Fields;

impl Lowering<'_> {
    /// A file that cron reads; it looks at the folder each minute, so nobody asks it to.
    pub(super) fn crontab(
        &mut self,
        owner: Owner,
        path: &str,
        template: &'static str,
        view: Fields,
    ) {
        let package = self.fact("cron.package", owner);
        self.package(owner, package);
        let unit = self.fact("cron.unit", owner);
        self.unit(owner, &unit, &[]);
        self.template(owner, path, 0o644, template, view, OnChange::Nothing);
        let look = format!("stat -c \"%A %U, %h names: %n\" {path}");
        let safe =
            format!("find {path} -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q .");
        let since = format!("journalctl -q -u {unit} --since \"@$(stat -c %Z {path})\"");
        let line = format!("grep -E \"{path}([^A-Za-z0-9_-]|$)\"");
        let command = format!(
            "{look} &&\n    {safe} &&\n    ! {since} |\n    {line} |\n    grep -v -e RELOAD -e CMD"
        );
        self.verify(owner, &format!("cron takes up {path}"), &command);
    }
}
