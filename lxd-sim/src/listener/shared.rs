//! The simulation, and who waits for what it says.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::{Config, Exchange, Input, Output, Sim};

/// One for all connections.
pub(super) struct Shared {
    inner: RefCell<Inner>,
    begin: Instant,
    /// Something has happened.
    pub(super) changed: Notify,
    /// There may be another time to wait for.
    timer: Notify,
}

struct Inner {
    sim: Sim,
    last: u64,
    listening: BTreeMap<Exchange, UnboundedSender<Output>>,
}

/// An exchange from its request on. Dropped, it is closed.
pub(super) struct Open {
    pub(super) exchange: Exchange,
    /// What the simulation says: bounded by what it holds itself.
    pub(super) outputs: UnboundedReceiver<Output>,
    shared: Rc<Shared>,
}

impl Shared {
    pub(super) fn new(config: Config) -> Rc<Self> {
        let inner = Inner { sim: Sim::new(config), last: 0, listening: BTreeMap::new() };
        Rc::new(Self {
            inner: RefCell::new(inner),
            begin: Instant::now(),
            changed: Notify::new(),
            timer: Notify::new(),
        })
    }

    pub(super) fn open(self: &Rc<Self>) -> Open {
        let (sender, outputs) = unbounded_channel();
        let inner = &mut *self.inner.borrow_mut();
        inner.last += 1;
        let exchange = Exchange(inner.last);
        inner.listening.insert(exchange, sender);
        Open { exchange, outputs, shared: self.clone() }
    }

    pub(super) fn input(&self, input: Input) {
        let inner = &mut *self.inner.borrow_mut();
        inner.sim.handle(self.begin.elapsed(), input);
        while let Some(output) = inner.sim.poll() {
            let exchange = match &output {
                Output::Response { exchange, .. }
                | Output::Upgraded { exchange }
                | Output::Message { exchange, .. }
                | Output::Close { exchange } => *exchange,
            };
            if let Some(listening) = inner.listening.get(&exchange) {
                let _ = listening.send(output);
            }
        }
        self.changed.notify_waiters();
        self.timer.notify_one();
    }

    pub(super) fn takes(&self, exchange: Exchange) -> bool {
        self.inner.borrow().sim.takes(exchange)
    }

    /// Tells the simulation what time it is, whenever it wants to know.
    pub(super) async fn keep_time(self: Rc<Self>) {
        loop {
            let until = self.inner.borrow().sim.timeout();
            let wait = until.map_or(Duration::from_secs(3600), |until| until.saturating_sub(self.begin.elapsed()));
            tokio::select! {
                () = tokio::time::sleep(wait) => self.input(Input::Time),
                () = self.timer.notified() => {}
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.inner.borrow_mut().listening.remove(&self.exchange);
        self.shared.input(Input::Closed { exchange: self.exchange });
    }
}
