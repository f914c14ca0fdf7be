# bash completion for duet(1).  Made by scripts/docs (make docs) of the tables in src/cli/options.c, src/cli/subcommand.c and src/client/exit.h.

_duet_value() { # what an option takes
    case $1 in
        --connect|-c) echo host ;;
        --out|-o) echo directory ;;
        --port|-p) echo value ;;
        --bind) echo value ;;
        --home) echo directory ;;
        --name) echo value ;;
        --peer) echo value ;;
        --mode) echo words burst step ;;
        --window) echo value ;;
        --max-packet) echo value ;;
        --heartbeat) echo value ;;
        --timeout) echo value ;;
        --cc) echo words bbr cubic ;;
        --limit) echo value ;;
        --trace) echo file ;;
    esac
}

_duet_options() { # of a command
    case $1 in
        chat) echo "--plain -o --out -y --yes -p --port --bind -4 --ipv4 -6 --ipv6 --home --name --accept-new --peer --mode --window --max-packet --heartbeat --timeout --cc --limit --trace --no-gso -q --quiet -v --verbose --no-color -h --help --version" ;;
        send) echo "-c --connect -p --port --bind -4 --ipv4 -6 --ipv6 --home --name --accept-new --peer --mode --window --max-packet --heartbeat --timeout --cc --limit --trace --no-gso -q --quiet -v --verbose --no-color -h --help --version" ;;
        recv) echo "-c --connect -o --out -y --yes -k --keep -p --port --bind -4 --ipv4 -6 --ipv6 --home --name --accept-new --peer --mode --window --max-packet --heartbeat --timeout --cc --limit --trace --no-gso -q --quiet -v --verbose --no-color -h --help --version" ;;
        ask) echo "-c --connect -p --port --bind -4 --ipv4 -6 --ipv6 --home --name --accept-new --peer --mode --window --max-packet --heartbeat --timeout --cc --limit --trace --no-gso -q --quiet -v --verbose --no-color -h --help --version" ;;
        id) echo "--home --name -q --quiet -v --verbose --no-color -h --help --version" ;;
    esac
}

_duet_operand() { # what else a command takes
    case $1 in
        chat) echo host ;;
        send) echo file ;;
        ask) echo words echo reverse time sum status ping ;;
    esac
}

# _duet_fill KIND [WORD...]: completes $cur.
_duet_fill() {
    local kind=$1
    shift
    case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur") ;;
    file) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    directory) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
    esac
}

_duet() {
    local cur=${COMP_WORDS[COMP_CWORD]} command='' i word value=''
    local -a commands=(chat send recv ask id) kind
    COMPREPLY=()

    # bash cuts --opt=value into three words.
    local -a words=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [ "${COMP_WORDS[i]}" = = ] && [ ${#words[@]} -gt 0 ]; then
            value=${words[-1]}
        else
            words+=("${COMP_WORDS[i]}")
            value=
        fi
    done
    if [ "$cur" = = ] && [ ${#words[@]} -gt 0 ]; then
        value=${words[-1]}
        cur=
    fi

    # The command is the first word that is neither an option nor an option's value.
    local last='' skip=0 ended=0 given=0
    for word in "${words[@]}"; do
        last=$word
        if [ $skip = 1 ]; then
            skip=0
            last=
        elif [ $ended = 0 ] && [ "$word" = -- ]; then
            ended=1
        elif [ $ended = 0 ] && [[ $word == -* ]]; then
            [ -z "$(_duet_value "$word")" ] || skip=1
        elif [ -z "$command" ]; then
            command=chat
            for i in "${commands[@]}"; do
                if [ $ended = 0 ] && [ "$i" = "$word" ]; then command=$word; fi
            done
            if [ "$command" != "$word" ]; then given=1; fi
        else
            given=1
        fi
    done
    if [ -z "$value" ] && [ $skip = 1 ]; then value=$last; fi
    if [ -n "$value" ]; then
        read -r -a kind < <(_duet_value "$value") || true
        _duet_fill "${kind[@]}"
        return
    fi
    if [ $ended = 0 ] && [[ $cur == -* ]]; then
        local -a options
        read -r -a options < <(_duet_options "${command:-chat}") || true
        _duet_fill words "${options[@]}"
        return
    fi
    read -r -a kind < <(_duet_operand "${command:-chat}") || true
    if [ $given = 1 ] && [ "${kind[0]:-}" != file ]; then return; fi
    _duet_fill "${kind[@]}"
    if [ -z "$command" ] && [ $ended = 0 ]; then
        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "${commands[*]}" -- "$cur")
    fi
}
complete -F _duet duet
