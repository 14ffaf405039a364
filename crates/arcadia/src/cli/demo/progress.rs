//! The steps of a saga as they happen: one live line each on a terminal, elsewhere a plain line for each change.

use super::visitor::{Deployment, Saga, Step};
use arcadia_saga::StepStatus;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use owo_colors::{AnsiColors, OwoColorize as _};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

const SPIN_EVERY: Duration = Duration::from_millis(80);

pub(super) struct Watcher {
    /// Missing when nobody looks at a terminal.
    live: Option<MultiProgress>,
    lines: Vec<Line>,
    ended: bool,
}

struct Line {
    bar: Option<ProgressBar>,
    shown: Option<StepStatus>,
}

impl Watcher {
    pub(super) fn new() -> Watcher {
        let live = std::io::stderr().is_terminal().then(MultiProgress::new);
        Watcher { live, lines: Vec::new(), ended: false }
    }

    pub(super) fn show(&mut self, deployment: &Deployment) {
        let Some(saga) = &deployment.saga else { return };
        let steps = saga.steps();
        while self.lines.len() < steps.len() {
            let bar = self.live.as_ref().map(|live| live.add(ProgressBar::new_spinner().with_style(style())));
            self.lines.push(Line { bar, shown: None });
        }
        for (line, step) in self.lines.iter_mut().zip(steps) {
            line.show(step, saga);
        }
        if saga.status.is_terminal() && !self.ended {
            self.ended = true;
            self.tell_end(deployment, saga);
        }
    }

    pub(super) fn finish(&mut self) {
        for bar in self.lines.iter().filter_map(|line| line.bar.as_ref()) {
            bar.abandon();
        }
    }

    fn tell_end(&self, deployment: &Deployment, saga: &Saga) {
        let mut words = format!("{} is {}", deployment.hostname, deployment.state);
        if let Some(ip) = &deployment.ip {
            words += &format!(" at {ip}");
        }
        if let Some(error) = &saga.error {
            words += &format!(" ({})", error["message"].as_str().unwrap_or_default());
        }
        let told = match &self.live {
            Some(live) => live.println(words),
            None => writeln!(anstream::stderr(), "{words}"),
        };
        // Nothing is left to tell when stderr is gone.
        let _ = told;
    }
}

impl Line {
    fn show(&mut self, step: &Step, saga: &Saga) {
        let is_new = self.shown != Some(step.status);
        self.shown = Some(step.status);
        let is_going_on = is_going_on(step.status);
        match &self.bar {
            Some(bar) => {
                let waits = saga.waiting_for.as_deref().filter(|_| is_going_on && !saga.status.is_terminal());
                bar.set_message(words(step, waits));
                match is_going_on {
                    true => bar.enable_steady_tick(SPIN_EVERY),
                    false => bar.disable_steady_tick(),
                }
            }
            None if is_new && step.status != StepStatus::Pending => {
                // Nothing is left to tell when stderr is gone.
                let _ = writeln!(anstream::stderr(), "  {}", words(step, None));
            }
            None => {}
        }
    }
}

fn is_going_on(status: StepStatus) -> bool {
    matches!(status, StepStatus::Running | StepStatus::Waiting | StepStatus::Compensating)
}

fn words(step: &Step, waits: Option<&str>) -> String {
    let name = format!("{:<30}", step.name);
    let status = match step.status {
        StepStatus::Pending => String::new(),
        StepStatus::Running => "running".to_owned(),
        StepStatus::Waiting => "waiting".to_owned(),
        StepStatus::Completed => painted("done", AnsiColors::Green),
        StepStatus::Failed => painted("failed", AnsiColors::Red),
        StepStatus::Compensating => painted("being undone", AnsiColors::Yellow),
        StepStatus::Compensated => painted("undone", AnsiColors::Yellow),
        StepStatus::CompensationFailed => painted("could not be undone", AnsiColors::Red),
    };
    match waits {
        Some(waits) => format!("{name}{status}: {waits}"),
        None => format!("{name}{status}"),
    }
}

/// Coloured where stderr is a terminal that wants colours.
fn painted(word: &str, colour: AnsiColors) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => word.to_owned(),
        _ => word.color(colour).to_string(),
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
