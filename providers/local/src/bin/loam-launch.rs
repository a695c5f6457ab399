//! `loam internal launch` alone, and a small node to try it with, for this crate's own tests.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    thread,
};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["internal", "launch"] => loam_local::launch::run(),
        ["serve", port, data, peers] => match serve(port, data, peers) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "FATAL {error}");
                ExitCode::FAILURE
            }
        },
        _ => ExitCode::from(2),
    }
}

/// Answers every request with what the file `value` holds; `/health` is good once every peer accepts connections.
fn serve(port: &str, data: &str, peers: &str) -> io::Result<()> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    let _ = writeln!(io::stderr(), "listening, state {}", env::var("STATE").unwrap_or_default());
    for stream in listener.incoming() {
        let (mut stream, data, peers) = (stream?, data.to_owned(), peers.to_owned());
        thread::spawn(move || -> io::Result<()> {
            let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let is_health = request.first().is_some_and(|line| line.contains("/health"));
            let is_well = !is_health || peers.split(',').all(|peer| TcpStream::connect(peer).is_ok());
            let (status, body) = match is_well {
                true => ("200 OK", fs::read_to_string(format!("{data}/value")).unwrap_or_default()),
                false => ("503 Service Unavailable", String::new()),
            };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        });
    }
    Ok(())
}
