//! A row of every call, and none of what is no call.

use omniroute::store::StoreError;
use omniroute::store::usage::{Filter, Listing, Span, check, page};
use omniroute_core::usage::UsageRecord;
use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};

use crate::setup::{FORMATS, all_formats_with, ask, prefix, two_accounts};

/// Returns the rows of a gateway, the oldest first, and checks that its sums are theirs.
pub(crate) async fn rows(gateway: &TestGateway) -> Vec<UsageRecord> {
    let store = gateway.store().clone();
    tokio::task::spawn_blocking(move || store.flush()).await.unwrap().unwrap();
    let all = Listing {
        span: Span { from: 0, until: u64::MAX },
        filter: Filter::default(),
        good: None,
        status: None,
        request_id: None,
    };
    let view = gateway
        .store()
        .view(move |tx| Ok::<_, StoreError>((page(tx, &all, None, 500)?.rows, check(tx)?.faults)));
    let (mut rows, faults) = view.await.unwrap();
    assert_eq!(faults, []);
    rows.reverse();
    rows
}

#[tokio::test]
async fn calls_of_every_format_have_a_row_with_their_tokens() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats_with(
        &sim,
        "combos: { pair: { targets: [chat/500, gemini-sim/echo] } }\nclient_keys: [{ name: ci, key: the-clients-key }]\n",
    ))
    .await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut asked = Vec::new();
    for format in FORMATS {
        for stream in [false, true] {
            let model = format!("{}/echo", prefix(format));
            let (path, body) = ask(format, &model, stream, "one two three");
            let id = format!("row-{format}-{stream}");
            let headers =
                [("x-request-id", id.as_str()), ("authorization", "Bearer the-clients-key")];
            assert_eq!(client.post(&path, &headers, &body).await.status, 200);
            asked.push((id, model, stream));
        }
    }
    let (path, body) = ask("chat", "pair", false, "hello");
    client.post(&path, &[("authorization", "Bearer the-clients-key")], &body).await;

    let rows = rows(&gateway).await;

    assert_eq!(rows.len(), asked.len() + 1);
    for (id, model, stream) in asked {
        let row = rows.iter().find(|row| *row.request_id == *id).unwrap();
        assert_eq!((&*row.asked, row.stream, row.status), (model.as_str(), stream, 200), "{row:?}");
        assert_eq!((row.model.as_deref(), row.client_key.as_deref()), (Some("echo"), Some("ci")));
        assert!(row.tokens.input_total() > 0 && row.tokens.output > 0, "{row:?}");
        assert_eq!(
            (row.attempts, row.interrupted, &row.error, &row.combo),
            (1, false, &None, &None)
        );
        assert!(row.first_byte_us.is_some_and(|first| first <= row.duration_us), "{row:?}");
    }
    let pair = rows.iter().find(|row| &*row.asked == "pair").unwrap();
    assert_eq!((pair.combo.as_deref(), pair.attempts), (Some("pair"), 2));
    assert_eq!(pair.account.as_deref(), Some("gemini-1"), "who served: {pair:?}");
}

#[tokio::test]
async fn refused_calls_have_a_row_and_what_no_key_let_through_has_none() {
    let sim = simulator().await;
    let yaml = two_accounts(&sim, "sk-sim-ok", "sk-sim-ok");
    let gateway =
        TestGateway::start(&format!("{yaml}client_keys: [{{ name: ci, key: the-clients-key }}]\n"))
            .await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let key = [("authorization", "Bearer the-clients-key")];
    let (path, unknown) = ask("chat", "no-such-model", false, "hello");
    let (_, good) = ask("chat", "chat/echo", false, "hello");

    assert_eq!(client.post(&path, &key, &unknown).await.status, 404);
    assert_eq!(client.post(&path, &[], &good).await.status, 401);
    assert_eq!(client.get("/v1/models", &key).await.status, 200);
    sim.script([Step::reply(500), Step::reply(500)]);
    client.post(&path, &key, &good).await;

    let rows = rows(&gateway).await;

    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((rows[0].status, rows[0].error.as_deref()), (404, Some("model_not_found")));
    assert_eq!((&rows[0].provider, rows[0].attempts), (&None, 0));
    assert_eq!((rows[1].attempts, rows[1].account.as_deref()), (2, Some("second")));
    assert!(rows[1].status >= 500 && rows[1].error.is_some(), "{:?}", rows[1]);
}
