//! Stops a detached process and all it started.
//!
//! Only processes whose identity is checked at that moment are signalled.

use std::{collections::BTreeSet, io, time::Duration};

use loam_provider::kinds::Stop;
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open},
};
use tokio::{io::unix::AsyncFd, time::Instant};

use super::{Identity, ProcessError};

/// How long the kernel may take to end what was killed.
const AFTER_KILL: Duration = Duration::from_secs(10);
/// How often those are looked for that are no longer in the group.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Stops a process and all it started; what has ended already is a success.
pub(crate) async fn stop(what: &str, identity: &Identity, how: &Stop) -> Result<(), ProcessError> {
    if identity.is_running() {
        signal_group(what, identity, signal(&how.signal))?;
        let deadline = Instant::now() + how.grace.0;
        let _ = tokio::time::timeout_at(deadline, gone(identity)).await;
        // What it started gets the rest of its grace.
        while Instant::now() < deadline && !identity.family().is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    let deadline = Instant::now() + AFTER_KILL;
    loop {
        let family = identity.family();
        let Some(last) = family.first() else { return Ok(()) };
        if Instant::now() > deadline {
            return Err(ProcessError::Unstoppable { what: what.to_owned(), pid: last.pid });
        }
        kill(what, &family)?;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits until a process has ended.
pub(crate) async fn gone(identity: &Identity) {
    #[expect(deprecated, reason = "what replaces it is `unsafe`, and an `OwnedFd` keeps what that asks for")]
    let opened = pid(identity)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .and_then(|process| AsyncFd::try_new(process).ok());
    // The descriptor may be of a later process of that pid: the identity is checked after it is open.
    if let Some(ending) = opened
        && identity.is_running()
    {
        let _ = ending.readable().await;
    }
    while identity.is_running() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn signal_group(what: &str, identity: &Identity, signal: Signal) -> Result<(), ProcessError> {
    let Some(pid) = pid(identity) else { return Ok(()) };
    if identity.is_running() { sent(what, identity, kill_process_group(pid, signal)) } else { Ok(()) }
}

fn kill(what: &str, family: &BTreeSet<Identity>) -> Result<(), ProcessError> {
    for member in family {
        if let Some(pid) = pid(member)
            && member.is_running()
        {
            sent(what, member, kill_process(pid, Signal::KILL))?;
        }
    }
    Ok(())
}

fn sent(what: &str, identity: &Identity, result: Result<(), Errno>) -> Result<(), ProcessError> {
    match result {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => {
            let source = io::Error::from(errno);
            Err(ProcessError::Signal { what: what.to_owned(), pid: identity.pid, source })
        }
    }
}

fn pid(identity: &Identity) -> Option<Pid> {
    i32::try_from(identity.pid).ok().and_then(Pid::from_raw)
}

fn signal(name: &str) -> Signal {
    match name {
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "HUP" => Signal::HUP,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "KILL" => Signal::KILL,
        _ => Signal::TERM,
    }
}
