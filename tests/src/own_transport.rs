use lxd_proto::{Blocking, Client, Failure, FailureKind, Payload, Scope, Streams, flow::Sequential};
use std::{io::{BufRead, BufReader, Cursor, ErrorKind, Read, Take, Write, copy}, os::unix::net::UnixStream};
#[derive(Clone, Debug)]
pub struct Own(pub String, pub Scope); // the path of the server's socket, and what all requests say
impl Client for Own {
    type Reader = Box<dyn Read + Send>;
    type Writer = Box<dyn Write + Send>;
    type Body = Take<BufReader<UnixStream>>;
    fn scope(&self) -> &Scope { &self.1 }
    fn with_scope(&self, scope: Scope) -> Self { Self(self.0.clone(), scope) }
}
impl Blocking for Own {
    type Io = Sequential<Self>; // one request after the other, and no websockets
    fn io(&self, streams: Streams<Self>) -> Self::Io { Sequential::new(self, streams) }
    fn fetch(&self, request: http::Request<Payload<Self::Reader>>) -> Result<http::Response<Self::Body>, Failure> {
        let (ask, payload) = request.into_parts();
        let (body, length) = payload.into_reader(|bytes| Box::new(Cursor::new(bytes)), |one, two| Box::new(one.chain(two)));
        let mut body = body.take(length.ok_or_else(|| Failure::new(FailureKind::Unsupported, "no chunks"))? + 1);
        let mut top = format!("{} {} HTTP/1.0\r\n", ask.method, ask.uri);
        for (key, text) in &ask.headers { top += &format!("{key}: {}\r\n", text.to_str().map_err(Failure::broken)?); }
        let mut socket = UnixStream::connect(&self.0).map_err(Failure::broken)?;
        match copy(&mut Cursor::new(top + "\r\n").chain(&mut body), &mut socket) {
            Ok(_) if body.limit() != 1 => return Err(Failure::new(FailureKind::BodyLength, "another length than said")),
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => return Err(Failure::broken(error)),
            _ => {} // LXD may refuse without reading all of it, and says why
        }
        let mut answer = BufReader::new(socket);
        let mut lines = answer.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let mut head = http::Response::builder().status(lines.next().unwrap_or_default().get(9..12).unwrap_or(""));
        for line in lines { if let Some((name, value)) = line.split_once(": ") { head = head.header(name, value); } }
        let size = head.headers_ref().and_then(|headers| headers.get("content-length")?.to_str().ok()?.parse().ok());
        head.body(answer.take(if ask.method == "HEAD" { 0 } else { size.unwrap_or(u64::MAX) })).map_err(Failure::broken)
    }
    fn chunk(body: &mut Self::Body) -> Result<Option<bytes::Bytes>, Failure> {
        let mut piece = Vec::new();
        let size = body.by_ref().take(65536).read_to_end(&mut piece).map_err(Failure::broken)?;
        let cut_off = size == 0 && (1..u64::MAX / 2).contains(&body.limit());
        if cut_off { Err(Failure::new(FailureKind::Broken, "cut off")) } else { Ok((size > 0).then(|| piece.into())) }
    }
}
