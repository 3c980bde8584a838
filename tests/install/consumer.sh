#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: consumer.sh SOURCE_ROOT CONSUMER_C VERSION
#
# Builds and installs into an empty prefix, then builds a program from that prefix alone, by
# pkg-config, with gcc and clang, with all libraries and with each one by itself, and runs it. A
# second installation into a DESTDIR must hold the same files. Speaks TAP.
set -uo pipefail
source_root=$1
consumer=$2
version=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
number=0

# result STATUS NAME [FILE with the reason]
result() {
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        printf 'ok %d - %s\n' "$number" "$2"
    else
        printf 'not ok %d - %s\n' "$number" "$2"
        [ -z "${3:-}" ] || tail -n 30 "$3" | sed 's/^/# /'
    fi
}

{
    meson setup "$work/build" "$source_root" --prefix="$prefix" --libdir=lib --buildtype=release \
        --wrap-mode=nodownload -Dtests=disabled &&
        meson install -C "$work/build"
} >"$work/log" 2>&1
result $? 'builds and installs into a prefix' "$work/log"

DESTDIR=$work/dest meson install -C "$work/build" --no-rebuild >"$work/log" 2>&1
result $? 'installs into a DESTDIR' "$work/log"
diff <(cd "$prefix" && find . | sort) <(cd "$work/dest$prefix" && find . | sort) >"$work/log" 2>&1
result $? 'a DESTDIR holds the same files as the prefix' "$work/log"

# Nothing private: no header of common/, no static library, no part of Mbed TLS.
(cd "$prefix" && find . -type f -o -type l) | sort >"$work/files"
grep -E 'common|mbedtls|\.a$|\.la$|_twin' "$work/files" >"$work/log"
[ ! -s "$work/log" ]
result $? 'nothing private is installed' "$work/log"
grep -rlF "$work/build" "$prefix" >"$work/log" 2>/dev/null
[ ! -s "$work/log" ]
result $? 'no path of the build is left in what is installed' "$work/log"

for file in "$prefix"/lib/*.so "$prefix"/bin/*; do
    readelf -dW "$file" || printf 'RPATH? %s cannot be read\n' "$file"
done | grep -E 'RPATH|RUNPATH|TEXTREL' >"$work/log"
[ ! -s "$work/log" ] && [ -e "$prefix/lib/libxtsvol.so" ] && [ -e "$prefix/bin/xtsvol" ]
result $? 'what is installed searches no folder of its own for libraries' "$work/log"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export LD_LIBRARY_PATH=$prefix/lib
for compiler in gcc clang; do
    # Split into words on purpose: these are compiler flags.
    # shellcheck disable=SC2046
    {
        "$compiler" -std=c11 -Wall -Wextra -Werror -o "$work/consumer-$compiler" "$consumer" \
            $(pkg-config --cflags --libs xtsvol keymgr certstore replic) &&
            cd / && "$work/consumer-$compiler"
    } >"$work/log" 2>&1
    result $? "a consumer of all four libraries, with $compiler" "$work/log"

    # shellcheck disable=SC2046
    {
        "$compiler" -std=c11 -Wall -Wextra -Werror -o "$work/example-$compiler" \
            "$source_root/docs/examples/xts_sector.c" $(pkg-config --cflags --libs xtsvol) &&
            head -c 64 "$consumer" >"$work/key" && head -c 1024 "$consumer" >"$work/plain" &&
            "$work/example-$compiler" encrypt "$work/key" 7 <"$work/plain" >"$work/sectors" &&
            ! cmp "$work/plain" "$work/sectors" &&
            "$work/example-$compiler" decrypt "$work/key" 7 <"$work/sectors" | cmp - "$work/plain"
    } >"$work/log" 2>&1
    result $? "the example of the manual, with $compiler" "$work/log"

    for lib in xtsvol keymgr certstore replic; do
        printf '#include <%s/version.h>\nint main(void) { return %s_version_number() == 0; }\n' \
            "$lib" "$lib" >"$work/one.c"
        # shellcheck disable=SC2046
        {
            "$compiler" -std=c11 -Wall -Wextra -Werror -o "$work/one" "$work/one.c" \
                $(pkg-config --cflags --libs "$lib") && "$work/one" &&
                [ "$(pkg-config --modversion "$lib")" = "$version" ]
        } >"$work/log" 2>&1
        result $? "a consumer of lib$lib alone, with $compiler" "$work/log"
    done
done

unset LD_LIBRARY_PATH
for tool in xtsvol keymgr certstore replic; do
    (cd / && LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/$tool" --version) >"$work/log" 2>&1 &&
        head -n 1 "$work/log" | grep -qx "$tool (Strongroom) $version"
    result $? "the installed $tool tells its version" "$work/log"
done
printf '1..%d\n' "$number"
