//! Waits until a process is ready, or is sure never to be.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use http_body_util::Empty;
use hyper::{Request, body::Bytes, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use loam_provider::{CallCx, Period, kinds::Ready};
use tokio::{
    net::TcpStream,
    process::Child,
    time::{Instant, sleep, timeout},
};

use super::{
    Identity, Place, ProcessError,
    command::{Run, run, until},
    log::Follow,
    stop::gone,
};

/// How long a process without a probe must run to count as ready.
const SETTLED: Duration = Duration::from_millis(500);
/// How long one probe may take.
const PROBE: Duration = Duration::from_secs(5);

/// A process that is waited for.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// What it is, in errors and progress.
    pub(crate) what: String,
    pub(crate) place: Place,
    pub(crate) identity: Identity,
    /// How it ended can be told while it is our child.
    pub(crate) child: Option<Child>,
    pub(crate) log: Follow,
    pub(crate) probe: Probe,
    pub(crate) timing: Ready,
}

/// How it is asked whether it is ready.
#[derive(Debug, Clone)]
pub(crate) enum Probe {
    /// It is not asked: it is ready when it still runs after a moment.
    Settled,
    /// It must answer a request.
    Http { host: String, port: u16, path: String, status: Option<u16> },
    /// It must accept a connection.
    Tcp { host: String, port: u16 },
    /// A command must succeed.
    Exec { command: Vec<String>, env: BTreeMap<String, String>, cwd: PathBuf },
}

impl Waiting {
    /// Waits until the process is ready, and records that it is.
    pub(crate) async fn until_ready(mut self, cx: &CallCx) -> Result<(), ProcessError> {
        let started = Instant::now();
        let deadline = until(cx, self.timing.timeout);
        let mut last = String::from("it was not asked yet");
        loop {
            if let Some(pattern) = self.timing.failure_log.clone()
                && self.log.says(&pattern)
            {
                return Err(ProcessError::LoggedFailure { what: self.what, pattern, log: self.log.tail() });
            }
            let asked = tokio::select! {
                asked = ask(&self.probe, &self.place, cx) => asked,
                () = gone(&self.identity) => return Err(self.ended().await),
                () = cx.cancel.cancelled() => return Err(ProcessError::Cancelled),
                () = tokio::time::sleep_until(deadline) => Err(last.clone()),
            };
            match asked {
                // A port may be answered by another process while ours is on its way out.
                Ok(()) if self.identity.is_running() => return Ok(self.place.mark_ready(&self.identity)?),
                Ok(()) => return Err(self.ended().await),
                Err(why) => last = why,
            }
            if Instant::now() >= deadline {
                let after = started.elapsed();
                return Err(ProcessError::NotReady { what: self.what, after, last, log: self.log.tail() });
            }
            tokio::select! {
                () = sleep(self.timing.interval.0) => {}
                () = gone(&self.identity) => return Err(self.ended().await),
                () = cx.cancel.cancelled() => return Err(ProcessError::Cancelled),
            }
        }
    }

    async fn ended(mut self) -> ProcessError {
        let how = match self.child.as_mut() {
            Some(child) => match timeout(PROBE, child.wait()).await {
                Ok(Ok(status)) => status.to_string(),
                Ok(Err(_)) | Err(_) => "nobody knows how".into(),
            },
            None => "nobody knows how, because an earlier run started it".into(),
        };
        ProcessError::Ended { what: self.what, how, log: self.log.tail() }
    }
}

/// Asks once; the error says what came instead of a good answer.
async fn ask(probe: &Probe, place: &Place, cx: &CallCx) -> Result<(), String> {
    let late = |_| format!("it gave no answer in {}", Period(PROBE));
    match probe {
        Probe::Settled => {
            sleep(SETTLED).await;
            Ok(())
        }
        Probe::Tcp { host, port } => timeout(PROBE, connect(host, *port)).await.map_err(late)?.map(|_| ()),
        Probe::Http { host, port, path, status } => {
            let answer = timeout(PROBE, get(host, *port, path)).await.map_err(late)??;
            let is_good = status.map_or((200..400).contains(&answer), |status| status == answer);
            if is_good { Ok(()) } else { Err(format!("`{path}` on port {port} answered {answer}")) }
        }
        Probe::Exec { command, env, cwd } => {
            let log = place.path().join("probe.log");
            let _ = crate::files::fs::remove_file(&log);
            let probe = Run { what: "its probe", command, env, cwd, log: &log, timeout: Period(PROBE * 6) };
            run(&probe, cx).await.map_err(|error| match &error {
                ProcessError::Failed { log, .. } => {
                    let line = log.last().map(|line| format!(" ({line})")).unwrap_or_default();
                    format!("{error}{line}")
                }
                _ => error.to_string(),
            })
        }
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| format!("port {port} of {host}: {error}"))
}

async fn get(host: &str, port: u16, path: &str) -> Result<u16, String> {
    let stream = connect(host, port).await?;
    let broken = |error: hyper::Error| format!("`{path}` on port {port}: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get(path).header(HOST, format!("{host}:{port}")).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| format!("`{path}`: {error}"))?;
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken);
    driver.abort();
    Ok(answer?.status().as_u16())
}
