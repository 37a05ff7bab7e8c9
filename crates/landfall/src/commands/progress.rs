//! A progress bar on a terminal; nothing anywhere else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for `bytes` of `name`, on standard error; hidden where that is no terminal.
pub fn bytes(name: &str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg}  {bar:30}  {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.set_message(name.to_owned());
    bar
}

/// A bar for `count` things of `name`; hidden likewise.
pub fn items(name: &str, count: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg}  {bar:30}  {pos}/{len}  {eta}") {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.set_message(name.to_owned());
    bar
}
