//! One commit: steps, objects, what stood before, and the new serial, all or nothing.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};

use super::{
    Sqlite,
    rows::{self, Cells, ObjectRow, ValueRow},
};
use crate::state::{
    Attempt, HistoryChange, Object, Outcome, Output, RunId, Serial, Slot, Start, StateError, Status, StepEvent, StepId,
    Write,
};

/// A commit on its way.
pub(super) struct Commit<'c> {
    store: &'c Sqlite,
    tx: &'c Transaction<'c>,
    /// The serial that the state has after it, if it changes objects or outputs.
    serial: i64,
    at: i64,
    run: Option<RunId>,
    effect: Effect,
}

/// Whether a commit changed objects or outputs so far.
#[derive(PartialEq, Eq)]
enum Effect {
    Nothing,
    Changed,
}

/// Records what stands in a slot, as the first row of the slot in its commit: that is what the commit found.
const REMEMBER: &str = "INSERT INTO history (serial, addr, deposed, at, run, change, kind, kind_version, provider,
        condition, attributes, type, sensitive, sealed, dependencies, on_destroy, replace_order, created_serial,
        created_at, updated_serial, updated_at)
    SELECT :serial, addr, deposed, :at, :run, :change, kind, kind_version, provider, condition, attributes, type,
        sensitive, sealed, dependencies, on_destroy, replace_order, created_serial, created_at, updated_serial,
        updated_at
    FROM objects WHERE addr = :addr AND deposed = :deposed
    ON CONFLICT DO NOTHING";

const REMEMBER_EMPTY: &str = "INSERT INTO history (serial, addr, deposed, at, run, change)
    VALUES (:serial, :addr, :deposed, :at, :run, :change) ON CONFLICT DO NOTHING";

const IS_SAME: &str = "SELECT kind = :kind AND kind_version = :kind_version AND provider = :provider
        AND condition = :condition AND attributes = :attributes AND type = :type AND sensitive = :sensitive
        AND sealed IS :sealed AND dependencies = :dependencies AND on_destroy = :on_destroy
        AND replace_order = :replace_order
    FROM objects WHERE addr = :addr AND deposed = :deposed";

const PUT: &str = "INSERT INTO objects (addr, deposed, kind, kind_version, provider, condition, attributes, type,
        sensitive, sealed, dependencies, on_destroy, replace_order, created_serial, created_at, updated_serial,
        updated_at)
    VALUES (:addr, :deposed, :kind, :kind_version, :provider, :condition, :attributes, :type, :sensitive, :sealed,
        :dependencies, :on_destroy, :replace_order, :serial, :at, :serial, :at)
    ON CONFLICT (addr, deposed) DO UPDATE SET kind = excluded.kind, kind_version = excluded.kind_version,
        provider = excluded.provider, condition = excluded.condition, attributes = excluded.attributes,
        type = excluded.type, sensitive = excluded.sensitive, sealed = excluded.sealed,
        dependencies = excluded.dependencies, on_destroy = excluded.on_destroy,
        replace_order = excluded.replace_order, updated_serial = excluded.updated_serial,
        updated_at = excluded.updated_at";

impl<'c> Commit<'c> {
    pub(super) fn begin(
        store: &'c Sqlite,
        tx: &'c Transaction<'c>,
        at: Timestamp,
        run: Option<RunId>,
    ) -> Result<Self, StateError> {
        let serial: i64 = tx.query_row("SELECT serial FROM meta", [], |row| row.get(0)).map_err(store.fault())?;
        Ok(Self { store, tx, serial: serial + 1, at: at.as_millisecond(), run, effect: Effect::Nothing })
    }

    /// Ends the commit's work and returns the state's serial after it.
    pub(super) fn end(self) -> Result<Serial, StateError> {
        match self.effect {
            Effect::Nothing => Ok(Serial((self.serial - 1).cast_unsigned())),
            Effect::Changed => {
                self.tx.execute("UPDATE meta SET serial = ?1", [self.serial]).map_err(self.store.fault())?;
                Ok(Serial(self.serial.cast_unsigned()))
            }
        }
    }

    pub(super) fn start(&mut self, start: &Start) -> Result<(), StateError> {
        let event = match start.attempt {
            Attempt::First => StepEvent::Start,
            Attempt::Again => StepEvent::Retry,
        };
        let (status, token) = self.step(start.step)?;
        let status = status.after(event).map_err(|source| StateError::Transition { step: start.step, source })?;
        let planned = self.store.seal.seal_value(
            self.store.context("step", &token),
            &start.planned.value,
            &start.planned.sensitive,
        )?;
        let update = "UPDATE steps SET status = :status, attempts = attempts + 1, planned = :planned, error = NULL,
                          started_at = :at, changed_at = :at
                      WHERE run = :run AND ordinal = :ordinal";
        let mut update = self.tx.prepare_cached(update).map_err(self.store.fault())?;
        let updated = update.execute(named_params! {
            ":run": start.step.run.0.cast_signed(), ":ordinal": start.step.ordinal, ":status": status.word(),
            ":planned": serde_json::to_string(&planned).expect("a sealed value is JSON"), ":at": self.at,
        });
        updated.map(drop).map_err(self.store.fault())
    }

    pub(super) fn finish(&mut self, outcome: &Outcome) -> Result<(), StateError> {
        let Outcome { step, ended, writes } = outcome;
        let (status, _) = self.step(*step)?;
        let status = ended.after(status).map_err(|source| StateError::Transition { step: *step, source })?;
        let update = "UPDATE steps SET status = :status, error = :error, changed_at = :at
                      WHERE run = :run AND ordinal = :ordinal";
        let mut update = self.tx.prepare_cached(update).map_err(self.store.fault())?;
        let updated = update.execute(named_params! {
            ":run": step.run.0.cast_signed(), ":ordinal": step.ordinal, ":status": status.word(),
            ":error": ended.why(), ":at": self.at,
        });
        updated.map_err(self.store.fault())?;
        self.run = Some(step.run);
        self.writes(writes)
    }

    fn step(&self, id: StepId) -> Result<(Status, String), StateError> {
        let select = "SELECT status, token FROM steps WHERE run = ?1 AND ordinal = ?2";
        let mut select = self.tx.prepare_cached(select).map_err(self.store.fault())?;
        let row = select
            .query_row(params![id.run.0.cast_signed(), id.ordinal], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)));
        let (word, token) = row.optional().map_err(self.store.fault())?.ok_or(StateError::NoSuchStep { step: id })?;
        let status = Status::of_word(&word);
        Ok((status.ok_or_else(|| self.store.unreadable(format!("step {id}"), "status"))?, token))
    }

    pub(super) fn writes(&mut self, writes: &[Write]) -> Result<(), StateError> {
        writes.iter().try_for_each(|write| match write {
            Write::Put(object) => self.put(object),
            Write::Drop(slot) => self.drop_object(slot),
            Write::Rename { from, to } => self.rename(from, to),
        })
    }

    fn put(&mut self, object: &Object) -> Result<(), StateError> {
        let ObjectRow { addr, deposed, kind_version, value, dependencies, on_destroy } =
            self.store.object_row(object)?;
        let ValueRow { json, ty, sensitive, sealed } = value;
        let mut is_same = self.tx.prepare_cached(IS_SAME).map_err(self.store.fault())?;
        let mut put = self.tx.prepare_cached(PUT).map_err(self.store.fault())?;
        let same = is_same.query_row(
            named_params! {
                ":addr": addr, ":deposed": deposed, ":kind": object.kind.as_str(), ":kind_version": kind_version,
                ":provider": object.provider.as_str(), ":condition": object.condition.word(), ":attributes": json,
                ":type": ty, ":sensitive": sensitive, ":sealed": sealed, ":dependencies": dependencies,
                ":on_destroy": on_destroy, ":replace_order": object.replace_order.word(),
            },
            |row| row.get(0),
        );
        match same.optional().map_err(self.store.fault())? {
            Some(true) => return Ok(()),
            Some(false) => self.remember(&addr, &deposed, HistoryChange::Updated)?,
            None => self.remember_empty(&addr, &deposed, HistoryChange::Created)?,
        }
        let put = put.execute(named_params! {
            ":addr": addr, ":deposed": deposed, ":kind": object.kind.as_str(), ":kind_version": kind_version,
            ":provider": object.provider.as_str(), ":condition": object.condition.word(), ":attributes": json,
            ":type": ty, ":sensitive": sensitive, ":sealed": sealed, ":dependencies": dependencies,
            ":on_destroy": on_destroy, ":replace_order": object.replace_order.word(),
            ":serial": self.serial, ":at": self.at,
        });
        put.map(drop).map_err(self.store.fault())
    }

    fn drop_object(&mut self, slot: &Slot) -> Result<(), StateError> {
        let (addr, deposed) = rows::slot_text(slot);
        self.remember(&addr, &deposed, HistoryChange::Dropped)?;
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM objects WHERE addr = ?1 AND deposed = ?2")
            .map_err(self.store.fault())?;
        match delete.execute([addr, deposed]).map_err(self.store.fault())? {
            0 => Err(StateError::NoSuchObject { slot: slot.clone() }),
            _ => Ok(()),
        }
    }

    fn rename(&mut self, from: &Slot, to: &Slot) -> Result<(), StateError> {
        let ((addr, deposed), (to_addr, to_deposed)) = (rows::slot_text(from), rows::slot_text(to));
        let exists = "SELECT EXISTS (SELECT 1 FROM objects WHERE addr = ?1 AND deposed = ?2)";
        let mut exists = self.tx.prepare_cached(exists).map_err(self.store.fault())?;
        if exists.query_row([&to_addr, &to_deposed], |row| row.get(0)).map_err(self.store.fault())? {
            return Err(StateError::ObjectExists { slot: to.clone() });
        }
        let sealed = "SELECT sealed FROM objects WHERE addr = ?1 AND deposed = ?2";
        let mut sealed = self.tx.prepare_cached(sealed).map_err(self.store.fault())?;
        let sealed: Option<Option<Vec<u8>>> =
            sealed.query_row([&addr, &deposed], |row| row.get(0)).optional().map_err(self.store.fault())?;
        let sealed = sealed.ok_or_else(|| StateError::NoSuchObject { slot: from.clone() })?;
        // Secrets are bound to their address.
        let sealed = match sealed {
            Some(sealed) if addr != to_addr => {
                let plain = self.store.seal.open(self.store.context("object", &addr), &sealed)?;
                Some(self.store.seal.seal(self.store.context("object", &to_addr), &plain)?)
            }
            sealed => sealed,
        };
        self.remember(&addr, &deposed, HistoryChange::Left)?;
        self.remember_empty(&to_addr, &to_deposed, HistoryChange::Arrived)?;
        let update = "UPDATE objects SET addr = :to_addr, deposed = :to_deposed, sealed = :sealed,
                          updated_serial = :serial, updated_at = :at
                      WHERE addr = :addr AND deposed = :deposed";
        let mut update = self.tx.prepare_cached(update).map_err(self.store.fault())?;
        let updated = update.execute(named_params! {
            ":addr": addr, ":deposed": deposed, ":to_addr": to_addr, ":to_deposed": to_deposed, ":sealed": sealed,
            ":serial": self.serial, ":at": self.at,
        });
        updated.map(drop).map_err(self.store.fault())
    }

    fn remember(&mut self, addr: &str, deposed: &str, change: HistoryChange) -> Result<(), StateError> {
        self.record(REMEMBER, addr, deposed, change)
    }

    fn remember_empty(&mut self, addr: &str, deposed: &str, change: HistoryChange) -> Result<(), StateError> {
        self.record(REMEMBER_EMPTY, addr, deposed, change)
    }

    fn record(&mut self, sql: &str, addr: &str, deposed: &str, change: HistoryChange) -> Result<(), StateError> {
        self.effect = Effect::Changed;
        let mut insert = self.tx.prepare_cached(sql).map_err(self.store.fault())?;
        let inserted = insert.execute(named_params! {
            ":serial": self.serial, ":addr": addr, ":deposed": deposed, ":at": self.at,
            ":run": self.run.map(|run| run.0.cast_signed()), ":change": change.word(),
        });
        inserted.map(drop).map_err(self.store.fault())
    }

    /// Replaces the outputs, if they differ.
    pub(super) fn outputs(&mut self, outputs: &[Output]) -> Result<(), StateError> {
        let mut wanted = Vec::with_capacity(outputs.len());
        for Output { name, value, sensitive } in outputs {
            wanted.push((name.to_string(), self.store.value_row("output", name, value, sensitive)?));
        }
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(twice) = wanted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(StateError::OutputTwice { name: twice[0].0.clone() });
        }
        if wanted == self.output_rows()? {
            return Ok(());
        }
        self.effect = Effect::Changed;
        self.tx.execute("DELETE FROM outputs", []).map_err(self.store.fault())?;
        let insert = "INSERT INTO outputs (name, value, type, sensitive, sealed) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.tx.prepare_cached(insert).map_err(self.store.fault())?;
        for (name, ValueRow { json, ty, sensitive, sealed }) in wanted {
            insert.execute(params![name, json, ty, sensitive, sealed]).map_err(self.store.fault())?;
        }
        Ok(())
    }

    fn output_rows(&self) -> Result<Vec<(String, ValueRow)>, StateError> {
        let select = "SELECT name, value, type, sensitive, sealed FROM outputs ORDER BY name";
        let mut select = self.tx.prepare_cached(select).map_err(self.store.fault())?;
        let mut rows = select.query([]).map_err(self.store.fault())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(self.store.fault())? {
            let cell = Cells { store: self.store, row, sort: "output", name: "" };
            let value =
                ValueRow { json: cell.get(1)?, ty: cell.get(2)?, sensitive: cell.get(3)?, sealed: cell.get(4)? };
            found.push((cell.get(0)?, value));
        }
        Ok(found)
    }
}
