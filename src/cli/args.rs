//! What can be said on the command line; the comments are the help. Nothing is decided here.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use time::Date;
use time::macros::format_description;

use crate::model::value::Duration;
use crate::products;

/// Compiles one description of a high-availability cluster into one reviewed bundle per host.
#[derive(Parser, Debug)]
#[command(name = "clustergen", version, after_help = EXIT_CODES, subcommand_value_name = "COMMAND")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Whom they are for: a person, an editor, a program.
    #[arg(long, global = true, value_enum, default_value = "human", help_heading = FAULTS)]
    pub(super) format: FormatArg,

    /// Take warnings for errors.
    #[arg(long, global = true, help_heading = FAULTS)]
    pub(super) strict: bool,
}

/// These options are every command's: they stand apart from its own.
const FAULTS: &str = "How faults are told";

const EXIT_CODES: &str = "\
Exit codes: 0 fine, 1 the description is wrong or (with --check) the output is stale, \
2 wrong usage, 3 a file, a lock or the disk is in the way, 4 a bug in clustergen.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Compile the description and write the bundles.
    Build(BuildArgs),
    /// Say what is wrong with the description; write nothing.
    Check(Input),
    /// Show what a build would change; write nothing, need no vault. Ends with 0 whether or not
    /// there is a difference: `build --check` is the one that judges.
    Diff(DiffArgs),
    /// Print the description with its products written out.
    Expand(Input),
    /// Show who talks to whom, and which ports are open for whom.
    Links(LinksArgs),
    /// What ends when, new certificates, and requests for those that somebody else signs.
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Values that no reviewed file shows.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Take in the secrets that an installer made on a host: what `apply.sh --bootstrap export` wrote.
    Import(ImportArgs),
    /// Put each host's bundle and the values of its secrets into an archive, to be carried there.
    Pack(PackArgs),
    /// Write a description to start from.
    Init(InitArgs),
    /// Print the reference of the language, or of one node.
    Schema(SchemaArgs),
    /// Say what a fault's code means, why there is such a rule, and what to do.
    Explain(ExplainArgs),
    /// Print a script by which a shell completes commands and options.
    Completions(CompletionsArgs),
    /// Write the manual pages: one of clustergen, and one for each command.
    Man(ManArgs),
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// The code, as `CG0401`; where none is named, all are listed.
    pub(super) code: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell that reads it, as in `source <(clustergen completions bash)`.
    pub(super) shell: ShellArg,
}

/// The shells whose scripts are made.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ShellArg {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// The folder to write them into; where none is named, the page of clustergen is printed.
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct InitArgs {
    /// The product that the cluster is for; nginx before two web servers otherwise.
    #[arg(value_parser = PossibleValuesParser::new(products::ALL.iter().map(|(name, _)| *name)))]
    pub(super) product: Option<String>,

    /// The file to write; one that is there is left alone.
    #[arg(short, long, value_name = "FILE", default_value = "cluster.kdl")]
    pub(super) output: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// A node, as `nginx`, or one within it, as `nginx/site/location`; the whole language otherwise.
    pub(super) node: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(super) enum CertsCommand {
    /// Show every certificate, who shows it, and how long it lasts.
    List(ListArgs),
    /// Make certificates of the cluster's own authority anew, each with a new key, before they end.
    /// The next build puts them into the bundles.
    Renew(RenewArgs),
    /// Have nobody believe certificates of the cluster's own authority any more, and make new ones
    /// with new keys at once. The next build carries both to the hosts.
    Revoke(RevokeArgs),
    /// Take in what came back for a request: finds the certificate for the key in the vault, sorts
    /// its chain, and writes the file that the description names. Of one host (`node1/csync2`), take
    /// over the certificate and the key that it has, which its peers know already.
    Import(AnswerArgs),
    /// Print a request (PKCS#10) for a certificate with `source "files"`, or for `ca`, an authority
    /// below somebody else's; makes its key in the vault where there is none.
    Csr(CsrArgs),
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// Count from this day, as `2027-01-31`; from today otherwise.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(super) as_of: Option<Date>,

    /// Show only those that end so soon, as `30d`; exit 1 where there are any.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) within: Option<Duration>,

    /// For programs: one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct RenewArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The certificates: `www` on all its hosts, or `node1/www` on one.
    #[arg(value_name = "NAME|HOST/NAME", required_unless_present = "within")]
    pub(super) names: Vec<String>,

    /// All that end so soon, as `30d`.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) within: Option<Duration>,

    /// Keep their keys.
    #[arg(long)]
    pub(super) keep_key: bool,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct RevokeArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The certificates: `node1/www` on one host, or `www` on all that show it.
    #[arg(value_name = "HOST/NAME|NAME", required = true)]
    pub(super) names: Vec<String>,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct AnswerArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The certificate's name; `ca` for the authority of the description; `node1/csync2` for what
    /// that host shows to its peers.
    pub(super) name: String,

    /// What was sent, in PEM: certificate, chain and root, in any order, in one file or several; of one
    /// host, a file with its certificate and one with its key.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

fn day(text: &str) -> Result<Date, String> {
    let form = format_description!("[year]-[month]-[day]");
    Date::parse(text, form).map_err(|_| "write a day as `2027-01-31`".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let days = Duration::parse(text).ok().filter(|it| it.days() > 0);
    days.ok_or_else(|| "write days or weeks, as `30d` or `4w`".to_owned())
}

#[derive(Subcommand, Debug)]
pub(super) enum SecretsCommand {
    /// Show every secret, where its value comes from, and whether it has one; never a value.
    List(SecretsListArgs),
    /// Take a value in from where the description says: a variable, a file, the keyboard.
    Set(SetArgs),
    /// Draw values anew; the next build puts them into the bundles.
    Rotate(RotateArgs),
    /// Write the vault's files anew for the recipients that the description names.
    Rekey(Input),
}

#[derive(Args, Debug)]
pub(super) struct SecretsListArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// For programs.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct SetArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The secret's name.
    pub(super) name: String,

    /// Take it from this file, or with `-` from standard input, whatever the description says.
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// The host's name.
    pub(super) host: String,

    /// The file that was carried here.
    pub(super) file: PathBuf,

    /// The description.
    #[arg(long, value_name = "FILE", default_value = "cluster.kdl")]
    pub(super) description: PathBuf,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct RotateArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The secrets' names, as `secrets list` has them.
    #[arg(required = true)]
    pub(super) names: Vec<String>,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct CsrArgs {
    /// The description.
    pub(super) description: PathBuf,

    /// The certificate's name.
    pub(super) name: String,

    /// Only this host's, where each has its own.
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,

    /// With a new key; the one that there is stays beside it, and in use until the answer is here.
    #[arg(long)]
    pub(super) new_key: bool,

    /// Write `NAME.csr`, or `HOST-NAME.csr` where each host has its own, into this folder.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

/// Where what is kept lies, and who opens it.
#[derive(Args, Clone, Debug)]
pub(super) struct StateArgs {
    /// The folder of lock, certificates and vault; `cluster.state` beside `cluster.kdl` otherwise.
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,

    /// A file with the key that opens an encrypted vault: an identity of age, or an SSH private key
    /// (may be said again).
    #[arg(long, value_name = "FILE", env = "CLUSTERGEN_IDENTITY", value_parser = any_path())]
    pub(super) identity: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Input {
    /// The description.
    #[arg(default_value = "cluster.kdl")]
    pub(super) description: PathBuf,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Args, Debug)]
pub(super) struct LinksArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// For programs: one JSON object, with every host by name and address.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// The output folder to compare with; `out` beside the description otherwise.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,

    /// Compare with another output folder instead, or by `git:REV` with the output as it was
    /// committed: `git:HEAD~1`, `git:v1.4`, `git:origin/main`.
    #[arg(long, value_name = "DIR|git:REV")]
    pub(super) against: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// The output folder; `out` beside the description otherwise.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,

    /// Write nothing, need no vault; exit 1 with the difference where the output is not what
    /// description and lock give.
    #[arg(long, conflicts_with = "host")]
    pub(super) check: bool,

    /// Write only this host's bundle (may be said again); refused where the lock would change.
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,

    /// Say on standard error what each stage took.
    #[arg(long)]
    pub(super) timings: bool,
}

/// A path, or nothing: a variable may be there and empty.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

#[derive(Args, Debug)]
pub(super) struct PackArgs {
    #[command(flatten)]
    pub(super) input: Input,

    /// The output folder; `out` beside the description otherwise.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,

    /// Where the archives go; `packs` beside the description otherwise.
    #[arg(long, value_name = "DIR")]
    pub(super) to: Option<PathBuf>,

    /// How the archives are written.
    #[arg(long = "as", value_enum, default_value = "zip")]
    pub(super) form: FormArg,

    /// Pack only this host's bundle (may be said again).
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,

    /// Sign the archives with this SSH key, by `ssh-keygen -Y sign`: a private key, or a public one
    /// whose private half an agent has. Hosts that have `/etc/clustergen/allowed_signers` take
    /// nothing else.
    #[arg(long, value_name = "KEY")]
    pub(super) sign: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FormArg {
    /// NAME.zip.
    Zip,
    /// NAME.tar.
    Tar,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FormatArg {
    /// Excerpts, arrows and help.
    Human,
    /// One line each.
    Short,
    /// One JSON object a line.
    Json,
}
