//! The report as people read it: the table, the limits, and what was missed by how much.

use crate::bed::Subject;
use crate::numbers::{Limit, Spread, yes_or_no};
use crate::of_bare::OfBare;
use crate::report::{Report, Row};
use crate::sections::delays::Delays;
use crate::sections::memory::Memory;
use crate::sections::peak::Peak;
use crate::sections::peers::Peers;
use crate::sections::rates::Rates;
use crate::table::table;

/// The headings; the first two columns are words.
const HEADINGS: [&str; 16] = [
    "workload",
    "through",
    "CPU µs",
    "user",
    "kernel",
    "× bare",
    "(least–most)",
    "target",
    "reached",
    "req/s",
    "p50 ms",
    "p99 ms",
    "events",
    "µs/event",
    "provider µs",
    "load µs",
];

/// Writes the whole report.
pub(crate) fn words(report: &Report) -> String {
    let mut text = format!(
        "{}, {} cores, Linux {}, load {} before the start and {} at the end; everything on loopback, {} worker threads,\n\
         {} rounds, windows of {} s.\n\n",
        report.machine.processor,
        report.machine.cores,
        report.machine.kernel,
        report.machine.load_before,
        report.machine.load_after,
        report.threads,
        report.rounds,
        report.window_seconds,
    );
    if !report.rows.is_empty() {
        let rows: Vec<Vec<String>> = report.rows.iter().map(cells).collect();
        text.push_str(&format!(
            "Processor time per request of each process, medians of the rounds; {} connections, all busy.\n\n{}\n",
            report.connections,
            table(&HEADINGS, 2, &rows),
        ));
    }
    if cfg!(debug_assertions) {
        text.push_str("This is a debug build: the numbers mean nothing.\n\n");
    }
    if !report.has_nginx {
        text.push_str("nginx is not installed, so it was not measured.\n\n");
    }
    text.extend(report.rates.as_ref().map(Rates::words));
    text.extend(report.peak.as_ref().map(Peak::words));
    text.extend(report.delays.as_ref().map(Delays::words));
    text.extend(report.memory.as_ref().map(Memory::words));
    text.extend(report.peers.as_ref().map(Peers::words));
    text.push_str(&limits(report));
    text.push('\n');
    text.push_str(&misses(report));
    text
}

fn cells(row: &Row) -> Vec<String> {
    let optional = |number: Option<f64>, digits: usize| {
        number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
    };
    let spread = |Spread { least, most, .. }: Spread| format!("{least:.2}–{most:.2}");
    let OfBare { ratio, target, is_reached } = row.of_bare;
    let events = if row.events == 0 { "-".to_owned() } else { row.events.to_string() };
    vec![
        row.workload.to_owned(),
        row.subject.title().to_owned(),
        format!("{:.1}", row.cpu_us),
        format!("{:.1}", row.user_us),
        format!("{:.1}", row.kernel_us),
        optional(ratio.map(|ratio| ratio.median), 2),
        ratio.map_or_else(|| "-".to_owned(), spread),
        optional(target, 1),
        is_reached.map_or("-", yes_or_no).to_owned(),
        format!("{:.0}", row.requests_per_second),
        format!("{:.2}", row.p50_ms),
        format!("{:.2}", row.p99_ms),
        events,
        optional(row.cpu_us_per_event, 2),
        format!("{:.1}", row.provider_us),
        format!("{:.1}", row.load_us),
    ]
}

fn limits(report: &Report) -> String {
    let row = |name: &str, unit: &str, limit: &Limit| {
        let Limit { value, target, is_reached } = limit;
        vec![
            name.to_owned(),
            format!("{:.1} {unit}", value.median),
            format!("{:.1}–{:.1}", value.least, value.most),
            format!("{target:.0} {unit}"),
            yes_or_no(*is_reached).to_owned(),
        ]
    };
    let mut loaded = vec!["memory after the load".to_owned()];
    loaded.push(format!("{:.1} MB", report.loaded_memory_mb));
    loaded.extend(["-"; 3].map(str::to_owned));
    let rows = [
        row("memory when idle", "MB", &report.idle_memory),
        loaded,
        row("start to ready", "ms", &report.start_to_ready),
    ];
    table(&["omniroute", "", "least–most", "under", "reached"], 1, &rows)
}

/// Says which targets were missed, by how much, and where the time went.
fn misses(report: &Report) -> String {
    let mut lines: Vec<String> = report.rows.iter().filter_map(|row| miss(report, row)).collect();
    for (name, unit, limit) in [
        ("memory when idle", "MB", &report.idle_memory),
        ("start to ready", "ms", &report.start_to_ready),
    ] {
        if !limit.is_reached {
            let over = limit.value.median - limit.target;
            lines.push(format!("- {name}: {over:.1} {unit} over the target."));
        }
    }
    lines.extend(report.rates.iter().flat_map(Rates::misses));
    lines.extend(report.peak.iter().flat_map(Peak::misses));
    lines.extend(report.delays.iter().flat_map(Delays::misses));
    lines.extend(report.memory.iter().flat_map(Memory::misses));
    if lines.is_empty() {
        return "Every target was reached.\n".to_owned();
    }
    format!("Not reached:\n{}\n", lines.join("\n"))
}

fn miss(report: &Report, row: &Row) -> Option<String> {
    let (ratio, target) = row.of_bare.missed()?;
    let find = |subject| {
        let is_wanted = |other: &&Row| other.workload == row.workload && other.subject == subject;
        report.rows.iter().find(is_wanted)
    };
    let bare = find(Subject::BarePingora)?;
    let mut line = format!(
        "- {}, {}: {:.2} instead of {target:.1}, about {:.1} µs too much. Beyond bare Pingora it takes \
         {:+.1} µs in user space and {:+.1} µs in the kernel.",
        row.workload,
        row.subject.title(),
        ratio,
        row.cpu_us - target * bare.cpu_us,
        row.user_us - bare.user_us,
        row.kernel_us - bare.kernel_us,
    );
    let logged = find(Subject::SameFormat).zip(find(Subject::NoAccessLog));
    if let Some((logged, quiet)) = logged {
        let cost = logged.cpu_us - quiet.cpu_us;
        line.push_str(&format!(" The access log is {cost:.1} µs of a same-format call."));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::of_bare::Most;

    fn row(subject: Subject, cpu_us: f64) -> Row {
        let ratio = cpu_us / 20.0;
        Row {
            workload: "2 KB",
            subject,
            requests: 100,
            cpu_us,
            user_us: cpu_us / 4.0,
            kernel_us: cpu_us * 3.0 / 4.0,
            provider_us: 5.0,
            load_us: 6.0,
            events: 0,
            cpu_us_per_event: None,
            of_bare: OfBare::new(
                subject,
                Some(Spread { median: ratio, least: ratio, most: ratio }),
                Some(Most::ALLOWED),
            ),
            requests_per_second: 1.0,
            p50_ms: 1.0,
            p99_ms: 1.0,
        }
    }

    fn report(rows: Vec<Row>, idle_mb: f64) -> Report {
        let value = |median| Spread { median, least: median, most: median };
        let limit =
            |median, target| Limit { value: value(median), target, is_reached: median < target };
        Report {
            machine: Machine::look(),
            rounds: 1,
            window_seconds: 1.0,
            connections: 1,
            threads: 1,
            has_nginx: false,
            rows,
            idle_memory: limit(idle_mb, 40.0),
            loaded_memory_mb: 50.0,
            start_to_ready: limit(20.0, 300.0),
            rates: None,
            peak: None,
            delays: None,
            memory: None,
            peers: None,
        }
    }

    #[test]
    fn a_missed_target_is_named_with_its_excess_and_its_parts() {
        let rows = vec![
            row(Subject::BarePingora, 20.0),
            row(Subject::SameFormat, 36.0),
            row(Subject::Translated, 40.0),
            row(Subject::NoAccessLog, 33.0),
        ];

        let text = words(&report(rows, 41.5));

        let missed = text.split("Not reached:\n").nth(1).unwrap();
        assert_eq!(
            missed,
            "- 2 KB, omniroute, same format: 1.80 instead of 1.5, about 6.0 µs too much. Beyond bare \
             Pingora it takes +4.0 µs in user space and +12.0 µs in the kernel. The access log is 3.0 µs \
             of a same-format call.\n- memory when idle: 1.5 MB over the target.\n"
        );
        assert!(text.contains("nginx is not installed"));
    }

    #[test]
    fn nothing_is_missed_when_all_is_reached() {
        let rows = vec![row(Subject::BarePingora, 20.0), row(Subject::SameFormat, 30.0)];

        let text = words(&report(rows, 20.0));

        assert!(text.ends_with("Every target was reached.\n"), "{text}");
    }
}
