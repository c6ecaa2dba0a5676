//! The async adapter with a blocking face, so that each case is written once.

use std::{
    future::poll_fn,
    io::{Read, Write},
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use bytes::Bytes;
use lxd_proto::{
    Async, Blocking, Client, Failure, Fingerprint, Joining, Payload, Pipe, Response, Scope, Streams, Tap,
    flow::{Action, AsyncIo, BlockingIo, Id, Reply},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    runtime::Runtime,
    sync::mpsc,
};

use crate::{Input, Lab, Output};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// `lxd_reqwest::Client`, blocking.
#[derive(Clone, Debug)]
pub struct BlockOn(pub lxd_reqwest::Client);

impl BlockOn {
    /// Runs a future of the async adapter to its end.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        RUNTIME.block_on(future)
    }
}

impl Client for BlockOn {
    type Reader = Reader;
    type Writer = Writer;
    type Body = lxd_reqwest::Body;

    fn scope(&self) -> &Scope {
        self.0.scope()
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self(self.0.with_scope(scope))
    }

    fn pin(&self) -> Option<Fingerprint> {
        self.0.pin()
    }

    fn tap(&self, reader: Reader, tap: Tap) -> Reader {
        Reader(self.0.tap(reader.0, tap))
    }

    fn pipe(&self) -> Option<(Pipe, Reader)> {
        self.0.pipe().map(|(pipe, reader)| (pipe, Reader(reader)))
    }
}

impl Blocking for BlockOn {
    type Io = BlockingIoOf;

    fn fetch(&self, request: http::Request<Payload<Reader>>) -> Result<http::Response<Self::Body>, Failure> {
        RUNTIME.block_on(self.0.fetch(request.map(|payload| payload.map(|reader| reader.0))))
    }

    fn chunk(body: &mut Self::Body) -> Result<Option<Bytes>, Failure> {
        RUNTIME.block_on(<lxd_reqwest::Client as Async>::chunk(body))
    }

    fn exchange(&self, request: http::Request<Payload<Reader>>) -> Result<Response, Failure> {
        RUNTIME.block_on(self.0.exchange(request.map(|payload| payload.map(|reader| reader.0))))
    }

    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        let thread = std::thread::spawn(job);
        Some(Box::new(|| Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))))
    }

    fn io(&self, streams: Streams<Self>) -> BlockingIoOf {
        let _context = RUNTIME.enter();
        BlockingIoOf(self.0.io(streams.map(|client| client.0, |reader| reader.0, |writer| writer.0)))
    }
}

/// The async adapter's I/O, waited for.
#[derive(Debug)]
pub struct BlockingIoOf(lxd_reqwest::Io);

impl BlockingIo for BlockingIoOf {
    fn start(&mut self, id: Id, action: Action) {
        let _context = RUNTIME.enter();
        self.0.start(id, action);
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        RUNTIME.block_on(poll_fn(|context| self.0.poll_finish(context)))
    }
}

/// A blocking reader as an async one: a thread reads ahead of it, by one piece.
#[derive(Debug)]
pub struct Reader(lxd_reqwest::Reader);

/// A blocking writer as an async one. It is written to in the task, as the cases' writers are quick.
#[derive(Debug)]
pub struct Writer(lxd_reqwest::Writer);

impl From<Input> for Reader {
    fn from(mut input: Input) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; lxd_proto::limits::CHUNK];
                let read = input.read(&mut piece).map(|length| {
                    piece.truncate(length);
                    piece
                });
                let end = !matches!(&read, Ok(piece) if !piece.is_empty());
                if sender.blocking_send(read).is_err() || end {
                    return;
                }
            }
        });
        Self(Pieces { receiver, rest: Bytes::new() }.into())
    }
}

impl From<Output> for Writer {
    fn from(output: Output) -> Self {
        Self(InTask(output).into())
    }
}

struct Pieces {
    receiver: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    rest: Bytes,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.rest.is_empty() {
            match std::task::ready!(self.receiver.poll_recv(context)) {
                Some(piece) => self.rest = piece?.into(),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(()))
    }
}

struct InTask(Output);

impl AsyncWrite for InTask {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.0.write(data))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Lab for BlockOn {
    const NAME: &'static str = "reqwest";

    fn connect(remote: lxd_host::Remote) -> Self {
        Self(lxd_reqwest::Client::new(remote).expect("a client"))
    }

    fn reader(body: Self::Body) -> Box<dyn Read> {
        Box::new(BodyReader(body))
    }
}

struct BodyReader(lxd_reqwest::Body);

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        RUNTIME.block_on(self.0.read(buffer))
    }
}
