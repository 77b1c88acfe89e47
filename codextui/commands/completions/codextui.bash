# Tab completion of codextui in bash (4 and newer).
_codextui_program=(codextui)

_codextui() {
  local kind reply program=("${_codextui_program[@]}")
  type -P "${program[0]}" > /dev/null || program=(codextui)
  COMPREPLY=()
  # What comes back is quoted for the line already, and nothing here evaluates it.
  {
    IFS= read -r kind
    while IFS= read -r reply; do
      COMPREPLY+=("$reply")
    done
  } < <(command "${program[@]}" complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" \
    2> /dev/null < /dev/null)
  case ${kind%% *} in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
    nospace) compopt -o nospace ;;
  esac
}

complete -F _codextui codextui
