# Tab completion of codextui in fish (3 and newer).
set -g __codextui_program codextui

function __codextui_complete
    set -l program $__codextui_program
    command -q $program[1]; or set program codextui
    set -l words (commandline -opc)
    while string match -qr '^\w+=' -- $words[1]
        set -e words[1]
    end
    set -l typed (commandline -ct)
    # Without its quotes, one of which may be open.
    set -l current (string unescape -- "$typed"
        or string unescape -- "$typed'"
        or string unescape -- "$typed\"")
    set -l lines (command $program complete fish $words "$current" 2>/dev/null </dev/null)
    test (count $lines) -gt 0; or return
    set -l place (string split ' ' -- $lines[1])
    set -l head (string sub -l "$place[2]" -- "$current")
    set -l rest (string sub -s (math "$place[2]" + 1) -- "$current")
    switch "$place[1]"
        case files
            string replace -r '^' -- "$head" (__fish_complete_path "$rest")
        case folders
            string replace -r '^' -- "$head" (__fish_complete_directories "$rest" '')
        case '*'
            string join \n -- $lines[2..]
    end
end

complete -c codextui -f -a '(__codextui_complete)'
