//! The decoders from outside: what each input becomes, row by row and reject by reject.

mod bad;
mod containers;
mod csv;
mod json;
mod real;
mod round_trip;
mod show;
