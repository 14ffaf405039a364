//! The steps of a saga as they happen: one live line each on a terminal, elsewhere a plain line for each change.

use super::visitor::{Deployment, Step};
use arcadia_saga::StepStatus;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use owo_colors::{AnsiColors, OwoColorize as _};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

const SPIN_EVERY: Duration = Duration::from_millis(80);

/// The line below the steps, for what the saga waits for when no step does.
const BETWEEN_STEPS: &str = "";

pub(super) struct Watcher {
    /// Missing when nobody looks at a terminal.
    live: Option<MultiProgress>,
    lines: Vec<Line>,
}

/// One step's line, as it stands.
struct Line {
    bar: Option<ProgressBar>,
    name: String,
    shown: String,
}

impl Watcher {
    pub(super) fn new() -> Watcher {
        let live = std::io::stderr().is_terminal().then(MultiProgress::new);
        Watcher { live, lines: Vec::new() }
    }

    pub(super) fn show(&mut self, deployment: &Deployment) {
        let Some(saga) = &deployment.saga else { return };
        let steps = saga.steps();
        if self.lines.is_empty() {
            let names = steps.iter().map(|step| step.name.as_str()).chain([BETWEEN_STEPS]);
            self.lines = names.map(|name| Line::new(self.live.as_ref(), name)).collect();
        }
        let waits = saga.waiting_for.as_deref().filter(|_| !saga.status.is_terminal());
        for (line, step) in self.lines.iter_mut().zip(steps) {
            let going_on = is_going_on(step.status);
            line.show(status_words(step), waits.filter(|_| going_on), going_on);
        }
        let between = waits.filter(|_| !steps.iter().any(|step| is_going_on(step.status)));
        if let Some(line) = self.lines.get_mut(steps.len()) {
            line.show(between.unwrap_or_default().to_owned(), None, between.is_some());
        }
    }

    /// Leaves the lines as they stand, and says how it ended.
    pub(super) fn finish(&self, ended: &Deployment) -> std::io::Result<()> {
        for bar in self.lines.iter().filter_map(|line| line.bar.as_ref()) {
            bar.abandon();
        }
        let mut words = format!("{} is {}", ended.hostname, ended.state);
        if let Some(ip) = &ended.ip {
            words += &format!(" at {ip}");
        }
        if let Some(message) = ended.saga.as_ref().and_then(|saga| saga.error.as_ref()?["message"].as_str()) {
            words += &format!(": {message}");
        }
        writeln!(anstream::stderr(), "{words}")
    }
}

impl Line {
    fn new(live: Option<&MultiProgress>, name: &str) -> Line {
        let bar = live.map(|live| live.add(ProgressBar::new_spinner().with_style(still())));
        let line = Line { bar, name: name.to_owned(), shown: String::new() };
        if let Some(bar) = &line.bar {
            bar.set_message(line.words(""));
        }
        line
    }

    fn show(&mut self, status: String, waits: Option<&str>, is_going_on: bool) {
        let has_changed = self.shown != status;
        match &self.bar {
            Some(bar) => {
                let waits = waits.map(|waits| format!(": {waits}")).unwrap_or_default();
                bar.set_message(self.words(&format!("{status}{waits}")));
                if has_changed {
                    animate(bar, is_going_on);
                }
            }
            None if has_changed && !status.is_empty() => {
                // Nothing is left to tell when stderr is gone.
                let _ = writeln!(anstream::stderr(), "  {}", self.words(&status));
            }
            None => {}
        }
        self.shown = status;
    }

    fn words(&self, rest: &str) -> String {
        if self.name == BETWEEN_STEPS { rest.to_owned() } else { format!("{:<30}{rest}", self.name) }
    }
}

fn animate(bar: &ProgressBar, is_going_on: bool) {
    if is_going_on {
        bar.set_style(spinning());
        bar.enable_steady_tick(SPIN_EVERY);
    } else {
        bar.disable_steady_tick();
        bar.set_style(still());
    }
}

fn is_going_on(status: StepStatus) -> bool {
    matches!(status, StepStatus::Running | StepStatus::Waiting | StepStatus::Compensating)
}

fn status_words(step: &Step) -> String {
    match step.status {
        StepStatus::Pending => String::new(),
        StepStatus::Running => "running".to_owned(),
        StepStatus::Waiting => "waiting".to_owned(),
        StepStatus::Completed => painted("done", AnsiColors::Green),
        StepStatus::Failed => painted("failed", AnsiColors::Red),
        StepStatus::Compensating => painted("being undone", AnsiColors::Yellow),
        StepStatus::Compensated => painted("undone", AnsiColors::Yellow),
        StepStatus::CompensationFailed => painted("could not be undone", AnsiColors::Red),
    }
}

/// Coloured where stderr is a terminal that wants colours.
fn painted(word: &str, colour: AnsiColors) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => word.to_owned(),
        _ => word.color(colour).to_string(),
    }
}

fn spinning() -> ProgressStyle {
    style("  {spinner} {wide_msg}")
}

fn still() -> ProgressStyle {
    style("    {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
