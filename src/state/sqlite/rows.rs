//! What the columns of a row mean.

use std::str::FromStr;

use jiff::Timestamp;
use loam_provider::{Known, OnDestroy, Path, Str};
use rusqlite::{Row, types::FromSql};

use super::Sqlite;
use crate::{
    addr::{Instance, Resource},
    state::{
        Condition, Context, DeposedId, Object, ReplaceOrder, SealedValue, Serial, Slot, Stamp, StateError, Stored,
    },
};

/// The columns of an object after its slot, in `objects` as in `history`.
pub(super) const OBJECT: &str = "kind, kind_version, provider, condition, attributes, type, sensitive, sealed, \
                                 dependencies, on_destroy, replace_order, created_serial, created_at, \
                                 updated_serial, updated_at";

/// An object as its row says it, without stamps.
pub(super) struct ObjectRow {
    pub(super) addr: String,
    pub(super) deposed: String,
    pub(super) kind_version: u32,
    pub(super) value: ValueRow,
    pub(super) dependencies: String,
    pub(super) on_destroy: &'static str,
}

/// A value as the columns `attributes` or `value`, `type`, `sensitive` and `sealed` say it.
#[derive(PartialEq, Eq)]
pub(super) struct ValueRow {
    pub(super) json: String,
    pub(super) ty: i64,
    pub(super) sensitive: String,
    pub(super) sealed: Option<Vec<u8>>,
}

impl Sqlite {
    pub(super) fn object_row(&self, object: &Object) -> Result<ObjectRow, StateError> {
        let (addr, deposed) = slot_text(&object.slot);
        let value = self.value_row("object", &addr, &object.attributes, &object.sensitive)?;
        let dependencies = list_text(&object.dependencies);
        let on_destroy = match object.on_destroy {
            OnDestroy::Delete => "delete",
            OnDestroy::Retain => "retain",
        };
        Ok(ObjectRow { addr, deposed, kind_version: object.kind_version, value, dependencies, on_destroy })
    }

    pub(super) fn value_row(
        &self,
        sort: &str,
        name: &str,
        value: &Known,
        sensitive: &[Path],
    ) -> Result<ValueRow, StateError> {
        let SealedValue { ty, value, sensitive, sealed, .. } =
            self.seal.seal_value(self.context(sort, name), value, sensitive)?;
        let ty = self.type_id(&ty)?;
        Ok(ValueRow { json: value.to_string(), ty, sensitive: list_text(&sensitive), sealed })
    }

    /// Reads the object whose columns start at `first`, in the order of [`OBJECT`].
    pub(super) fn stored(&self, row: &Row<'_>, slot: Slot, addr: &str, first: usize) -> Result<Stored, StateError> {
        let cell = Cells { store: self, row, sort: "object", name: addr };
        let (attributes, sensitive) = self.known(&cell, first + 4)?;
        let object = Object {
            kind: cell.text(first)?,
            kind_version: cell.get(first + 1)?,
            provider: cell.text(first + 2)?,
            attributes,
            sensitive,
            condition: cell.word(first + 3, "condition", Condition::of_word)?,
            dependencies: cell.list::<Resource>(first + 8, "dependencies")?,
            on_destroy: cell.word(first + 9, "on_destroy", |word| match word {
                "delete" => Some(OnDestroy::Delete),
                "retain" => Some(OnDestroy::Retain),
                _ => None,
            })?,
            replace_order: cell.word(first + 10, "replace_order", ReplaceOrder::of_word)?,
            slot,
        };
        Ok(Stored { object, created: cell.stamp(first + 11)?, updated: cell.stamp(first + 13)? })
    }

    /// Reads the known value whose columns start at `first`, and what in it is secret.
    pub(super) fn known(&self, cell: &Cells<'_>, first: usize) -> Result<(Known, Vec<Path>), StateError> {
        let json = cell.borrowed(first)?;
        let sealed = SealedValue {
            value: serde_json::from_str(json).map_err(|_| cell.unreadable("value"))?,
            ty: self.type_of(cell.get(first + 1)?)?,
            unknown: Vec::new(),
            sensitive: cell.list(first + 2, "sensitive")?,
            sealed: cell.get(first + 3)?,
        };
        let value = self.seal.open_value(self.context(cell.sort, cell.name), &sealed)?;
        Ok((Known::new(value).map_err(|_| cell.unreadable("value"))?, sealed.sensitive))
    }

    pub(super) fn context<'a>(&'a self, sort: &'a str, name: &'a str) -> Context<'a> {
        Context { state: &self.state_id, sort, name }
    }

    pub(super) fn unreadable(&self, row: String, column: &'static str) -> StateError {
        StateError::Row { path: self.path.clone(), row, column }
    }
}

/// One row while it is read.
pub(super) struct Cells<'r> {
    pub(super) store: &'r Sqlite,
    pub(super) row: &'r Row<'r>,
    pub(super) sort: &'r str,
    pub(super) name: &'r str,
}

impl Cells<'_> {
    pub(super) fn get<T: FromSql>(&self, column: usize) -> Result<T, StateError> {
        self.row.get(column).map_err(self.store.fault())
    }

    pub(super) fn borrowed(&self, column: usize) -> Result<&str, StateError> {
        let cell = self.row.get_ref(column).map_err(self.store.fault())?;
        cell.as_str().map_err(|error| self.store.fault()(error.into()))
    }

    pub(super) fn text(&self, column: usize) -> Result<Str, StateError> {
        self.borrowed(column).map(Str::from)
    }

    pub(super) fn word<T>(
        &self,
        column: usize,
        name: &'static str,
        of_word: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StateError> {
        of_word(self.borrowed(column)?).ok_or_else(|| self.unreadable(name))
    }

    /// Reads a JSON list of texts.
    pub(super) fn list<T: FromStr>(&self, column: usize, name: &'static str) -> Result<Vec<T>, StateError> {
        let json = self.borrowed(column)?;
        if json == "[]" {
            return Ok(Vec::new());
        }
        let texts: Vec<String> = serde_json::from_str(json).map_err(|_| self.unreadable(name))?;
        texts.iter().map(|text| text.parse().map_err(|_| self.unreadable(name))).collect()
    }

    /// Reads a whole number that is never negative.
    pub(super) fn count(&self, column: usize, name: &'static str) -> Result<u64, StateError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| self.unreadable(name))
    }

    pub(super) fn time(&self, column: usize, name: &'static str) -> Result<Timestamp, StateError> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|_| self.unreadable(name))
    }

    pub(super) fn optional_time(&self, column: usize, name: &'static str) -> Result<Option<Timestamp>, StateError> {
        let time: Option<i64> = self.get(column)?;
        time.map(|time| Timestamp::from_millisecond(time).map_err(|_| self.unreadable(name))).transpose()
    }

    fn stamp(&self, first: usize) -> Result<Stamp, StateError> {
        Ok(Stamp { serial: Serial(self.count(first, "serial")?), at: self.time(first + 1, "time")? })
    }

    /// Reads the slot whose columns `addr` and `deposed` start at `first`.
    pub(super) fn slot(&self, first: usize) -> Result<Slot, StateError> {
        let addr: Instance = self.borrowed(first)?.parse().map_err(|_| self.unreadable("addr"))?;
        let deposed = self.borrowed(first + 1)?;
        Ok(Slot { addr, deposed: (!deposed.is_empty()).then(|| DeposedId(deposed.into())) })
    }

    pub(super) fn unreadable(&self, column: &'static str) -> StateError {
        self.store.unreadable(format!("{} `{}`", self.sort, self.name), column)
    }
}

/// Returns the columns `addr` and `deposed` of a slot.
pub(super) fn slot_text(slot: &Slot) -> (String, String) {
    (slot.addr.to_string(), slot.deposed.as_ref().map_or_else(String::new, |id| id.0.to_string()))
}

fn list_text<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "[]".into();
    }
    serde_json::Value::from(items.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
}
