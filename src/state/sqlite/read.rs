//! Reading what was recorded.

use std::collections::BTreeSet;

use loam_provider::OpToken;
use rusqlite::{Params, Row, params};

use super::{
    SCHEMA_VERSION, Sqlite, open,
    rows::{Cells, OBJECT},
};
use crate::{
    addr::Instance,
    state::{
        Action, HistoryChange, HistoryEntry, LoggedEvent, Meta, Output, Planned, Process, Run, RunEnd, RunId,
        RunOutcome, SealedValue, Serial, StateError, Status, StepId, StepRecord, Stored,
    },
};

impl Sqlite {
    pub(super) fn read_meta(&self) -> Result<Meta, StateError> {
        let select = "SELECT state_id, serial, history_from, created_at, created_by FROM meta";
        let mut found = None;
        self.each_row(select, [], &mut |row| {
            let cell = Cells { store: self, row, sort: "meta", name: "" };
            found = Some(Meta {
                state_id: cell.text(0)?,
                serial: Serial(cell.count(1, "serial")?),
                history_from: Serial(cell.count(2, "history_from")?),
                schema_version: SCHEMA_VERSION,
                created_at: cell.time(3, "created_at")?,
                created_by: cell.text(4)?,
            });
            Ok(())
        })?;
        found.ok_or_else(|| self.unreadable("meta".into(), "state_id"))
    }

    pub(super) fn read_objects(&self, visit: &mut dyn FnMut(Stored)) -> Result<(), StateError> {
        self.select_objects(&format!("SELECT addr, deposed, {OBJECT} FROM objects"), [], visit)
    }

    pub(super) fn read_objects_of(&self, addr: &Instance) -> Result<Vec<Stored>, StateError> {
        let mut found = Vec::new();
        let select = format!("SELECT addr, deposed, {OBJECT} FROM objects WHERE addr = ?1 ORDER BY deposed");
        self.select_objects(&select, [addr.to_string()], &mut |stored| found.push(stored))?;
        Ok(found)
    }

    pub(super) fn read_objects_at(&self, serial: Serial) -> Result<Vec<Stored>, StateError> {
        let Meta { serial: newest, history_from: oldest, .. } = self.read_meta()?;
        if serial < oldest || serial > newest {
            return Err(StateError::NoSuchSerial { serial, oldest, newest });
        }
        let select = format!(
            "SELECT addr, deposed, {OBJECT} FROM history AS found
             WHERE kind IS NOT NULL AND serial = (
                 SELECT min(serial) FROM history
                 WHERE addr = found.addr AND deposed = found.deposed AND serial > ?1
             )
             UNION ALL
             SELECT addr, deposed, {OBJECT} FROM objects
             WHERE NOT EXISTS (
                 SELECT 1 FROM history
                 WHERE addr = objects.addr AND deposed = objects.deposed AND serial > ?1
             )"
        );
        let mut found = Vec::new();
        self.select_objects(&select, [serial.0.cast_signed()], &mut |stored| found.push(stored))?;
        found.sort_unstable_by(|a, b| a.object.slot.cmp(&b.object.slot));
        Ok(found)
    }

    fn select_objects(
        &self,
        select: &str,
        params: impl Params,
        visit: &mut dyn FnMut(Stored),
    ) -> Result<(), StateError> {
        self.each_row(select, params, &mut |row| {
            let addr = row.get_ref(0).and_then(|cell| Ok(cell.as_str()?)).map_err(self.fault())?;
            let slot = Cells { store: self, row, sort: "object", name: addr }.slot(0)?;
            visit(self.stored(row, slot, addr, 2)?);
            Ok(())
        })
    }

    pub(super) fn read_outputs(&self) -> Result<Vec<Output>, StateError> {
        let mut found = Vec::new();
        let select = "SELECT name, value, type, sensitive, sealed FROM outputs ORDER BY name";
        self.each_row(select, [], &mut |row| {
            let name: String = row.get(0).map_err(self.fault())?;
            let (value, sensitive) = self.known(&Cells { store: self, row, sort: "output", name: &name }, 1)?;
            found.push(Output { name: name.into(), value, sensitive });
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn run(&self, id: RunId) -> Result<Run, StateError> {
        self.read_runs("id = ?1", [id.0.cast_signed()])?.pop().ok_or(StateError::NoSuchRun { run: id })
    }

    pub(super) fn read_runs(&self, which: &str, params: impl Params) -> Result<Vec<Run>, StateError> {
        let select = format!(
            "SELECT id, command, pid, pid_started, boot_id, host, user, started_at, finished_at, outcome
             FROM runs WHERE {which} ORDER BY id"
        );
        let mut found = Vec::new();
        self.each_row(&select, params, &mut |row| {
            let cell = Cells { store: self, row, sort: "run", name: "" };
            let process = Process {
                pid: cell.get(2)?,
                started: cell.get::<Option<i64>>(3)?.map(i64::cast_unsigned),
                boot_id: cell.get(4)?,
                host: cell.get(5)?,
                user: cell.get(6)?,
            };
            let end = match cell.optional_time(8, "finished_at")? {
                Some(at) => Some(RunEnd { at, outcome: cell.word(9, "outcome", RunOutcome::of_word)? }),
                None => None,
            };
            let id = RunId(cell.count(0, "id")?);
            let started_at = cell.time(7, "started_at")?;
            found.push(Run { id, command: cell.text(1)?, process, started_at, end });
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn read_steps(&self, which: &str, params: impl Params) -> Result<Vec<StepRecord>, StateError> {
        let select = format!(
            "SELECT run, ordinal, addr, deposed, action, kind, provider, token, status, attempts, planned, error,
                 started_at, changed_at, terms
             FROM steps WHERE {which} ORDER BY run, ordinal"
        );
        let mut found = Vec::new();
        self.each_row(&select, params, &mut |row| {
            let token: String = row.get(7).map_err(self.fault())?;
            let cell = Cells { store: self, row, sort: "step", name: &token };
            let planned: Option<String> = cell.get(10)?;
            found.push(StepRecord {
                id: StepId { run: RunId(cell.count(0, "run")?), ordinal: cell.get(1)? },
                slot: cell.slot(2)?,
                action: cell.word(4, "action", Action::of_word)?,
                kind: cell.text(5)?,
                provider: cell.text(6)?,
                token: OpToken(token.as_str().into()),
                terms: serde_json::from_str(cell.borrowed(14)?).map_err(|_| cell.unreadable("terms"))?,
                status: cell.word(8, "status", Status::of_word)?,
                attempts: cell.get(9)?,
                planned: planned.map(|json| self.planned(&cell, &json)).transpose()?,
                error: cell.get(11)?,
                started_at: cell.optional_time(12, "started_at")?,
                changed_at: cell.time(13, "changed_at")?,
            });
            Ok(())
        })?;
        Ok(found)
    }

    fn planned(&self, cell: &Cells<'_>, json: &str) -> Result<Planned, StateError> {
        let sealed: SealedValue = serde_json::from_str(json).map_err(|_| cell.unreadable("planned"))?;
        let value = self.seal.open_value(self.context(cell.sort, cell.name), &sealed)?;
        Ok(Planned { value, sensitive: sealed.sensitive })
    }

    pub(super) fn read_events(&self, run: RunId) -> Result<Vec<LoggedEvent>, StateError> {
        let mut found = Vec::new();
        let select = "SELECT at, body FROM events WHERE run = ?1 ORDER BY seq";
        self.each_row(select, [run.0.cast_signed()], &mut |row| {
            let cell = Cells { store: self, row, sort: "event", name: "" };
            let body = serde_json::from_str(cell.borrowed(1)?).map_err(|_| cell.unreadable("body"))?;
            found.push(LoggedEvent { at: cell.time(0, "at")?, body });
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn read_history(&self, since: Serial) -> Result<Vec<HistoryEntry>, StateError> {
        let select = format!(
            "SELECT addr, deposed, serial, at, run, change, {OBJECT} FROM history WHERE serial > ?1 ORDER BY serial"
        );
        let mut found = Vec::new();
        self.each_row(&select, params![since.0.cast_signed()], &mut |row| {
            let addr = row.get_ref(0).and_then(|cell| Ok(cell.as_str()?)).map_err(self.fault())?;
            let cell = Cells { store: self, row, sort: "object", name: addr };
            let slot = cell.slot(0)?;
            let before = match cell.get::<Option<String>>(6)? {
                Some(_) => Some(self.stored(row, slot.clone(), addr, 6)?),
                None => None,
            };
            found.push(HistoryEntry {
                serial: Serial(cell.count(2, "serial")?),
                at: cell.time(3, "at")?,
                run: cell.get::<Option<i64>>(4)?.map(|run| RunId(run.cast_unsigned())),
                change: cell.word(5, "change", HistoryChange::of_word)?,
                slot,
                before,
            });
            Ok(())
        })?;
        found.sort_by(|a, b| (a.serial, &a.slot).cmp(&(b.serial, &b.slot)));
        Ok(found)
    }

    pub(super) fn check_everything(&self) -> Result<(), StateError> {
        open::check(&self.db, &self.path, "integrity_check")?;
        let mut broken = BTreeSet::new();
        self.each_row("PRAGMA foreign_key_check", [], &mut |row| {
            broken.insert(row.get::<_, String>(0).map_err(self.fault())?);
            Ok(())
        })?;
        if let Some(table) = broken.pop_first() {
            let detail = format!("rows of `{table}` refer to rows that are not there");
            return Err(StateError::Corrupt { path: self.path.clone(), detail });
        }
        self.read_meta()?;
        self.read_objects(&mut drop)?;
        self.read_outputs()?;
        self.read_history(Serial::default())?;
        self.read_steps("true", [])?;
        for run in self.read_runs("true", [])? {
            self.read_events(run.id)?;
        }
        Ok(())
    }

    fn each_row(
        &self,
        select: &str,
        params: impl Params,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut select = self.db.prepare_cached(select).map_err(self.fault())?;
        let mut rows = select.query(params).map_err(self.fault())?;
        while let Some(row) = rows.next().map_err(self.fault())? {
            visit(row)?;
        }
        Ok(())
    }
}
