//! The input door: texts that a person wrote, and places in them.
//!
//! In: names relative to the description's folder, bytes from a [`Folder`].
//! Out: [`Sources`], which own every text, and [`Span`]s, which point into them.
//! Not here: what the text means, and any file that clustergen wrote itself.

use std::collections::BTreeMap;
use std::ops::Range;

/// The largest file that is taken in, in bytes. Ten thousand hosts are about 2 MiB.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A text among the [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(u32);

/// A place in a text: byte offsets, the end excluded. The origin of all that was made from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From `self`'s start to `other`'s end, both in one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end, ..self }
    }

    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and the place where it was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Where the texts come from. The only way by which a file reaches the core.
pub trait Folder: Sync {
    /// Reads a file by its name relative to the description's folder.
    ///
    /// # Errors
    /// What the operating system says, as text for a person.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;

    /// Whether there is something of this name, readable or not.
    fn exists(&self, name: &str) -> bool {
        self.read(name).is_ok()
    }

    /// Whether a name stays in the folder when links are followed.
    fn holds(&self, _name: &str) -> bool {
        true
    }

    /// The names of the files below a sub-folder, sorted, relative to the description's folder.
    ///
    /// # Errors
    /// What the operating system says, as text for a person.
    fn list(&self, folder: &str) -> Result<Vec<String>, String>;
}

/// A text with its name and its lines.
#[derive(Debug)]
pub struct SourceFile {
    /// As a person would write it: relative to the description's folder, `/` between the parts.
    pub name: String,
    pub text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(name: String, text: String) -> Self {
        let mut line_starts = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                line_starts.push(offset(at + 1));
            }
        }
        Self { name, text, line_starts }
    }

    /// The place of a whole line, from 1; the last one where there are not so many.
    #[must_use]
    pub fn line(&self, file: FileId, number: usize) -> Span {
        let at = number.clamp(1, self.line_starts.len()) - 1;
        let start = self.line_starts[at];
        let rest = &self.text[start as usize..];
        let length = rest.find('\n').unwrap_or(rest.len());
        Span { file, start, end: start + offset(length) }
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    #[must_use]
    pub fn line_column(&self, at: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1] as usize;
        let before = self.text.get(start..at as usize).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// All texts of one run.
pub struct Sources<'a> {
    folder: &'a dyn Folder,
    files: Vec<SourceFile>,
    by_name: BTreeMap<String, FileId>,
}

impl<'a> Sources<'a> {
    pub fn new(folder: &'a dyn Folder) -> Self {
        Self { folder, files: Vec::new(), by_name: BTreeMap::new() }
    }

    /// Reads a text, once.
    ///
    /// # Errors
    /// The sentence for the person: the file is not there, too large, or no UTF-8.
    pub fn open(&mut self, name: &str) -> Result<FileId, String> {
        if let Some(id) = self.by_name.get(name) {
            return Ok(*id);
        }
        let bytes = self.folder.read(name)?;
        if bytes.len() > MAX_BYTES {
            return Err(format!(
                "`{name}` has more than the {} MiB that a description may have",
                MAX_BYTES / 1024 / 1024
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("`{name}` is not UTF-8 (line {line}, byte {at}): save it as UTF-8")
        })?;
        Ok(self.add(name, text))
    }

    /// Reads a text that another one names: links do not lead it out of the folder.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_inside(&mut self, name: &str) -> Result<FileId, String> {
        if !self.folder.holds(name) {
            return Err(format!("`{name}` is a link that leads out of the description's folder"));
        }
        self.open(name)
    }

    /// Takes in a text that is already in memory: the embedded schema, a lock.
    pub fn add(&mut self, name: &str, text: String) -> FileId {
        let id = FileId(offset(self.files.len()));
        self.files.push(SourceFile::new(name.to_owned(), text));
        self.by_name.insert(name.to_owned(), id);
        id
    }

    /// The folder that everything is read from.
    #[must_use]
    pub fn folder(&self) -> &'a dyn Folder {
        self.folder
    }

    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All texts that were read so far.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.text.as_str())
    }

    /// The whole of a text.
    #[must_use]
    pub fn span(&self, id: FileId) -> Span {
        Span { file: id, start: 0, end: offset(self.file(id).text.len()) }
    }

    /// `cluster.kdl:12`, as editors and reviewers like it.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        let file = self.file(span.file);
        format!("{}:{}", file.name, file.line_column(span.start).0)
    }
}

/// Offsets fit in 32 bits because of [`MAX_BYTES`].
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
