//! A transport of one's own, as the README shows it: HTTP/1.0 over a Unix socket, with `std` and an HTTP parser.

use bytes::Bytes;
use lxd_proto::{Blocking, Client, Failure, FailureKind, Payload, Scope, Streams, flow::Sequential};
use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
};

/// A server's Unix socket, and the scope of the requests.
#[derive(Clone, Debug)]
pub struct Own(pub String, pub Scope);

impl Client for Own {
    type Reader = Box<dyn Read + Send>;
    type Writer = Box<dyn Write + Send>;
    type Body = io::Take<BufReader<UnixStream>>;
    #[rustfmt::skip]
    fn scope(&self) -> &Scope { &self.1 }
    #[rustfmt::skip]
    fn with_scope(&self, scope: Scope) -> Self { Self(self.0.clone(), scope) }
}

impl Blocking for Own {
    type Io = Sequential<Self>;
    fn fetch(&self, request: http::Request<Payload<Self::Reader>>) -> Result<http::Response<Self::Body>, Failure> {
        self.talk(request).map_err(|error| Failure::from_error(FailureKind::Broken, &error))
    }
    fn chunk(body: &mut Self::Body) -> Result<Option<Bytes>, Failure> {
        let mut piece = vec![0; 65536];
        let length = body.read(&mut piece).map_err(|error| Failure::from_error(FailureKind::Broken, &error))?;
        if length == 0 && (1..u64::MAX / 2).contains(&body.limit()) {
            return Err(Failure::new(FailureKind::Broken, "the answer is cut off"));
        }
        Ok((length > 0).then(|| Bytes::from(piece).slice(..length)))
    }
    #[rustfmt::skip]
    fn io(&self, streams: Streams<Self>) -> Self::Io { Sequential::new(self, streams) }
}

impl Own {
    fn talk(
        &self,
        request: http::Request<Payload<Box<dyn Read + Send>>>,
    ) -> io::Result<http::Response<<Self as Client>::Body>> {
        let mut socket = UnixStream::connect(&self.0)?;
        let (head, payload) = request.into_parts();
        write!(socket, "{} {} HTTP/1.0\r\n", head.method, head.uri)?;
        for (name, value) in &head.headers {
            socket.write_all(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat())?;
        }
        socket.write_all(b"\r\n")?;
        let sent = match payload {
            Payload::Empty => Ok(()),
            Payload::Bytes(bytes) => socket.write_all(&bytes),
            Payload::Reader(mut reader, Some(length)) => match io::copy(&mut reader.by_ref().take(length), &mut socket)
            {
                Ok(sent) if sent < length || reader.read(&mut [0])? > 0 => Err(ErrorKind::InvalidInput.into()),
                sent => sent.map(drop),
            },
            _ => Err(ErrorKind::Unsupported.into()), // HTTP/1.0 has no chunks
        };
        match sent {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
            _ => {} // LXD may refuse without reading all of it, and says why
        }
        let (mut answer, mut text) = (BufReader::new(socket), Vec::new());
        while !text.ends_with(b"\r\n\r\n") && answer.read_until(b'\n', &mut text)? > 0 {}
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head_of = httparse::Response::new(&mut headers);
        head_of.parse(&text).map_err(io::Error::other)?;
        let response = http::Response::builder().status(head_of.code.unwrap_or(0));
        let response =
            head_of.headers.iter().fold(response, |response, header| response.header(header.name, header.value));
        let mut response = response.body(answer.take(u64::MAX)).map_err(io::Error::other)?;
        let length = response.headers().get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if let Some(length) = length.and_then(|length| length.parse().ok()) {
            response.body_mut().set_limit(if head.method == http::Method::HEAD { 0 } else { length });
        }
        Ok(response)
    }
}
