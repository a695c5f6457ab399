//! A server of files on loopback.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What is answered to a path.
#[derive(Clone)]
pub(super) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Another path of this server.
    Redirect(String),
    /// Half of these bytes, and then nothing for a long time.
    Stalled(Vec<u8>),
    /// That a password is needed, until one is sent.
    Secret,
}

/// A server of files on loopback; it lives as long as the process.
pub(super) struct Server {
    pub(super) url: String,
    /// The heads of the requests that came.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(answers: &[(&str, Answer)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: BTreeMap<String, Answer> =
            answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, seen) = (answers.clone(), Arc::clone(&seen));
                thread::spawn(move || answer(stream, &answers, &seen));
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, answers: &BTreeMap<String, Answer>, seen: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head.clone());
    let mut write = |status: &str, headers: &str, body: &[u8], length: usize| {
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
        // Whoever asked may be gone.
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
    };
    match answers.get(&path) {
        Some(Answer::Bytes(bytes)) => write("200 OK", "", bytes, bytes.len()),
        Some(Answer::Redirect(to)) => write("302 Found", &format!("Location: {to}\r\n"), b"", 0),
        Some(Answer::Stalled(bytes)) => {
            write("200 OK", "", &bytes[..bytes.len() / 2], bytes.len());
            thread::sleep(Duration::from_secs(600));
        }
        Some(Answer::Secret) if !head.to_ascii_lowercase().contains("authorization:") => {
            write("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"", 0);
        }
        Some(Answer::Secret) | None => write("404 Not Found", "", b"", 0),
    }
}
