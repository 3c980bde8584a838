# SPDX-License-Identifier: Apache-2.0
# Completion for fish. It asks the tool itself, like the one for bash.

function __strongroom_help
    set -l words (commandline -opc)
    set -l known
    for word in $words[2..-1]
        string match -q -- '-*' $word; and continue
        $words[1] $known $word --help >/dev/null 2>&1; and set -a known $word
    end
    $words[1] $known --help 2>/dev/null
end

function __strongroom_complete
    set -l help (__strongroom_help)
    set -l previous (commandline -opc)[-1]
    if string match -q -- '--*' $previous
        set -l values (printf '%s\n' $help | string match -r -- "^ +(?:-., )?$previous ([a-z0-9]+(?:\|[a-z0-9]+)+)(?: .*)?\$")
        if set -q values[2]
            string split '|' $values[2]
            return
        end
        if printf '%s\n' $help | string match -qr -- "^ +(?:-., )?$previous [A-Z]"
            if printf '%s\n' $help | string match -qr -- "^ +(?:-., )?$previous (?:F|FILE|DIR|PATH)(?: |\$)"
                __fish_complete_path (commandline -ct)
            end
            return
        end
    end
    printf '%s\n' $help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z0-9-]*\).*/\1/p'
    printf '%s\n' $help | string match -r -- '^ +(?:-., )?(--[a-z-]+)' | string match -- '--*'
end

for tool in xtsvol keymgr certstore replic
    complete -c $tool -f -a '(__strongroom_complete)'
end
