//! `ini`: keys of an ini file that others own, section by section. What it does stands in `keyed`.

use super::keyed::{Format, Keyed};
use crate::model::plan::KeyFormat;
use crate::quote::{Encoding, Piece, Quoted, ini_line};
use crate::source::Span;

pub(super) type Ini = Keyed<IniFile>;

pub(super) struct IniFile;

impl Format for IniFile {
    const KIND: &'static str = "ini";
    const FORMAT: KeyFormat = KeyFormat::Ini;
    const ENCODING: Encoding = Encoding::Ini;
    const SEPARATOR: &'static str = " = ";

    fn line(name: &str, separator: &str, value: Option<&[Piece]>, origin: Span) -> Quoted {
        ini_line(name, separator, value, origin)
    }
}
