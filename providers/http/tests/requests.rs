//! Requests to servers on loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    error::Error as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use loam_http::{Fetched, HttpError, Request, Trust, fetch, send};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivatePkcs8KeyDer};

/// What a server was asked: the head and the body.
type Heard = Arc<Mutex<Vec<String>>>;

/// Serves connections with answers that a function writes; returns where, and what is heard.
fn serve(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let heard = Heard::default();
    let listened = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming() {
            one(stream.unwrap(), &answer, &listened);
        }
    });
    (origin, heard)
}

/// Answers one request on a connection.
fn one<S: Read + Write>(stream: S, answer: &dyn Fn(&str) -> String, heard: &Heard) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let answer = answer(&head);
    heard.lock().unwrap().push(format!("{head}\n{}", String::from_utf8(body).unwrap()));
    stream.get_mut().write_all(answer.as_bytes()).ok()?;
    stream.get_mut().flush().ok()
}

fn plain(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn get(url: &str) -> Request {
    Request {
        url: url.to_owned(),
        method: "GET".into(),
        headers: BTreeMap::new(),
        body: None,
        timeout: Duration::from_secs(10),
        trust: Trust::System,
    }
}

#[tokio::test]
async fn an_answer_is_read_whole_with_its_status_and_headers() {
    let (origin, heard) = serve(|_| plain("404 Not Found", "x-a: 1\r\nX-A: 2\r\ncontent-type: text/plain\r\n", "no"));
    let request = Request {
        method: "POST".into(),
        headers: [("X-Key".to_owned(), "k".to_owned())].into(),
        body: Some(b"hello".to_vec()),
        ..get(&format!("{origin}/a?b=c"))
    };
    let Fetched { status, headers, body } = fetch(request, 100).await.unwrap();
    assert_eq!((status, body.as_slice()), (404, b"no".as_slice()));
    assert_eq!((headers["X-A"].as_str(), headers["Content-Type"].as_str()), ("1, 2", "text/plain"));
    let heard = heard.lock().unwrap()[0].to_ascii_lowercase();
    assert!(heard.starts_with("post /a?b=c http/1.1\r\n") && heard.ends_with("\nhello"), "{heard}");
    assert!(heard.contains("x-key: k\r\n") && heard.contains("user-agent: loam/"), "{heard}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let (origin, _) = serve(|_| plain("200 OK", "", &"x".repeat(101)));
    let error = fetch(get(&format!("{origin}/long?token=s3cret")), 100).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the answer of `{origin}/long` is longer than 100 bytes"));
    assert_eq!(fetch(get(&origin), 101).await.unwrap().body.len(), 101);
}

#[tokio::test]
async fn what_a_redirect_may_carry_depends_on_where_it_leads() {
    let (other, heard_there) = serve(|_| plain("200 OK", "", "there"));
    let away = other.clone();
    let (origin, heard) = serve(move |head| match head.split(' ').nth(1).unwrap() {
        "/here" => plain("200 OK", "", "here"),
        "/away" => plain("302 Found", &format!("Location: {away}/x\r\n"), ""),
        "/post" => plain("303 See Other", "Location: here\r\n", ""),
        "/again" => plain("308 Permanent Redirect", "Location: /here\r\n", ""),
        "/round" => plain("307 Temporary Redirect", "Location: round\r\n", ""),
        path => panic!("{path}"),
    });
    let secret = |path: &str, method: &str| Request {
        method: method.into(),
        headers: [("X-Key".to_owned(), "s3cret".to_owned())].into(),
        body: (method == "POST").then(|| b"s3cret body".to_vec()),
        ..get(&format!("{origin}{path}"))
    };
    assert_eq!(fetch(secret("/away", "GET"), 100).await.unwrap().body, b"there");
    assert!(!heard_there.lock().unwrap()[0].contains("s3cret"));

    assert_eq!(fetch(secret("/again", "POST"), 100).await.unwrap().body, b"here");
    let last = heard.lock().unwrap().last().unwrap().clone();
    assert!(last.starts_with("POST /here") && last.contains("X-Key") | last.contains("x-key"), "{last}");
    assert!(last.ends_with("s3cret body"), "{last}");

    assert_eq!(fetch(secret("/post", "POST"), 100).await.unwrap().body, b"here");
    let last = heard.lock().unwrap().last().unwrap().clone();
    assert!(last.starts_with("GET /here") && !last.contains("body"), "{last}");

    let error = fetch(get(&format!("{origin}/round")), 100).await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{origin}/round` was redirected more than 10 times"));
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    let silent = Request { timeout: Duration::from_millis(200), ..get(&origin) };
    let error = fetch(silent, 100).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));

    // A body that never ends.
    let server = thread::spawn(move || {
        // The request that ran out of time.
        drop(listener.accept().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = fetch(Request { timeout: Duration::from_millis(300), ..get(&origin) }, 100).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut { .. }), "{error:?}");
    server.join().unwrap();
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_with_its_cause() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = fetch(get(&format!("http://127.0.0.1:{port}/x?token=s3cret")), 100).await.unwrap_err();
    assert_eq!(error.to_string(), format!("failed to ask `http://127.0.0.1:{port}/x`"));
    assert!(error.source().unwrap().to_string().contains("refused"), "{error:?}");

    let (origin, _) = serve(|_| "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab".to_owned());
    let error = fetch(get(&origin), 100).await.unwrap_err();
    assert!(matches!(error, HttpError::Failed { .. }), "{error:?}");

    let header = |name: &str, value: &str| {
        let request = Request { headers: [(name.to_owned(), value.to_owned())].into(), ..get("http://x") };
        send(&request).err().unwrap().to_string()
    };
    assert_eq!(header("a b", "1"), "a header named `a b` is not allowed in a request");
    assert_eq!(header("a", "s3cret\n"), "the value of the header `a` is not allowed in a request");
    let request = Request { method: "GE T".into(), ..get("http://x") };
    assert_eq!(send(&request).err().unwrap().to_string(), "the method `GE T` is not allowed in a request");
}

#[test]
fn an_answer_can_be_read_as_a_stream() {
    let (origin, _) = serve(|_| plain("200 OK", "", &"y".repeat(1 << 20)));
    let response = send(&get(&origin)).unwrap();
    assert_eq!(response.status, 200);
    let mut reader = response.into_reader();
    let mut piece = [0; 10];
    reader.read_exact(&mut piece).unwrap();
    assert_eq!(&piece, b"yyyyyyyyyy");
    assert_eq!(std::io::copy(&mut reader, &mut std::io::sink()).unwrap(), (1 << 20) - 10);
}

/// Serves HTTPS for `localhost`; returns its port and the certificate as PEM.
fn serve_secure(answer: impl Fn(&str) -> String + Send + 'static) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream: StreamOwned<ServerConnection, TcpStream> = StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust it hangs up.
            let _ = one(stream, &answer, &Heard::default());
        }
    });
    (port, certified.cert.pem())
}

#[tokio::test]
async fn https_is_trusted_by_its_authority_and_never_left_for_http() {
    let (port, pem) = serve_secure(|head| match head.split(' ').nth(1).unwrap() {
        "/down" => plain("302 Found", "Location: http://localhost/x?token=s3cret\r\n", ""),
        _ => plain("200 OK", "", "safe"),
    });
    let trusting = |path: &str| Request {
        trust: Trust::Authorities(pem.clone()),
        ..get(&format!("https://localhost:{port}{path}"))
    };
    assert_eq!(fetch(trusting("/"), 100).await.unwrap().body, b"safe");

    let error = fetch(trusting("/down"), 100).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("`https://localhost:{port}/down` redirects to `http://localhost/x`, ")),
        "{error}"
    );

    let strange = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let distrusting = Request { trust: Trust::Authorities(strange), ..trusting("/") };
    let error = fetch(distrusting, 100).await.unwrap_err();
    assert!(format!("{error:?}").contains("ertificate"), "{error:?}");

    let none = Request { trust: Trust::Authorities("no certificate".into()), ..trusting("/") };
    let error = fetch(none, 100).await.unwrap_err().to_string();
    assert!(error.contains("there is no certificate in the text"), "{error}");
}
