# SPDX-License-Identifier: Apache-2.0
#
# Sourced by ./check and .ci/run: runs steps, counts what passed and failed, and ends with the line
# `N passed, N failed`. $RESULTS collects a line `passed|failed|not-run<TAB>name<TAB>reason` for each
# test case and each step; whoever set it adds up, so that .ci/run counts what ./check counted too.

say() {
    printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
        cat
    else
        sed 's/\x1b\[[0-9]*m//g'
    fi
}

record() {
    printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$RESULTS" || {
        printf 'cannot record that "%s" %s\n' "$2" "$1" >&2
        exit 1
    }
}

# step NAME COMMAND...: one pass or failure. What it printed is shown when it failed. A command that
# exits with 77 could not run here, and its last line says why.
step() {
    local name=$1 log status=0
    shift
    log=$(mktemp "$WORK/step.XXXXXX")
    local began=$SECONDS
    "$@" >"$log" 2>&1 </dev/null || status=$?
    case $status in
    0)
        record passed "$name"
        printf '  passed  %s (%ds)\n' "$name" $((SECONDS - began))
        ;;
    77)
        record not-run "$name" "$(tail -n 1 "$log")"
        printf '  not run %s: %s\n' "$name" "$(tail -n 1 "$log")"
        status=0
        ;;
    *)
        record failed "$name"
        printf '  FAILED  %s (%ds)\n' "$name" $((SECONDS - began))
        tail -n 60 "$log" | sed 's/^/    /'
        ;;
    esac
    rm -f "$log"
    return "$status"
}

# configure DIRECTORY OPTIONS...: a build directory that is there already is kept.
configure() {
    local dir=$1
    shift
    if [ -f "$dir/build.ninja" ]; then
        meson configure "$dir" "$@" && ninja -C "$dir" build.ninja
    else
        rm -rf "$dir"
        meson setup "$dir" --wrap-mode=nodownload "$@"
    fi
}

# run_tests DIRECTORY [meson test's arguments...]: every test case counts for itself. Of the arguments
# only --suite and --no-suite have values; what is no option is the name of a test, which must exist.
run_tests() {
    local dir=$1 status=0 name log previous='' argument wanted=()
    shift
    name=$(basename "$dir")
    log=$(mktemp "$WORK/tests.XXXXXX")
    for argument in "$@"; do
        case $previous:$argument in
        --suite:* | --no-suite:* | *:-*) ;;
        *) wanted+=("$argument") ;;
        esac
        previous=$argument
    done
    rm -f "$dir"/meson-logs/testlog*
    local began=$SECONDS
    meson test -C "$dir" --no-rebuild --print-errorlogs "$@" >"$log" 2>&1 </dev/null || status=1
    /usr/bin/python3 .ci/junit "$name" "$dir/meson-logs" "${wanted[@]}" >"$log.cases" 2>>"$log" || status=1
    cat "$log.cases" >>"$RESULTS" || exit 1
    if [ "$status" = 0 ]; then
        printf '  passed  tests of %s: %d cases (%ds)\n' "$name" \
            "$(grep -c '^passed' "$log.cases")" $((SECONDS - began))
    else
        printf '  FAILED  tests of %s (%ds)\n' "$name" $((SECONDS - began))
        # A run that died without a failed case must not look green.
        grep -q '^failed' "$log.cases" || record failed "$name: meson test"
        tail -n 150 "$log" | sed 's/^/    /'
    fi
    rm -f "$log" "$log.cases"
    return "$status"
}

# finish: what failed, what was not run and why, and the count. The status is the caller's.
finish() {
    local passed failed
    passed=$(grep -c '^passed' "$RESULTS" || true)
    failed=$(grep -c '^failed' "$RESULTS" || true)
    if grep -q '^not-run' "$RESULTS"; then
        printf '\nnot run:\n'
        awk -F '\t' '$1 == "not-run" {printf "  %s: %s\n", $2, $3}' "$RESULTS"
    fi
    if [ "$failed" != 0 ]; then
        printf '\nfailed:\n'
        awk -F '\t' '$1 == "failed" {printf "  %s\n", $2}' "$RESULTS"
    fi
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}
