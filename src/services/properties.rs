//! `properties`: keys of a Java properties file that others own. What it does stands in `keyed`.

use super::keyed::{Format, Keyed};
use crate::model::plan::KeyFormat;
use crate::quote::{Encoding, Piece, Quoted, properties_line};
use crate::source::Span;

pub(super) type Properties = Keyed<PropertiesFile>;

pub(super) struct PropertiesFile;

impl Format for PropertiesFile {
    const KIND: &'static str = "properties";
    const FORMAT: KeyFormat = KeyFormat::Properties;
    const ENCODING: Encoding = Encoding::Properties;
    const SEPARATOR: &'static str = "=";

    fn line(name: &str, separator: &str, value: Option<&[Piece]>, origin: Span) -> Quoted {
        properties_line(name, separator, value, origin)
    }
}
