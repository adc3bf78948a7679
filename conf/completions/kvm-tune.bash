# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of kvm-tune for bash: verbs, options, and the names of profiles, domains, settings and runs.

# Adds those of the lines on stdin that begin with $1, each as one word.
_kvm_tune_add() {
  local line
  while IFS= read -r line; do
    if [[ $line == "$1"* ]]; then
      COMPREPLY+=("$(printf '%q' "$line")")
    fi
  done
}

# The options that this verb takes.
_kvm_tune_options() {
  local options='--connect --json --color --verbose --quiet --state-dir --help'
  case $1 in
    check | recommend | explain | profile) options+=' --capture' ;;
    status) options+=' --capture --why' ;;
    plan) options+=' --capture --domain --xml-dir' ;;
    verify) options+=' --capture --domain' ;;
    apply) options+=' --domain --yes --persist --prove --measure --blocks --seed --restart' ;;
    rollback) options+=' --yes --all' ;;
    daemon) options+=' --metrics' ;;
    release) options+=' --host' ;;
    bench) options+=' --domain --yes --workload --measure --blocks --seed --restart' ;;
    report) options+=' --html --markdown --csv --compare' ;;
    '') options+=' --version' ;;
  esac
  printf '%s\n' "$options"
}

_kvm_tune() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local verbs='check status recommend explain plan apply verify rollback history daemon reload release bench report profile capture'
  local verb='' place=0 capture='' index
  COMPREPLY=()

  # The verb, how many words after it are no options, and which capture is looked at.
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${COMP_WORDS[index]} in
      -c | --connect | --domain | --color | --state-dir | --xml-dir | --workload | --prove | --measure | --blocks | --seed | --html | --metrics) ((index++)) ;;
      --capture)
        ((index++))
        capture=${COMP_WORDS[index]}
        ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then
          verb=${COMP_WORDS[index]}
        else
          ((place++))
        fi
        ;;
    esac
  done

  case $before in
    --capture | --state-dir | --xml-dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return
      ;;
    --workload | --prove)
      _kvm_tune_add "$word" < <(kvm-tune bench 2>/dev/null | awk '{ print $1 }')
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.conf' -- "$word"; compgen -d -- "$word")
      return
      ;;
    --html)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --blocks | --seed) return ;;
    --color)
      mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
      return
      ;;
    -c | --connect)
      mapfile -t COMPREPLY < <(compgen -W 'qemu:///system qemu:///session test:///default' -- "$word")
      return
      ;;
    --domain | --measure)
      _kvm_tune_add "$word" < <(kvm-tune status -q ${capture:+--capture "$capture"} 2>/dev/null)
      return
      ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_kvm_tune_options "$verb")" -- "$word")
    return
  fi

  case $verb:$place in
    :0) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word") ;;
    status:*) _kvm_tune_add "$word" < <(kvm-tune status -q ${capture:+--capture "$capture"} 2>/dev/null) ;;
    explain:0) _kvm_tune_add "$word" < <(kvm-tune explain -q 2>/dev/null) ;;
    plan:0 | apply:0 | verify:0 | bench:0 | daemon:0 | profile:1)
      _kvm_tune_add "$word" < <(kvm-tune profile list -q 2>/dev/null)
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.conf' -- "$word"; compgen -d -- "$word")
      ;;
    profile:0) mapfile -t COMPREPLY < <(compgen -W 'list show check' -- "$word") ;;
    rollback:0 | history:0)
      _kvm_tune_add "$word" < <(kvm-tune history 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }')
      ;;
    report:*) mapfile -t COMPREPLY < <(compgen -f -X '!*.json' -- "$word"; compgen -d -- "$word") ;;
    capture:0) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
  esac
}

complete -F _kvm_tune kvm-tune
