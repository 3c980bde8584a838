# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the lints: which files are the tree. A clone knows; an exported tree, or a clone that git
# will not read because it belongs to somebody else, is searched.

all_files() {
    if [ -e .git ] && git ls-files 2>/dev/null; then
        return 0
    fi
    find . -path ./.git -prune -o -path ./build -prune -o -type f -printf '%P\n'
}

# tree_files PATTERN...: the files of the tree that match one of the patterns, whose * matches / too.
# Fails when there is none: a lint that looks at nothing must not pass.
tree_files() {
    local all file pattern found=1
    all=$(all_files) || return 1
    while IFS= read -r file; do
        case $file in
        subprojects/packagefiles/*) ;;
        subprojects/*) continue ;;
        esac
        [ -f "$file" ] || continue
        for pattern in "$@"; do
            # shellcheck disable=SC2053 # it is a pattern
            if [[ $file == $pattern ]]; then
                printf '%s\n' "$file"
                found=0
                break
            fi
        done
    done <<<"$all"
    [ "$found" = 0 ] || printf 'no file matches %s\n' "$*" >&2
    return "$found"
}
