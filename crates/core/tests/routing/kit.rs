//! A compiled configuration with its state and a clock that is turned by hand.

use std::sync::Arc;
use std::time::Duration;

use omniroute_core::clock::Clock;
use omniroute_core::error::Error;
use omniroute_core::filter::FilterRegister;
use omniroute_core::routing::{Choice, Explanation, Facts, Pick, Plan, Ticket, explain, resolve};
use omniroute_core::snapshot::{Account, ConfigFile, Inputs, Overrides, Snapshot, compile};
use omniroute_core::state::{Failure, SharedState};
use omniroute_core::verdict::{Reason, Rest};

/// Three providers with accounts, and one without.
pub const PROVIDERS: &str = "
providers:
  alpha: { prefix: al, wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: static_key, header: x-key }, models: [{ id: small, context_tokens: 1000 }, { id: shared }, { id: renamed, upstream: real-name }] }
  beta: { wire: anthropic, base_url: 'http://127.0.0.1:2', auth: { kind: static_key, header: x-key }, models: [{ id: large, context_tokens: 9000 }, { id: shared }] }
  gamma: { wire: gemini, base_url: 'http://127.0.0.1:3', auth: { kind: static_key, header: x-key }, models: [{ id: lonely }] }
accounts:
  - { id: a-late, provider: alpha, key: k-1, priority: 2 }
  - { id: a-first, provider: alpha, key: k-2, priority: 1 }
  - { id: b-one, provider: beta, key: k-3 }
  - { id: b-off, provider: beta, key: k-4, enabled: false }
";

pub struct World {
    pub snapshot: Arc<Snapshot>,
    pub state: SharedState,
    pub clock: Clock,
    pub facts: Facts,
}

/// Compiles [`PROVIDERS`] and what comes after them.
pub fn world(more: &str) -> World {
    of(&format!("{PROVIDERS}{more}"))
}

/// Compiles a whole configuration.
pub fn of(config: &str) -> World {
    of_with(config, &[])
}

/// Compiles a whole configuration in an environment.
pub fn of_with(config: &str, env: Env<'_>) -> World {
    let (state, clock) = (SharedState::default(), Clock::manual(1_780_000_000));
    let snapshot = compiled(config, env, &state, &clock);
    World { snapshot, state, clock, facts: Facts::default() }
}

/// Variables and their values.
type Env<'a> = &'a [(&'static str, &'static str)];

fn compiled(config: &str, env: Env<'_>, state: &SharedState, clock: &Clock) -> Arc<Snapshot> {
    let known = |name: &str| env.iter().find(|(known, _)| *known == name);

    let inputs = Inputs {
        file: Some(ConfigFile { name: "test.yaml".to_owned(), text: config.to_owned() }),
        objects: &[],
        overrides: Overrides::default(),
        bound: &[],
        env: &|name| known(name).map(|(_, value)| (*value).to_owned()),
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        state,
        register: &FilterRegister::default(),
        clock,
        pepper: [0; 32],
        revision: 1,
    };
    Arc::new(compile(&inputs).unwrap_or_else(|problems| panic!("{problems}")))
}

impl World {
    /// Takes an edited configuration.
    pub fn edit(&mut self, config: &str) {
        self.snapshot = compiled(config, &[], &self.state, &self.clock);
        self.state.tidy();
    }

    pub fn plan(&self, name: &str) -> Plan {
        let route = resolve(&self.snapshot, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        Plan::new(&route, &self.snapshot, self.facts.clone())
    }

    pub fn account(&self, id: &str) -> &Arc<Account> {
        self.snapshot.accounts.values().flatten().find(|known| known.id.as_str() == id).unwrap()
    }

    pub fn rest(&self, id: &str, rest: Rest) {
        self.fail(id, rest, None);
    }

    pub fn rest_model(&self, id: &str, model: &str, rest: Rest) {
        self.fail(id, rest, Some(model));
    }

    fn fail(&self, id: &str, rest: Rest, model: Option<&str>) {
        let account = self.account(id);
        let failure = Failure { rest, reason: Reason::RateLimit, model, chance: 0.0 };
        account.state.rest(failure, &account.provider.profile, self.clock.now());
    }

    /// Returns `account:model` of everyone who would be tried, if all of them failed.
    pub fn order(&self, name: &str) -> Vec<String> {
        self.rest_of(&mut self.plan(name))
    }

    pub fn rest_of(&self, plan: &mut Plan) -> Vec<String> {
        let mut order = Vec::new();
        while let Pick::Try(choice) = plan.next(self.clock.now()) {
            order.push(named(&choice));
        }
        order
    }

    pub fn first(&self, name: &str) -> String {
        named(&self.choose(&mut self.plan(name)))
    }

    pub fn choose(&self, plan: &mut Plan) -> Choice {
        match plan.next(self.clock.now()) {
            Pick::Try(choice) => choice,
            other => panic!("{other:?}"),
        }
    }

    /// Begins a call of the first choice and leaves it running.
    pub fn begin(&self, name: &str) -> (String, Ticket) {
        let mut plan = self.plan(name);
        let choice = self.choose(&mut plan);
        let ticket = choice.begin(plan.tokens(), false, self.clock.now()).unwrap();
        (named(&choice), ticket)
    }

    /// Serves a request: its first choice answers at once.
    pub fn serve(&self, name: &str) -> String {
        let (served, mut ticket) = self.begin(name);
        ticket.answered(self.clock.now());
        served
    }

    /// Returns the error of a request for which nobody can be tried.
    pub fn nobody(&self, name: &str) -> Error {
        let mut plan = self.plan(name);
        match plan.next(self.clock.now()) {
            Pick::Nobody(_) => plan.nobody(),
            other => panic!("{other:?}"),
        }
    }

    pub fn explain(&self, name: &str) -> Explanation {
        let route = resolve(&self.snapshot, name);
        explain(&self.snapshot, (name, route), (None, self.facts.clone()), self.clock.now())
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub fn named(choice: &Choice) -> String {
    format!("{}:{}", choice.account.id, choice.target.model)
}
