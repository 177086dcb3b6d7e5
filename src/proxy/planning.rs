//! Whom to ask next: the plan of a request, and what its attempts take from accounts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use omniroute_core::affinity::ConversationId;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::routing::{
    Choice, Decision, Exhausted, Facts, Pick, Plan, Route, Step, Ticket, route,
};
use omniroute_core::snapshot::{Group, Node, Snapshot};

use super::Shared;

/// Longest wait for what somebody else's second attempt, or a breaker's probe, comes to: the time to
/// the first content of a provider that works, with room for slow starts.
const MAX_WAIT_FOR_OUTCOME: Duration = Duration::from_secs(10);

/// How often somebody else may be faster before others get the processor.
const MAX_RACES: usize = 16;

/// How long that takes.
const AFTER_RACES: Duration = Duration::from_millis(1);

/// The plan of a request and how far it has come.
pub struct Planned {
    plan: Plan,
    /// The next choice, where it has been asked for already.
    upcoming: Option<Choice>,
    /// Which conversation the request belongs to, where that matters.
    conversation: Option<ConversationId>,
    waited: Duration,
    waiting_since: Option<Instant>,
    /// Why nobody is left, once that is known.
    exhausted: Option<Exhausted>,
    steps: Vec<Step>,
    /// The combo or fallback chain that the name stands for.
    group: Option<Arc<Group>>,
}

/// What is to be done for the next attempt.
pub enum Upcoming {
    /// Ask this one; the call counts as begun.
    Ask(Choice, Ticket, Duration),
    /// Wait for at most this long, or until something has ended, and ask again.
    Wait(Duration),
    /// There is nobody to ask; the error says why, if no attempt was made before.
    Nobody(Error),
}

impl Planned {
    /// Plans a call.
    ///
    /// # Errors
    ///
    /// What is wrong with the model's name, or why nobody can serve it.
    pub fn of(shared: &Shared, cx: &mut RequestContext) -> Result<Self, Error> {
        let Some(call) = &cx.call else { return Err(Error::Internal) };
        let snapshot = &Arc::clone(&cx.snapshot);
        let route = route(snapshot, cx.provider.as_ref(), &call.peek.model)?;
        snapshot.filters.on_route(cx, &route)?;
        let Some(call) = &cx.call else { return Err(Error::Internal) };
        let now = shared.clock.now();
        let conversation =
            may_stick(&route, snapshot).then(|| shared.affinity.conversation(cx)).flatten();
        let facts = Facts {
            tokens: call.rough_tokens(),
            seed: shared.seeds.next(),
            last_account: conversation.and_then(|id| shared.affinity.last(id, now)),
            blocked_providers: snapshot.filters.blocked_providers(),
        };
        let mut planned = Self {
            plan: Plan::new(&route, snapshot, facts),
            upcoming: None,
            conversation,
            waited: Duration::ZERO,
            waiting_since: None,
            exhausted: None,
            steps: route.steps,
            group: match route.root {
                Node::Group(group) => Some(group),
                Node::Target(_) => None,
            },
        };
        if planned.has_next(now) { Ok(planned) } else { Err(planned.plan.nobody()) }
    }

    /// Returns the combo or fallback chain that the name stands for.
    pub fn combo(&self) -> Option<&str> {
        self.group.as_ref().map(|group| &*group.name)
    }

    /// Tells whether anybody is left to be asked, now or after a wait.
    pub fn has_next(&mut self, now: Instant) -> bool {
        if self.upcoming.is_none() {
            match self.plan.next(now) {
                Pick::Try(choice) => self.upcoming = Some(choice),
                Pick::Wait { .. } => {}
                Pick::Nobody(why) => {
                    self.exhausted = Some(why);
                    return false;
                }
            }
        }
        true
    }

    /// Has this one asked before all others.
    pub fn ask_first(&mut self, choice: Choice) {
        if let Some(other) = self.upcoming.replace(choice) {
            self.plan.put_back(other);
        }
    }

    /// Begins the next call.
    pub fn next(&mut self, now: Instant) -> Upcoming {
        for _ in 0..MAX_RACES {
            let pick = self.upcoming.take().map_or_else(|| self.plan.next(now), Pick::Try);
            match pick {
                Pick::Try(choice) => {
                    let is_retry = self.plan.has_tried();
                    match choice.begin(self.plan.tokens(), is_retry, now) {
                        Ok(ticket) => {
                            let waited = self.end_wait(now);
                            return Upcoming::Ask(choice, ticket, waited);
                        }
                        // Somebody else was faster.
                        Err(_) => self.plan.put_back(choice),
                    }
                }
                Pick::Wait { left, limit, for_outcome } => {
                    let most =
                        if for_outcome { MAX_WAIT_FOR_OUTCOME } else { self.plan.max_wait() };
                    let since = *self.waiting_since.get_or_insert(now);
                    let waited = self.waited + now.saturating_duration_since(since);
                    let rest = most.saturating_sub(waited);
                    if rest.is_zero() || left.is_some_and(|left| left > rest) {
                        self.exhausted = for_outcome.then_some(Exhausted::RetryBudget);
                        self.plan.wait_no_more(now);
                        let model = self.plan.asked().to_string();
                        return Upcoming::Nobody(Error::Busy { model, limit, waited, left });
                    }
                    return Upcoming::Wait(left.unwrap_or(rest));
                }
                Pick::Nobody(why) => {
                    self.exhausted = Some(why);
                    return Upcoming::Nobody(self.plan.nobody());
                }
            }
        }
        Upcoming::Wait(AFTER_RACES)
    }

    fn end_wait(&mut self, now: Instant) -> Duration {
        let waited = self.waiting_since.take().map(|since| now.saturating_duration_since(since));
        let waited = waited.unwrap_or_default();
        self.waited += waited;
        waited
    }

    /// The plan itself, for verdicts.
    pub const fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Tells whether the client's library would do no better than the gateway by asking again at once:
    /// the gateway has made as many attempts as make sense.
    pub const fn is_spent(&self) -> bool {
        matches!(self.exhausted, Some(Exhausted::Attempts | Exhausted::RetryBudget))
    }

    /// Gives away what is kept of the request, without its attempts.
    pub fn decision(&mut self, cx: &RequestContext) -> Decision {
        Decision {
            request_id: Arc::clone(&cx.request_id),
            record: None,
            model: Arc::clone(self.plan.asked()),
            steps: std::mem::take(&mut self.steps),
            considered: self.plan.take_considered(),
            attempts: Vec::new(),
            error: None,
            max_attempts: cx.snapshot.routing.max_attempts,
        }
    }

    /// Remembers that an account serves the conversation.
    pub fn served(&self, shared: &Shared, choice: &Choice) {
        if let Some(conversation) = self.conversation {
            shared.affinity.serves(conversation, &choice.account.id, shared.clock.now());
        }
    }
}

/// Tells whether the strategies leave it open who serves: reading the conversation takes time.
fn may_stick(route: &Route, snapshot: &Snapshot) -> bool {
    let is_open = |node: &Node| match node {
        Node::Group(group) => !group.strategy.strategy.is_operators_order(),
        Node::Target(_) => false,
    };
    !snapshot.routing.account_strategy.strategy.is_operators_order()
        || is_open(&route.root)
        || route.fallbacks.iter().any(is_open)
}
