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

use crate::{Config, Exchange, Faults, Input, Output, Sim, faults::Plan};

/// What goes wrong takes a hundredth of the time that it would take elsewhere: who tests with it has to wait for it.
const HASTE: u32 = 100;

/// One for all connections.
pub(super) struct Shared {
    inner: RefCell<Inner>,
    begin: Instant,
    /// Something has happened.
    pub(super) changed: Notify,
    /// The daemon starts again: all connections break.
    pub(super) restarted: Notify,
    /// There may be another time to wait for.
    timer: Notify,
}

struct Inner {
    sim: Sim,
    faults: Faults,
    /// Nobody is there until then.
    away: Duration,
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
    pub(super) fn new(config: Config, faults: Faults) -> Rc<Self> {
        let sim = Sim::new(config);
        let inner = Inner { sim, faults, away: Duration::ZERO, last: 0, listening: BTreeMap::new() };
        Rc::new(Self {
            inner: RefCell::new(inner),
            begin: Instant::now(),
            changed: Notify::new(),
            restarted: Notify::new(),
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
        self.tell(inner);
    }

    fn tell(&self, inner: &mut Inner) {
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

    /// From now on this goes wrong.
    pub(super) fn disturb(&self, faults: Faults) {
        self.inner.borrow_mut().faults = faults;
    }

    /// Nothing goes wrong any more, and what is down comes back.
    pub(super) fn calm(&self) {
        let inner = &mut *self.inner.borrow_mut();
        (inner.faults, inner.away) = (Faults::none(), Duration::ZERO);
        inner.sim.fill_disk(false);
    }

    /// Whether a connection is refused.
    pub(super) fn refuses(&self) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        inner.away > self.begin.elapsed() || inner.faults.refuse()
    }

    /// Asks what goes wrong.
    pub(super) fn fault<T>(&self, ask: impl FnOnce(&mut Faults) -> T) -> T {
        ask(&mut self.inner.borrow_mut().faults)
    }

    /// What goes wrong with the server itself.
    pub(super) fn strike(self: &Rc<Self>, plan: &Plan) {
        let inner = &mut *self.inner.borrow_mut();
        if let Some(time) = plan.full {
            inner.sim.fill_disk(true);
            let shared = self.clone();
            tokio::task::spawn_local(async move {
                in_haste(time).await;
                shared.inner.borrow_mut().sim.fill_disk(false);
            });
        }
        if let Some(time) = plan.away {
            inner.away = self.begin.elapsed() + time / HASTE;
            inner.sim.restart();
            self.tell(inner);
            self.restarted.notify_waiters();
        }
    }

    /// What is on its way takes longer, or not.
    pub(super) async fn delay(&self) {
        let time = self.fault(Faults::delay);
        if !time.is_zero() {
            in_haste(time).await;
        }
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

/// Waits as long as something that goes wrong takes.
pub(super) async fn in_haste(time: Duration) {
    tokio::time::sleep(time / HASTE).await;
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.inner.borrow_mut().listening.remove(&self.exchange);
        self.shared.input(Input::Closed { exchange: self.exchange });
    }
}
