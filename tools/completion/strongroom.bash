# SPDX-License-Identifier: Apache-2.0
# Completion for bash. It asks the tool itself: its --help is made from the table that its parser
# reads, so that nothing has to be kept in step here.

_strongroom_help() {
    local word known=()
    # The words that lead on in the tool's tree: neither options nor their values.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] && continue
        "${COMP_WORDS[0]}" "${known[@]}" "$word" --help >/dev/null 2>&1 && known+=("$word")
    done
    "${COMP_WORDS[0]}" "${known[@]}" --help 2>/dev/null
}

_strongroom() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} help values
    help=$(_strongroom_help) || return
    COMPREPLY=()
    if [[ $previous == --* ]]; then
        # `--severity info|warning|error` lists its words; any other value is the user's.
        values=$(sed -n -E "s/^ +(-., )?$previous ([a-z0-9]+(\|[a-z0-9]+)+)( .*)?$/\2/p" <<<"$help")
        if [ -n "$values" ]; then
            mapfile -t COMPREPLY < <(compgen -W "${values//|/ }" -- "$current")
            return
        fi
        if grep -qE -- "^ +(-., )?$previous [A-Z]" <<<"$help"; then
            if grep -qE -- "^ +(-., )?$previous (F|FILE|DIR|PATH)( |$)" <<<"$help"; then
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            return
        fi
    fi
    if [[ $current == -* ]]; then
        values=$(grep -oE '^ +(-., )?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+')
    else
        values=$(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z0-9-]*\).*/\1/p' <<<"$help")
    fi
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
    if [ ${#COMPREPLY[@]} = 0 ] && grep -q '^Arguments:' <<<"$help"; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -F _strongroom xtsvol keymgr certstore replic
