//! Each type of a value is kept once.

use std::collections::HashMap;

use loam_provider::Type;
use rusqlite::{OptionalExtension as _, params};

use super::Sqlite;
use crate::state::StateError;

/// The types seen so far.
#[derive(Default)]
pub(super) struct Types {
    by_id: HashMap<i64, Type>,
    ids: HashMap<Type, i64>,
}

impl Types {
    /// Forgets everything, when a commit that may have brought new types was undone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Sqlite {
    /// Returns the type with a number.
    pub(super) fn type_of(&self, id: i64) -> Result<Type, StateError> {
        if let Some(ty) = self.types.borrow().by_id.get(&id) {
            return Ok(ty.clone());
        }
        let select = "SELECT json FROM types WHERE id = ?1";
        let json: String = self.db.query_row(select, [id], |row| row.get(0)).map_err(self.fault())?;
        let ty: Type = serde_json::from_str(&json).map_err(|_| self.unreadable(format!("type {id}"), "json"))?;
        self.types.borrow_mut().by_id.insert(id, ty.clone());
        Ok(ty)
    }

    /// Returns the number of a type, which is added if it is new.
    pub(super) fn type_id(&self, ty: &Type) -> Result<i64, StateError> {
        if let Some(id) = self.types.borrow().ids.get(ty) {
            return Ok(*id);
        }
        let json = serde_json::to_string(ty).expect("a type is JSON");
        let select = "SELECT id FROM types WHERE json = ?1";
        let known = self.db.query_row(select, [&json], |row| row.get(0)).optional().map_err(self.fault())?;
        let id = match known {
            Some(id) => id,
            None => {
                self.db.execute("INSERT INTO types (json) VALUES (?1)", params![json]).map_err(self.fault())?;
                self.db.last_insert_rowid()
            }
        };
        self.types.borrow_mut().ids.insert(ty.clone(), id);
        Ok(id)
    }
}
