//! What is made of the command line's own description: completions for shells, pages for man(1).
//!
//! In: the commands of `args`. Out: texts. Not here: what help says; those are comments there.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs, ManArgs, ShellArg};
use super::{Done, Failure, print, write};

/// `completions`: a script for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Done {
    let mut script = Vec::new();
    let shell = match args.shell {
        ShellArg::Bash => Shell::Bash,
        ShellArg::Elvish => Shell::Elvish,
        ShellArg::Fish => Shell::Fish,
        ShellArg::PowerShell => Shell::PowerShell,
        ShellArg::Zsh => Shell::Zsh,
    };
    clap_complete::generate(shell, &mut Cli::command(), "clustergen", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// `man`: the pages into a folder, or the first one to standard output.
pub(super) fn man(args: &ManArgs) -> Done {
    let mut pages = pages().map_err(|error| Failure::Bug(error.to_string()))?;
    let Some(folder) = &args.folder else {
        return print(&String::from_utf8_lossy(&pages.swap_remove(0).1));
    };
    write::into(folder, &pages)
}

/// `clustergen-build.1`, and its text.
type Page = (String, Vec<u8>);

/// The page of clustergen itself, and one for each command.
fn pages() -> io::Result<Vec<Page>> {
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    let commands: Vec<Command> = whole.get_subcommands().cloned().collect();
    let mut pages = vec![page(whole)?];
    for command in commands {
        pages.push(page(command)?);
    }
    Ok(pages)
}

fn page(command: Command) -> io::Result<Page> {
    let first = command.get_after_help().is_some();
    let source = concat!("clustergen ", env!("CARGO_PKG_VERSION"));
    // no date: the same program gives the same pages. An empty one would be left out of the
    // title's line, and the source would stand in its place
    let man = Man::new(command).date(" ").source(source);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    // the crate calls what stands below the help EXTRA; man-pages(7) has a name for it
    if first {
        man.render_subcommands_section(&mut text)?;
        let mut below = Vec::new();
        man.render_extra_section(&mut below)?;
        let below = String::from_utf8_lossy(&below).replace(".SH EXTRA", ".SH \"EXIT STATUS\"");
        text.extend_from_slice(below.as_bytes());
    } else {
        text.extend_from_slice(b".SH \"SEE ALSO\"\n\\fBclustergen\\fR(1)\n");
    }
    Ok((man.get_filename(), text))
}
