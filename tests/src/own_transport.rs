use lxd_proto::{Blocking, Client, Failure, FailureKind, Payload, Scope, Streams, flow::Sequential};
use std::{io::{BufRead, BufReader, Cursor, ErrorKind, Read, Write, copy}, os::unix::net::UnixStream};
type Stream = Box<dyn Read + Send>;
#[derive(Clone, Debug)]
pub struct Own(pub String, pub Scope); // the path of the server's socket, and what all requests say
impl Client for Own {
    type Reader = Stream;
    type Writer = Box<dyn Write + Send>;
    type Body = Stream;
    fn scope(&self) -> &Scope { &self.1 }
    fn with_scope(&self, scope: Scope) -> Self { Self(self.0.clone(), scope) }
}
impl Blocking for Own {
    type Io = Sequential<Self>; // one request after the other, and no websockets
    fn io(&self, streams: Streams<Self>) -> Self::Io { Sequential::new(self, streams) }
    fn fetch(&self, request: http::Request<Payload<Stream>>) -> Result<http::Response<Stream>, Failure> {
        let (head, payload) = request.into_parts();
        let (body, length) = payload.into_reader(|bytes| Box::new(Cursor::new(bytes)));
        let mut body = body.take(length.ok_or_else(|| Failure::new(FailureKind::Unsupported, "HTTP/1.0: no chunks"))?);
        let mut ask = format!("{} {} HTTP/1.0\r\n", head.method, head.uri);
        for (key, text) in &head.headers { ask += &format!("{key}: {}\r\n", String::from_utf8_lossy(text.as_bytes())) }
        let mut socket = UnixStream::connect(&self.0).map_err(Failure::broken)?;
        match copy(&mut Cursor::new(ask + "\r\n").chain(&mut body), &mut socket) {
            Ok(_) if body.limit() > 0 || body.get_mut().read(&mut [0]).is_ok_and(|extra| extra > 0) =>
                return Err(Failure::new(FailureKind::BodyLength, "the input has another length")),
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(Failure::broken(error)),
            _ => {} // LXD may refuse without reading all of it, and says why
        }
        let mut answer = BufReader::new(socket);
        let mut lines = answer.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let mut head = http::Response::builder().status(lines.next().unwrap_or_default().get(9..12).unwrap_or(""));
        for line in lines { if let Some((name, value)) = line.split_once(": ") { head = head.header(name, value); } }
        head.body(Box::new(answer) as Stream).map_err(Failure::broken)
    }
    fn chunk(body: &mut Stream) -> Result<Option<bytes::Bytes>, Failure> {
        let mut piece = Vec::new();
        body.take(65536).read_to_end(&mut piece).map_err(Failure::broken)?;
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}
