#compdef codextui
# Tab completion of codextui in zsh.
typeset -ga _codextui_program=(codextui)

_codextui() {
  local kind head row value about
  local -a program=("${_codextui_program[@]}") lines rows
  whence -p -- "$program[1]" > /dev/null || program=(codextui)
  lines=("${(@f)$(command "${program[@]}" complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" \
    2> /dev/null < /dev/null)}")
  kind=${lines[1]%% *} head=${lines[1]##* }
  [[ $head == <1-> ]] && compset -p "$head"
  for row in "${(@)lines[2,-1]}"; do
    value=${${row%%$'\t'*}//\\/\\\\} about=${row#*$'\t'}
    rows+=("${value//:/\\:}${about:+:$about}")
  done
  case $kind in
    files) _files ;;
    folders) _files -/ ;;
    nospace) _describe codextui rows -S '' ;;
    values) _describe codextui rows ;;
  esac
}

# A file in $fpath is called by the completion itself; what is evaluated registers the function.
if [[ $zsh_eval_context == *func ]]; then
  _codextui "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
  compdef _codextui codextui
fi
