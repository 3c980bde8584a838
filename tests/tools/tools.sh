#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: tools.sh TOOL PATH VERSION
#
# One tool as a process, as a user meets it: help and version at every level, bad input, exit status,
# JSON, several processes on one event log. Speaks TAP.
set -uo pipefail
name=$1
tool=$2
version=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STRONGROOM_STORE=$work/store
number=0

# check NAME COMMAND...: the command must succeed.
check() {
    local what=$1
    shift
    number=$((number + 1))
    if "$@"; then
        printf 'ok %d - %s: %s\n' "$number" "$name" "$what"
    else
        printf 'not ok %d - %s: %s\n' "$number" "$name" "$what"
        sed 's/^/# out: /' "$work/out" | head -n 20
        sed 's/^/# err: /' "$work/err" | head -n 20
    fi
}

# run STATUS ARGUMENTS...: runs the tool; is its exit status this one?
run() {
    local want=$1 got=0
    shift
    "$tool" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = "$want" ] || {
        printf 'exit status %s, not %s\n' "$got" "$want" >>"$work/err"
        return 1
    }
}
out_is() { [ "$(cat "$work/out")" = "$1" ]; }
out_has() { grep -qF -- "$1" "$work/out"; }
err_has() { grep -qF -- "$1" "$work/err"; }
no_out() { [ ! -s "$work/out" ]; }
no_err() { [ ! -s "$work/err" ]; }
one_line_err() { [ "$(wc -l <"$work/err")" = 1 ]; }
is_json() { /usr/bin/python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$work/out"; }
narrow() { ! grep -qE '.{81}' "$work/out"; }

help_of() { run 0 "$@" --help && no_err && narrow && out_has "Usage: $name" && out_has --version; }
version_of() {
    run 0 "$@" --version && no_err && [ "$(head -n 1 "$work/out")" = "$name (Strongroom) $version" ] &&
        out_has "lib$name $version" && out_has 'Mbed TLS 3.6'
}
usage_error() { run 2 "$@" && no_out && one_line_err && err_has "$name: " && err_has --help; }
json_usage_error() { run 2 "$@" && is_json && out_has '"code": "usage"' && one_line_err; }

check 'help' help_of
check 'help of events' help_of events
check 'help of events test' help_of events test
check 'version' version_of
check 'version of events' version_of events
check 'version as JSON' eval 'run 0 --version --json && is_json'
check 'nothing at all shows the help, as a mistake' eval 'run 2 && no_out && err_has Usage'
check 'an unknown command' usage_error evnts
check 'an unknown option' usage_error events --sicne 1h
check 'a bad time' usage_error events --since 25:00
check 'a missing message' usage_error events test
check 'too many arguments' usage_error events test a b
check 'a bad severity' usage_error events test a --severity fatal
check 'a bad duration' usage_error events --timeout 5
check 'a mistake as JSON' json_usage_error events --since never --json
check 'a store that is not there' eval 'run 1 events && no_out && one_line_err && err_has "$work/store"'
check 'the same as JSON' eval 'run 1 events --json && is_json && out_has "\"code\": \"not-found\""'
check 'recording makes the store' eval 'run 0 events test hello && out_is "recorded as event 1"'
check 'the store is private' eval '[ "$(stat -c %a "$work/store")" = 700 ]'
check 'the log is private' eval '[ "$(stat -c %a "$work/store/events.jsonl")" = 600 ]'
check 'the event is listed' eval 'run 0 events && out_has "EventLogTest" && out_has hello && no_err'
check 'the event is listed as JSON' eval 'run 0 events --json && is_json && out_has "\"tool\":\"$name\""'
check 'output that cannot be written is an error' \
    eval '! "$tool" events >/dev/full 2>"$work/err" && err_has "No space left"'
check 'a reader that goes away is none' \
    eval '"$tool" events --follow --timeout 10s 2>"$work/err" | head -n 1 >"$work/out"; out_has hello && no_err'
check 'timeout ends following' eval 'run 1 events --follow --timeout 1s && err_has "timed out"'

# Not by the shell: what it starts in the background ignores SIGINT.
interrupted() {
    /usr/bin/python3 - "$tool" 2>"$work/err" <<'PYTHON'
import signal, subprocess, sys
with subprocess.Popen([sys.argv[1], "events", "--follow", "--timeout", "20s"],
                      stdout=subprocess.PIPE, restore_signals=True) as tool:
    tool.stdout.readline()
    tool.send_signal(signal.SIGINT)
    tool.stdout.read()
sys.exit(tool.returncode != 130)
PYTHON
}
check 'an interrupt ends with 130' interrupted

followed() {
    "$tool" events --follow --json --timeout 20s >"$work/out" 2>"$work/err" &
    local pid=$! i
    for ((i = 0; i < 100; i++)); do
        [ -s "$work/out" ] && break
        sleep 0.05
    done
    "$tool" events test 'while you watch' >/dev/null
    for ((i = 0; i < 100; i++)); do
        grep -q 'while you watch' "$work/out" && break
        sleep 0.05
    done
    kill "$pid"
    wait "$pid" 2>/dev/null
    grep -q 'while you watch' "$work/out"
}
check 'following shows what other processes record' followed

several_at_once() {
    local i j pids=() pid
    for i in 1 2 3 4; do
        (for ((j = 0; j < 15; j++)); do "$tool" events test "$i $j" || exit 1; done) >"$work/numbers.$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || return 1
    done
    run 0 events --json || return 1
    grep -o '"seq":[0-9]*' "$work/out" | cut -d : -f 2 >"$work/seqs"
    # Without a gap, in order, and everybody was told a number of their own.
    diff -q <(seq 1 "$(wc -l <"$work/seqs")") "$work/seqs" >/dev/null &&
        [ "$(cat "$work"/numbers.* | sort -u | wc -l)" = 60 ]
}
check 'several processes write one log' several_at_once

chmod 0777 "$work/store"
check 'a store that others may write to is refused' eval 'run 1 events test x && err_has "$work/store"'
chmod 0700 "$work/store"
: >"$work/file"
check 'a store that is a file is refused' eval 'run 1 events --store "$work/file" && err_has "$work/file"'
printf '1..%d\n' "$number"
